import { Logistic } from "../math/logistic";

/**
 * The exponentials that every binary loss begins with, in a loop of their own. One loop with everything in it has more
 * constants and copies in flight than a processor has registers; two loops are faster on every engine tried, and what
 * passes between them stays in the first-level cache.
 */
export class Decay {
  /** Bytes of one block of each array. */
  static readonly BLOCK: usize = 4096;

  /** exp(-|x|) of the elements between two byte offsets. */
  @inline static run(from: usize, end: usize, x: usize, e: usize): void {
    for (let i = from; i < end; i += 16) v128.store(e + i, Logistic.decay(v128.load(x + i)));
  }
}
