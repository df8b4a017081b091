import { options as checkOptions, integer, number } from "../check.ts";
import { below, streamOf } from "./draw.ts";
import { floats, refuseAt, sizes } from "./shape.ts";

export interface ThresholdOptions {
  /** Samples. */
  readonly n: number;
  /** Rows and columns of each map. */
  readonly size: number;
  /** How many of the highest cells to draw from: a share of all cells below 1, a count from 1. Default 1/2. */
  readonly top?: number | undefined;
  /** How many to drop, likewise. Default 1/3; at most `top`. */
  readonly drop?: number | undefined;
  /** A whole number from 0 to 2^32 - 1. Needed unless `top` and `drop` are equal. */
  readonly seed?: number | undefined;
}

/** A share of the cells rounded down, at least one, or a count. */
function amount(task: string, name: string, value: number, cells: number): number {
  number(task, name, value, 0, cells);
  if (value >= 1) return integer(task, name, value, 1, cells);
  // A share such as 0.29 of 100 is 28.999999999999996 in float64, and means 29.
  return value === 0 ? 0 : Math.max(1, Math.floor(value * cells + 1e-9));
}

/** float32 bits as an unsigned integer that is smaller the higher the score; both zeros are one. */
function descending(score: number, word: Float32Array, bits: Int32Array): number {
  word[0] = score + 0;
  const pattern = bits[0]!;
  return (pattern < 0 ? pattern : pattern ^ 0x7fffffff) >>> 0;
}

/**
 * A mask that drops `drop` cells of each sample, at random among its `top` highest scores.
 *
 * Of equal scores the one with the lower index is the higher. `top` equal to `drop` leaves nothing to chance. A
 * sample's cells depend on its scores, its number and the seed. The default drops a third of all cells, two thirds of
 * the upper half.
 *
 * @param scores shape [n, size * size], the mask network's output, finite; logits or probabilities
 * @returns shape [n, size * size], 1 = dropped
 * @throws {TypeError} for another kind of array, unknown options and a missing seed
 * @throws {RangeError} for another shape, shares and counts out of range, the first score that is not finite
 *
 * Method: one sort of exact float64 keys (score, index), then the first steps of a Fisher-Yates shuffle.
 * Source: Wang, Shrivastava, Gupta 2017 (arXiv 1704.03414), section 3.2, thresholding by sampling; see
 * docs/adversaries.md for what is left open there.
 */
export function threshold(scores: Float32Array, options: ThresholdOptions): Uint8Array<ArrayBuffer> {
  const task = "threshold occlusion scores";
  checkOptions(task, options, ["n", "size", "top", "drop", "seed"]);
  const { n, size } = sizes(task, options, ["n", "size"]);
  const cells = size * size;
  const top = amount(task, "top", options.top ?? 1 / 2, cells);
  const drop = amount(task, "drop", options.drop ?? 1 / 3, cells);
  if (drop > top) throw new RangeError(`Cannot ${task}: expected at most ${top} cells to drop, got ${drop}`);
  const seed = top === drop && options.seed === undefined ? 0 : options.seed;
  integer(task, "seed", seed, 0, 2 ** 32 - 1);
  floats(task, "scores", scores, [n, cells]);
  const mask = new Uint8Array(scores.length);
  const keys = new Float64Array(cells);
  const word = new Float32Array(1);
  const bits = new Int32Array(word.buffer);
  for (let s = 0; s < n; s++) {
    const from = s * cells;
    for (let i = 0; i < cells; i++) {
      const score = scores[from + i]!;
      if (!Number.isFinite(score)) refuseAt(task, "scores", scores, from + i, () => true);
      keys[i] = descending(score, word, bits) * cells + i;
    }
    keys.sort();
    choose(keys, top, drop, seed as number, s);
    for (let k = 0; k < drop; k++) mask[from + (keys[k]! % cells)] = 1;
  }
  return mask;
}

/** Brings `drop` of the first `top` keys to the front. */
function choose(keys: Float64Array, top: number, drop: number, seed: number, sample: number): void {
  if (top === drop) return;
  const stream = streamOf(seed, sample);
  for (let k = 0; k < drop; k++) {
    const other = k + below(stream, top - k);
    const key = keys[other]!;
    keys[other] = keys[k]!;
    keys[k] = key;
  }
}
