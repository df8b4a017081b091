/** Walks the inputs of a run with the progress line, and puts errors at the place in the whole file. */

import type { Batch } from "./batch.ts";
import type { Io } from "./command.ts";
import { Progress } from "./progress.ts";
import type { Sources } from "./sources.ts";

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
    .replace(/((?:at row|pair) )(\d+)/, (_, at, i) => at + (Number(i) + first));
  return error;
}

/** Calls `each` with every batch in turn, of at least so many rows but for the last. Returns how many rows there are. */
export async function walk(
  sources: Sources,
  label: string,
  io: Io,
  each: (batch: Batch) => void | Promise<void>,
  least = 1,
): Promise<number> {
  const progress = new Progress(io.stderr, label);
  const { width } = sources;
  let rows = 0;
  try {
    for await (const batch of sources.batches(Math.max(least, Math.floor(CHUNK / width)))) {
      try {
        await each(batch);
      } catch (error) {
        throw placed(error, batch.first, width);
      }
      rows = batch.first + batch.rows;
      progress.update(sources.fraction, rows);
    }
    return rows;
  } finally {
    progress.end();
  }
}
