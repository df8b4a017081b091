import { options as checkOptions, integer, number } from "../check.ts";
import { logarithm, twiceAtanh } from "./logarithm.ts";

export interface PriorOptions {
  /** Classes in all, the background among them: gives the bias of a softmax's background class. */
  readonly classes?: number | undefined;
}

/** |1 - 2 pi| up to which the series needs no reduction. */
const NEAR = 0.17;

/**
 * The bias that makes an untrained classifier predict rare positives with probability `pi`.
 *
 * Sigmoid: b = -ln((1 - pi) / pi). Softmax of C classes: the background's bias ln((C - 1) (1 - pi) / pi), others 0,
 * which gives the background the probability 1 - pi.
 *
 * @param pi in [2^-1000, 1)
 * @throws {TypeError} for another kind and unknown options
 * @throws {RangeError} for a pi outside its range, or fewer than 2 classes
 *
 * Error: 4 ulp for the sigmoid; 4 ulp of max(1, |b|) with classes (`test/analysis.test.ts`). The same bits everywhere.
 * Source: Lin et al. 2017 (arXiv 1708.02002), section 4.1.
 */
export function priorBias(pi: number, options?: PriorOptions): number {
  const task = "compute the prior bias";
  number(task, "pi", pi, 2 ** -1000, 1 - 2 ** -53);
  checkOptions(task, options, ["classes"]);
  if (options?.classes === undefined) {
    // ln(pi / (1 - pi)) = -2 atanh(1 - 2 pi): near 1/2 the quotient would have lost the digits.
    const s = 1 - 2 * pi;
    return s <= NEAR && s >= -NEAR ? 0 - twiceAtanh(s) : -logarithm((1 - pi) / pi);
  }
  const classes = integer(task, "classes", options.classes, 2, 2 ** 31 - 1);
  const odds = ((classes - 1) * (1 - pi)) / pi;
  // Beyond float64 they are 2^64 times those of 2^64 pi.
  if (odds === Infinity) return logarithm(((classes - 1) * (1 - pi)) / (2 ** 64 * pi)) + 64 * Math.LN2;
  return logarithm(odds);
}
