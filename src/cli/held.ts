/** Files that are in memory as a whole, as far as --memory allows. */

import type { Batch } from "./batch.ts";
import { collect } from "./collect.ts";
import type { Io } from "./command.ts";
import { readBytes } from "./options.ts";
import type { Sources } from "./sources.ts";

/** Peak memory for a score with its gradient, and for a pair with all that goes with it: measured 20 and 48, and some room. */
const BYTES = { score: 32, pair: 64 };

async function all(
  task: string,
  sources: Sources,
  unit: keyof typeof BYTES,
  memory: string,
  io: Io,
): Promise<Batch> {
  const most = Math.floor(readBytes(task, "memory", memory) / BYTES[unit]);
  const batch = await collect(sources, most, io);
  if (batch) return batch;
  throw new RangeError(
    `Cannot ${task}: expected at most ${most} ${unit}s in ${memory} (see --memory), got more`,
  );
}

/** The scores of items, and the shape of what has one value for each. */
export interface Held {
  scores: Float32Array;
  shape: readonly number[];
  paths: readonly string[];
}

/** All scores of a run; their file is closed then. */
export async function holdScores(task: string, sources: Sources, memory: string, io: Io): Promise<Held> {
  try {
    const { scores, rows } = await all(task, sources, "score", memory, io);
    return { scores, shape: sources.shape(rows, false), paths: sources.paths };
  } finally {
    await sources.close();
  }
}

/** All pairs of a run. */
export const holdPairs = (task: string, sources: Sources, memory: string, io: Io): Promise<Batch> =>
  all(task, sources, "pair", memory, io);
