/** The hardest examples of files, streamed where losses alone decide. */
import { ohem } from "../mod.ts";
import { collect } from "./collect.ts";
import type { Io } from "./command.ts";
import { readBytes } from "./options.ts";
import { inPlace } from "./place.ts";
import type { Sources } from "./sources.ts";
import { walk } from "./walk.ts";

/** Peak memory for one example, measured: 50 with box and group, 77 with positives and half of them selected. */
export const BYTES_PER_EXAMPLE = 96;

export interface Selected {
  /** Hardest first. */
  indices: Uint32Array<ArrayBuffer>;
  hardest: number;
  easiest: number;
  examples: number;
}

export type Numbers = { budget: number; iou?: number; ratio?: number };

/** Losses alone: one pass, and memory for the budget. */
export async function streamed(sources: Sources, budget: number, io: Io): Promise<Selected> {
  const hard = ohem.stream({ budget });
  const examples = await walk(sources, "select", io, ({ losses, mask }) => {
    hard.update(losses, { mask });
  });
  const { indices, losses } = hard.result();
  return { indices, hardest: losses[0], easiest: losses[losses.length - 1], examples };
}

/** With boxes or a ratio an example depends on all that are harder: everything has to be in memory. */
export async function whole(
  task: string,
  sources: Sources,
  numbers: Numbers,
  memory: string,
  io: Io,
): Promise<Selected> {
  const most = Math.floor(readBytes(task, "memory", memory) / BYTES_PER_EXAMPLE);
  const all = await collect(sources, most, io);
  if (!all) {
    throw new RangeError(
      `Cannot ${task}: expected at most ${most} examples with boxes or positives in ${memory} (see --memory), got more`,
    );
  }
  const { losses, mask, boxes, groups, positives, rows } = all;
  const { indices } = await inPlace(sources, all, () =>
    ohem(losses, { ...numbers, mask, boxes, groups, positives }),
  );
  return {
    indices,
    hardest: losses[indices[0]],
    easiest: losses[indices[indices.length - 1]],
    examples: rows,
  };
}

/** Writes a mask in pieces: `sorted` are the indices in ascending order. */
export async function writeMask(
  write: (mask: Uint8Array) => Promise<void>,
  sorted: Uint32Array,
  length: number,
): Promise<void> {
  const piece = 1 << 16;
  let next = 0;
  for (let first = 0; first < length; first += piece) {
    const mask = new Uint8Array(Math.min(piece, length - first));
    for (; next < sorted.length && sorted[next] < first + piece; next++) mask[sorted[next] - first] = 1;
    await write(mask);
  }
}
