import {
  classesOf,
  defineLoss,
  type Form,
  float,
  kernel,
  number,
  type PerClass,
  type PointwiseLoss,
} from "../define.ts";
import { balance } from "./balance.ts";
import { factor, lost } from "./float32.ts";

export interface FocalStarOptions {
  /** Steepness in [0.001, 1000]; 1 with beta 0 is cross-entropy. Default 2. */
  readonly gamma?: number | undefined;
  /** Shift in [-1000, 1000]: the loss falls off where the margin exceeds -beta / gamma. Default 1. */
  readonly beta?: number | undefined;
  /**
   * Weight of target 1 in [0, 1]; target 0 weighs 1 - alpha. Default null: no class balancing. One value per class
   * where `classes` is given.
   */
  readonly alpha?: PerClass | null | undefined;
  /** Classes of a multi-label batch `[rows, classes]`, row-major; default 1. */
  readonly classes?: number | undefined;
}

/** The kernel of FL* and its parameter words. */
export function star(task: string, gamma: unknown, beta: unknown): Pick<Form, "hard" | "fields"> {
  const steepness = number(task, "gamma", gamma, 0.001, 1000);
  const shift = number(task, "beta", beta, -1000, 1000) / steepness;
  const fields = [...factor(steepness), 1 / steepness, shift, lost(shift)];
  return { hard: kernel.focalStar, fields: fields.map(float) };
}

/**
 * FL*: cross-entropy on a scaled and shifted margin. It fades like focal loss and is convex.
 *
 * L = alpha_t softplus(-(gamma u + beta)) / gamma, with u = (2t - 1) x the signed margin.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @param options see `FocalStarOptions` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d logits of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: loss and gradient of an element within 6 ulp, wherever sigmoid(-(gamma u + beta)) is a normal float32.
 * Source: Lin et al. 2017 (arXiv 1708.02002), appendix A; section 4 of docs/losses.md.
 *
 * @example
 * const { loss, grad } = focalStar(Float32Array.of(2.2, -1.3), Float32Array.of(1, 0), { gamma: 2, beta: 1 });
 */
export const focalStar: PointwiseLoss<FocalStarOptions> = /* @__PURE__ */ defineLoss<FocalStarOptions>({
  name: "focalStar",
  defaults: { gamma: 2, beta: 1, alpha: null, classes: undefined },
  form(task, { gamma, beta, alpha, classes }) {
    return {
      name: "focalStar",
      ...star(task, gamma, beta),
      ...balance(task, alpha, classes),
      classes: classesOf(task, classes),
    };
  },
});
