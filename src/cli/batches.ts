/** Walks the inputs of a run with the progress line, and puts errors at the place in the whole file. */
import type { Io } from "./command.ts";
import { Progress } from "./progress.ts";
import type { Batch, Sources } from "./source.ts";

/** Elements per chunk: large enough that reading is not felt, small enough that memory is not. */
export const CHUNK: number = 1 << 16;

/** The library counts from the start of the chunk it was given; the reader of the line, from that of the file. */
function placed(error: unknown, first: number): unknown {
  if (error instanceof RangeError)
    error.message = error.message.replace(/(at index )(\d+)/, (_, at, i) => at + (Number(i) + first));
  return error;
}

/** Calls `each` with every batch in turn; `step` is the largest, a multiple of the classes of a row. */
export async function walk(
  sources: Sources,
  step: number,
  label: string,
  io: Io,
  each: (batch: Batch) => void | Promise<void>,
): Promise<void> {
  const progress = new Progress(io.stderr, label);
  try {
    for await (const batch of sources.batches(step)) {
      try {
        await each(batch);
      } catch (error) {
        throw placed(error, batch.first);
      }
      progress.update(sources.fraction, batch.first + batch.logits.length);
    }
  } finally {
    progress.end();
  }
}
