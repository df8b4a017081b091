import { choice, defineRows, kernel, number, type RowLoss } from "../rows/define.ts";
import { softStep } from "./truncation.ts";

export interface SoftmaxSoftTruncationOptions {
  /** Steepness in [0.001, 1000]; default 1. */
  readonly k?: number | undefined;
  /**
   * What decides that a row is done: `"margin"` (default), the label's logit against all others together; or
   * `"rival"`, softmax(-k x) of the label as in the source, in which one very low logit hides all others.
   */
  readonly form?: "margin" | "rival" | undefined;
}

/**
 * Softened truncation of softmax(logits): cross-entropy that stops where the label has won.
 *
 * "margin": L = sigmoid(-k m) (-log p_t), m = x_t - logsumexp of the others; k = 1 is focal with gamma 1
 * "rival":  L = softmax(-k x)_t (-log p_t)
 *
 * @param logits shape [rows, classes], row-major, finite, or -Infinity for a class that is not the label
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options see `SoftmaxSoftTruncationOptions` and `RowOptions`; the mean is over the rows that exist
 * @returns `loss`, `grad` = d loss / d logits of shape [rows, classes], `count` of rows
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: docs/rows.md. Source: Su 2017 (kexue.fm/archives/4733) for "rival"; "margin" is section 3 of docs/rows.md.
 *
 * @example
 * const { loss } = softmaxSoftTruncation(Float32Array.of(2, 1, 0), Int32Array.of(0), { classes: 3, k: 4 });
 */
export const softmaxSoftTruncation: RowLoss<SoftmaxSoftTruncationOptions> =
  /* @__PURE__ */ defineRows<SoftmaxSoftTruncationOptions>({
    name: "softmaxSoftTruncation",
    defaults: { k: 1, form: "margin" },
    form(task, { k, form }) {
      const steepness = number(task, "k", k, 0.001, 1000);
      const kind = choice(task, "form", form, ["margin", "rival"] as const);
      const isRival = kind === "rival";
      const { hard, fields } = isRival ? { hard: kernel.bceHard, fields: [] } : softStep(steepness);
      return {
        margin: hard,
        fields,
        share: 1,
        second: isRival ? { kind: "rival", k: Math.fround(steepness) } : undefined,
        alpha: 1,
      };
    },
  });
