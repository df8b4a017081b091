import { defineRows, kernel, number, type RowLoss } from "../rows/define.ts";

export interface SoftmaxCrossEntropyOptions {
  /** Share eps of the target that all classes get alike: t (1 - eps) + eps / classes. In [0, 1]; default 0. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Cross-entropy of softmax(logits) with one label per row.
 *
 * L = -sum_j t_j log p_j, with t one at the label, or smoothed
 *
 * @param logits shape [rows, classes], row-major, finite; -Infinity excludes a class that is not the label: its
 * probability and gradient are 0, and it has no share in smoothing
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options see `SoftmaxCrossEntropyOptions` and `RowOptions`; the mean is over the rows that exist
 * @returns `loss`, `grad` = d loss / d logits of shape [rows, classes], `count` of rows
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: loss and gradient of the label within 8 ulp; of another class within 2^-24 (16 + g) relative, g what its
 * logit is below the peak of the others; smoothed: docs/rows.md. Source: section 1 of docs/rows.md.
 *
 * @example
 * const { loss, grad } = softmaxCrossEntropy(Float32Array.of(2, 1, 0), Int32Array.of(0), { classes: 3 });
 */
export const softmaxCrossEntropy: RowLoss<SoftmaxCrossEntropyOptions> =
  /* @__PURE__ */ defineRows<SoftmaxCrossEntropyOptions>({
    name: "softmaxCrossEntropy",
    defaults: { labelSmoothing: 0 },
    form(task, { labelSmoothing }, classes) {
      const part = number(task, "labelSmoothing", labelSmoothing, 0, 1) / classes;
      return {
        margin: kernel.bceHard,
        fields: [],
        share: 1 - (classes - 1) * part,
        second: part > 0 ? { kind: "smooth", part } : undefined,
        alpha: 1,
      };
    },
  });
