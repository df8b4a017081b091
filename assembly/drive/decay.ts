import { Logistic } from "../math/logistic";

/** Bytes of one block of each array. */
export const BLOCK: usize = 4096;

/**
 * The exponentials that every binary loss begins with, in a loop of their own: exp(-|x|) of the elements between two
 * byte offsets. One loop with everything in it has more constants and copies in flight than a processor has registers;
 * two loops are faster on every engine tried, and what passes between them stays in the first-level cache. All losses
 * call this one: a call per block costs nothing, and a copy of it in each of them would.
 */
export function decay(from: usize, end: usize, x: usize, e: usize): void {
  for (let i = from; i < end; i += 16) v128.store(e + i, Logistic.decay(v128.load(x + i)));
}
