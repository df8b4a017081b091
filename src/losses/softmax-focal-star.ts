import { defineRows, type PerClass, type RowLoss } from "../rows/define.ts";
import { byLabel } from "./balance.ts";
import { star } from "./focal-star.ts";

export interface SoftmaxFocalStarOptions {
  /** Steepness in [0.001, 1000]; 1 with beta 0 is cross-entropy. Default 2. */
  readonly gamma?: number | undefined;
  /** Shift in [-1000, 1000]: the loss falls off where the margin exceeds -beta / gamma. Default 1. */
  readonly beta?: number | undefined;
  /** Weight of a row, for all rows or by its label, in [0, 3.4e38]; default null: 1. There is no 1 - alpha. */
  readonly alpha?: PerClass | null | undefined;
}

/**
 * FL* of softmax(logits) with one label per row: cross-entropy on a scaled and shifted margin.
 *
 * L = alpha_t softplus(-(gamma m + beta)) / gamma, with m = x_t - logsumexp of the others
 *
 * @param logits shape [rows, classes], row-major, finite, or -Infinity for a class that is not the label
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options see `SoftmaxFocalStarOptions` and `RowOptions`; the mean is over the rows that exist
 * @returns `loss`, `grad` = d loss / d logits of shape [rows, classes], `count` of rows
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: docs/rows.md. Source: Lin et al. 2017 (arXiv 1708.02002), appendix A, for two classes.
 *
 * @example
 * const { loss } = softmaxFocalStar(Float32Array.of(2, 1, 0), Int32Array.of(0), { classes: 3, gamma: 2, beta: 1 });
 */
export const softmaxFocalStar: RowLoss<SoftmaxFocalStarOptions> =
  /* @__PURE__ */ defineRows<SoftmaxFocalStarOptions>({
    name: "softmaxFocalStar",
    defaults: { gamma: 2, beta: 1, alpha: null },
    form(task, { gamma, beta, alpha }, classes) {
      const { hard, fields } = star(task, gamma, beta);
      return {
        margin: hard,
        fields,
        share: 1,
        alpha: byLabel(task, alpha, classes),
      };
    },
  });
