import { addDigits, DIGITS, read } from "../stream/exact-sum.ts";

/** Powers of two in a bucket of weights, as in the kernels, and what a unit of a bucket is in the next. */
export const WIDTH = 40;
const STEP = 9.094947017729282e-13; // 2^-40
/** Adding and subtracting it rounds to a whole number, ties to even. */
const WHOLE = 6755399441055744;
/** Buckets that are kept, and the sums of each: of the weights q, and of q p. */
export const BUCKETS = 4;
export const SUMS = 2;
const WORDS: number = SUMS * DIGITS;

/** The bucket of a weight 2^v, by the very operations of the kernels. */
export function bucketOf(v: number): number {
  return v * (1 / WIDTH) + WHOLE - WHOLE;
}

/**
 * The weights of one side as exact sums, of the highest buckets. What is lower is dropped by whole buckets, so that the
 * sums depend on the elements alone; 2^53 elements there weigh less than 2^-65 of what is kept.
 */
export class Side {
  /** The highest bucket of any element; -Infinity for none. */
  top: number = -Infinity;
  /** The sums of the highest bucket first. */
  readonly digits: Uint32Array = new Uint32Array(BUCKETS * WORDS);

  /** Makes room for a bucket. */
  raise(bucket: number): void {
    const steps = bucket - this.top;
    if (!(steps > 0)) return;
    const to = Math.min(steps, BUCKETS) * WORDS;
    this.digits.copyWithin(to, 0);
    this.digits.fill(0, 0, to);
    this.top = bucket;
  }

  /** The digits of one sum of a bucket, for adding to; undefined if the bucket is dropped. */
  sum(bucket: number, which: number): Uint32Array | undefined {
    const below = this.top - bucket;
    const from = below * WORDS + which * DIGITS;
    return below < BUCKETS ? this.digits.subarray(from, from + DIGITS) : undefined;
  }

  add(other: Side): void {
    const { top } = other;
    if (top === -Infinity) return;
    const digits = other.digits.slice();
    this.raise(top);
    for (let k = 0; k < BUCKETS * SUMS; k++) {
      const to = this.sum(top - (k >> 1), k & 1);
      if (to) addDigits(to, digits.subarray(k * DIGITS, (k + 1) * DIGITS));
    }
  }

  /** The sum of q (0) or of q p (1) in units of the highest bucket. */
  total(which: number): number {
    let total = 0;
    for (let below = BUCKETS - 1; below >= 0; below--)
      total = total * STEP + read(this.digits, below * WORDS + which * DIGITS);
    return total;
  }
}
