import { at, CHUNK, part, reserve, views } from "../arena.ts";
import { options as checkOptions, number } from "../check.ts";
import { checkBytes, checkLosses } from "../selection/arguments.ts";
import { hardestOf } from "../selection/batch.ts";
import { MOST } from "../selection/hardest.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";

export interface DistributionOptions {
  /** One byte per loss; where it is 0 the example does not exist. */
  readonly mask?: Uint8Array | undefined;
}

export interface LossCdf {
  /** The share of the examples up to here: (i + 1) / n. */
  fraction: Float64Array;
  /** The share of the loss that the easiest i + 1 examples carry. */
  cumulative: Float64Array;
}

/** Throws unless losses and options are of their kinds; returns the mask. */
function checkMask(
  task: string,
  losses: Float32Array,
  options: DistributionOptions | undefined,
): Uint8Array | undefined {
  checkLosses(task, "losses", losses);
  checkOptions(task, options, ["mask"]);
  const mask = options?.mask;
  checkBytes(task, "mask", mask, losses.length);
  return mask;
}

/** The n highest losses, from the highest on; none may be negative. */
function descending(
  task: string,
  losses: Float32Array,
  mask: Uint8Array | undefined,
  n: number,
): Float32Array<ArrayBuffer> {
  if (n > MOST) throw new RangeError(`Cannot ${task}: expected at most ${MOST} losses to sort, got ${n}`);
  for (let i = 0; i < losses.length; i++) {
    if (!(losses[i]! >= 0 && losses[i]! < Infinity) && mask?.[i] !== 0) {
      throw new RangeError(`Cannot ${task}: expected finite losses >= 0, got ${losses[i]} at index ${i}`);
    }
  }
  return hardestOf(task, losses, mask, n).losses;
}

/**
 * How the loss is spread over the examples, from the easiest to the hardest: the curve of cumulative loss.
 *
 * @param losses shape [n], finite and >= 0 where the mask leaves them
 * @returns one point for each valid example; convex, and the last is (1, 1). Where all losses are 0, the diagonal
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for another length and the first loss outside the domain
 *
 * Error: sums are exact and rounded once; one division more in `cumulative`.
 * Source: Lin et al. 2017 (arXiv 1708.02002), figure 4.
 */
export function lossCdf(losses: Float32Array, options?: DistributionOptions): LossCdf {
  const task = "compute the loss distribution";
  const mask = checkMask(task, losses, options);
  const ascending = descending(task, losses, mask, losses.length).reverse();
  const n = ascending.length;
  const fraction = new Float64Array(n);
  for (let i = 0; i < n; i++) fraction[i] = (i + 1) / n;
  if (n === 0) return { fraction, cumulative: new Float64Array(0) };
  const [values, sums] = reserve([n * 4, n * 8]) as [number, number];
  views().f32.set(ascending, values >>> 2);
  kernel.cumulate(n, values, sums);
  const cumulative = views().f64.slice(sums >>> 3, (sums >>> 3) + n);
  const total = cumulative[n - 1]!;
  for (let i = 0; i < n; i++) cumulative[i] = total > 0 ? cumulative[i]! / total : fraction[i]!;
  return { fraction, cumulative };
}

/** The sum of float32 values, exact and rounded once. */
function exactSum(values: Float32Array): number {
  clear(at.words, DIGITS);
  for (let from = 0; from < values.length; from += CHUNK) {
    const size = Math.min(CHUNK, values.length - from);
    views().f32.set(part(values, from, size), at.x >>> 2);
    kernel.sum(size, at.x, at.words);
  }
  return kernel.total(at.words);
}

/**
 * The share of the loss that the hardest `fraction` of the examples carries: 1 - C(1 - fraction), C the curve of
 * `lossCdf` with straight lines between its points.
 *
 * @param losses shape [n], finite and >= 0 where the mask leaves them
 * @param fraction in [0, 1]
 * @returns a number in [0, 1]; `fraction` itself where all losses are 0
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for another length, a fraction outside [0, 1], and the first loss outside the domain
 *
 * Method: the hardest are selected, not sorted out of all; sums are exact and rounded once.
 */
export function share(losses: Float32Array, fraction: number, options?: DistributionOptions): number {
  const task = "compute the share of the hardest";
  number(task, "fraction", fraction, 0, 1);
  const mask = checkMask(task, losses, options);
  const valid = mask ? losses.filter((_, i) => mask[i] !== 0) : losses;
  const exact = fraction * valid.length;
  const whole = Math.floor(exact);
  const hardest = descending(task, losses, mask, Math.min(whole + 1, valid.length));
  const total = exactSum(valid);
  if (total === 0) return fraction;
  const next = exactSum(hardest.subarray(whole));
  // Never above 1, although the part of one loss is rounded.
  return Math.min((exactSum(hardest.subarray(0, whole)) + (exact - whole) * next) / total, 1);
}
