/** A chunk of losses in the arena: what the hardest of it are found with. */
import { at, CHUNK, part, reserve, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";

/** Keys are integers that order like the losses: the one below all of them. */
export const LOWEST: number = -0x7f800001;
/** The key of the highest loss that can be. */
const HIGHEST = 0x7f7fffff;
/** Bytes of a table of counts. */
export const TABLE = 8192;

function refuse(task: string, losses: Float32Array, mask: Uint8Array | undefined, from: number): never {
  for (let i = from; i < losses.length; i++) {
    if ((mask && mask[i] === 0) || Number.isFinite(losses[i]!)) continue;
    throw new RangeError(`Cannot ${task}: expected finite losses, got ${losses[i]} at index ${i}`);
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Copies the chunk that begins at `from`, and checks it. @returns how many losses it has */
export function admit(
  task: string,
  losses: Float32Array,
  mask: Uint8Array | undefined,
  from: number,
): number {
  const size = Math.min(losses.length - from, CHUNK);
  const { f32, u8 } = views();
  f32.set(part(losses, from, size), at.x >>> 2);
  if (mask) u8.set(part(mask, from, size), at.mask);
  if (kernel.admitLosses(size, at.x, mask ? at.mask : 0) !== 0) refuse(task, losses, mask, from);
  return size;
}

/**
 * A key below those of the hardest `budget` of n losses, from the maxima of groups (assembly/sort/floor.ts): with four
 * for each of the budget, and losses in no special order, a fifth more are above it. Of a large share it is not worth
 * finding, and the lowest is given.
 *
 * @param enter puts the chunk from an index on into the arena, and returns how many losses it has
 */
export function floorOf(budget: number, n: number, enter: (from: number) => number): number {
  if (budget === 0) return HIGHEST;
  if (8 * budget > n) return LOWEST;
  // An odd number of vectors, so that what has a period in the data seldom has the same in the groups.
  const groups = 4 * (budget | 1);
  const [maxima] = reserve([4 * groups]) as [number];
  views().f32.fill(-Infinity, maxima >>> 2, (maxima >>> 2) + groups);
  for (let from = 0; from < n; from += CHUNK) {
    kernel.groupMaxima(enter(from), at.x, groups, (from / 4) % groups, maxima);
  }
  return Math.max(kernel.floorKey(groups, maxima, budget) - 1, LOWEST);
}
