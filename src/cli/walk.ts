/** Walks the inputs of a run with the progress line. */

import type { Batch } from "./batch.ts";
import type { Io } from "./command.ts";
import { inPlace } from "./place.ts";
import { Progress } from "./progress.ts";
import type { Sources } from "./sources.ts";

/** Values of a kind per chunk: large enough that reading is not felt, small enough that memory is not. */
const CHUNK = 1 << 16;

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
      await inPlace(sources, batch, () => each(batch));
      rows = batch.first + batch.rows;
      progress.update(sources.fraction, rows);
    }
    return rows;
  } finally {
    progress.end();
  }
}
