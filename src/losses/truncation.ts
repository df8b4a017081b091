import { defineLoss, type Form, float, kernel, number, type PointwiseLoss } from "../define.ts";
import { ceiling, factor, logit } from "./float32.ts";
import { powers } from "./focal.ts";

export interface HardTruncationOptions {
  /** The probability of the target beyond which an element is learnt, in (0, 1]; 1 is cross-entropy. Default 0.5. */
  readonly margin?: number | undefined;
}

/** The kernel of the hard step and its parameter words. */
export function hardStep(task: string, margin: unknown): Pick<Form, "hard" | "fields"> {
  const m = number(task, "margin", margin, 0, 1, true);
  const fields = [m === 1 ? -Infinity : ceiling(-logit(m)), m === 0.5 ? 0.5 : 1];
  return { hard: kernel.hardTruncation, fields: fields.map(float) };
}

/**
 * Cross-entropy of the elements that are not learnt yet: loss and gradient stop once p_t exceeds the margin.
 *
 * L = theta(margin - p_t) (-log p_t), with theta(0) = 1/2; the step is held constant in the gradient.
 *
 * The signed margin u of the logit is compared with logit(margin), which is irrational unless margin = 1/2: so every
 * float32 logit lies on one side, and theta(0) is met by logits of 0 at margin 1/2 only.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @param options see `HardTruncationOptions` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d logits of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: loss and gradient of an element within 4 ulp; which elements are kept is decided without error, as long as
 * logit(margin) is not within 2^-50 of itself of a float32.
 * Source: Su Jianlin, kexue.fm/archives/4733, in the margin form of 4293; section 5 of docs/losses.md.
 *
 * @example
 * const { loss, grad } = hardTruncation(Float32Array.of(2.2, 0.3), Float32Array.of(1, 1), { margin: 0.6 });
 */
export const hardTruncation: PointwiseLoss<HardTruncationOptions> =
  /* @__PURE__ */ defineLoss<HardTruncationOptions>({
    name: "hardTruncation",
    defaults: { margin: 0.5 },
    form(task, { margin }) {
      return {
        name: "hardTruncation",
        ...hardStep(task, margin),
        positive: 1,
        negative: 1,
        classes: 1,
      };
    },
  });

export interface SoftTruncationOptions {
  /** Steepness of the step in [0.001, 1000]: 1 is focal loss with gamma 1, large values truncate hard. Default 1. */
  readonly k?: number | undefined;
}

/** The kernel of the soft step and its parameter words. K = 1 is the focal loss of gamma 1. */
export function softStep(steepness: number): Pick<Form, "hard" | "fields"> {
  if (steepness === 1) return { hard: kernel.focalHalves, fields: powers(1) };
  return { hard: kernel.softTruncation, fields: factor(steepness).map(float) };
}

/**
 * Cross-entropy under a soft step: what `hardTruncation` cuts off fades away.
 *
 * L = sigmoid(-k u) (-log p_t), with u = (2t - 1) x the signed margin; the step is differentiated too.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @param options see `SoftTruncationOptions` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d logits of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: loss and gradient of an element within 8 ulp. With k = 1 every bit is that of `focal` with gamma 1.
 * Source: Su Jianlin, kexue.fm/archives/4733; section 5 of docs/losses.md.
 *
 * @example
 * const { loss, grad } = softTruncation(Float32Array.of(2.2, -1.3), Float32Array.of(1, 0), { k: 5 });
 */
export const softTruncation: PointwiseLoss<SoftTruncationOptions> =
  /* @__PURE__ */ defineLoss<SoftTruncationOptions>({
    name: "softTruncation",
    defaults: { k: 1 },
    form(task, { k }) {
      const steepness = number(task, "k", k, 0.001, 1000);
      return {
        name: "softTruncation",
        ...softStep(steepness),
        positive: 1,
        negative: 1,
        classes: 1,
      };
    },
  });
