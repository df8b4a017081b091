/** Walks the inputs of a run with the progress line, and puts errors at the place in the whole file. */
import type { Io } from "./command.ts";
import { Progress } from "./progress.ts";
import type { Batch, Sources } from "./sources.ts";

/** Values of a kind per chunk: large enough that reading is not felt, small enough that memory is not. */
const CHUNK = 1 << 16;

/**
 * The library counts from the start of the chunk it was given; the reader of the line, from that of the file. An
 * index is that of a value, a row that of a row, and weights of rows are counted as rows are.
 */
function placed(error: unknown, first: number, width: number): unknown {
  if (!(error instanceof RangeError)) return error;
  const offset = /rowWeights/.test(error.message) ? first : first * width;
  error.message = error.message
    .replace(/(at index )(\d+)/, (_, at, i) => at + (Number(i) + offset))
    .replace(/(at row )(\d+)/, (_, at, i) => at + (Number(i) + first));
  return error;
}

/** Calls `each` with every batch in turn. */
export async function walk(
  sources: Sources,
  label: string,
  io: Io,
  each: (batch: Batch) => void | Promise<void>,
): Promise<void> {
  const progress = new Progress(io.stderr, label);
  const { width } = sources;
  try {
    for await (const batch of sources.batches(Math.max(1, Math.floor(CHUNK / width)))) {
      try {
        await each(batch);
      } catch (error) {
        throw placed(error, batch.first, width);
      }
      progress.update(sources.fraction, batch.first + batch.rows);
    }
  } finally {
    progress.end();
  }
}
