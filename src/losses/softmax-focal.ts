import { defineRows, number, type PerClass, type RowLoss } from "../rows/define.ts";
import { byLabel } from "./balance.ts";
import { kernelOf, powers } from "./focal.ts";

export interface SoftmaxFocalOptions {
  /** Focusing exponent in [0, 1000]; 0 is weighted cross-entropy. Default 2. */
  readonly gamma?: number | undefined;
  /** Weight of a row, for all rows or by its label, in [0, 3.4e38]; default null: 1. There is no 1 - alpha. */
  readonly alpha?: PerClass | null | undefined;
}

/**
 * Focal loss of softmax(logits) with one label per row.
 *
 * L = alpha_t (1 - p_t)^gamma (-log p_t), with p_t the probability of the label
 *
 * The binary focal loss of the margin between the label and the others, by the same kernel.
 *
 * @param logits shape [rows, classes], row-major, finite, or -Infinity for a class that is not the label
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options see `SoftmaxFocalOptions` and `RowOptions`; the mean is over the rows that exist
 * @returns `loss`, `grad` = d loss / d logits of shape [rows, classes], `count` of rows
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: docs/rows.md. Source: Lin et al. 2017 (arXiv 1708.02002), equation 5.
 *
 * @example
 * const { loss, grad } = softmaxFocal(Float32Array.of(2, 1, 0), Int32Array.of(0), { classes: 3, gamma: 2 });
 */
export const softmaxFocal: RowLoss<SoftmaxFocalOptions> = /* @__PURE__ */ defineRows<SoftmaxFocalOptions>({
  name: "softmaxFocal",
  defaults: { gamma: 2, alpha: null },
  form(task, { gamma, alpha }, classes) {
    const exponent = number(task, "gamma", gamma, 0, 1000);
    return {
      margin: kernelOf(exponent),
      fields: powers(exponent),
      share: 1,
      alpha: byLabel(task, alpha, classes),
    };
  },
});
