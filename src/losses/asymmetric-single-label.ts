import { defineRows, kernel, number, type RowLoss } from "../rows/define.ts";
import { kernelOf, powers } from "./focal.ts";

export interface AsymmetricSingleLabelOptions {
  /** Focusing exponent of the label, in [0, 1000]; default 0. */
  readonly gammaPos?: number | undefined;
  /** Focusing exponent of the other classes, in [0, 1000]; without smoothing it has no effect. Default 4. */
  readonly gammaNeg?: number | undefined;
  /** Share eps of the target that all classes get alike: t (1 - eps) + eps / classes. In [0, 1]; default 0.1. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * Asymmetric loss of softmax(logits) with one label per row.
 *
 * L = -t_t (1 - p_t)^gammaPos log p_t - sum over the others of t_j p_j^gammaNeg log p_j, with t the smoothed target
 *
 * The gradient is that of the whole formula, weights included. Both exponents 0: smoothed cross-entropy.
 *
 * @param logits shape [rows, classes], row-major, finite; -Infinity excludes a class that is not the label
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options see `AsymmetricSingleLabelOptions` and `RowOptions`; the mean is over the rows that exist
 * @returns `loss`, `grad` = d loss / d logits of shape [rows, classes], `count` of rows
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: docs/rows.md. Source: Ridnik et al. 2021 (arXiv 2009.14119), equation 5, on softmax probabilities.
 *
 * @example
 * const { loss } = asymmetricSingleLabel(Float32Array.of(2, 1, 0), Int32Array.of(0), { classes: 3 });
 */
export const asymmetricSingleLabel: RowLoss<AsymmetricSingleLabelOptions> =
  /* @__PURE__ */ defineRows<AsymmetricSingleLabelOptions>({
    name: "asymmetricSingleLabel",
    defaults: { gammaPos: 0, gammaNeg: 4, labelSmoothing: 0.1 },
    form(task, { gammaPos, gammaNeg, labelSmoothing }, classes) {
      const exponent = number(task, "gammaPos", gammaPos, 0, 1000);
      const gamma = number(task, "gammaNeg", gammaNeg, 0, 1000);
      const part = number(task, "labelSmoothing", labelSmoothing, 0, 1) / classes;
      const isPlain = exponent === 0 && gamma === 0;
      return {
        margin: isPlain ? kernel.bceHard : kernelOf(exponent),
        fields: powers(exponent),
        share: 1 - (classes - 1) * part,
        second: part > 0 ? (isPlain ? { kind: "smooth", part } : { kind: "tail", gamma, part }) : undefined,
        alpha: 1,
      };
    },
  });
