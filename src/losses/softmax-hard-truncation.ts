import { defineRows, type RowLoss } from "../rows/define.ts";
import { hardStep } from "./truncation.ts";

export interface SoftmaxHardTruncationOptions {
  /** The probability of the label beyond which a row is learnt, in (0, 1]; 1 is cross-entropy. Default 0.5. */
  readonly margin?: number | undefined;
}

/**
 * Cross-entropy of softmax(logits) over the rows that are not learnt yet: it stops once p_t exceeds the margin.
 *
 * L = theta(margin - p_t) (-log p_t), with p_t the probability of the label, theta(0) = 1/2; the step is constant in
 * the gradient.
 *
 * @param logits shape [rows, classes], row-major, finite, or -Infinity for a class that is not the label
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options see `SoftmaxHardTruncationOptions` and `RowOptions`; the mean is over the rows that exist
 * @returns `loss`, `grad` = d loss / d logits of shape [rows, classes], `count` of rows
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: docs/rows.md. A row whose logit of p_t is within rounding of that of the margin may fall on either side.
 * Source: Su 2017 (kexue.fm/archives/4733 and 4293) for two classes; section 3 of docs/rows.md.
 *
 * @example
 * const { loss } = softmaxHardTruncation(Float32Array.of(1, 0.8, 0), Int32Array.of(0), { classes: 3, margin: 0.6 });
 */
export const softmaxHardTruncation: RowLoss<SoftmaxHardTruncationOptions> =
  /* @__PURE__ */ defineRows<SoftmaxHardTruncationOptions>({
    name: "softmaxHardTruncation",
    defaults: { margin: 0.5 },
    form(task, { margin }) {
      const { hard, fields } = hardStep(task, margin);
      return { margin: hard, fields, share: 1, alpha: 1 };
    },
  });
