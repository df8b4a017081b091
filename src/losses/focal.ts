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

export interface FocalOptions {
  /**
   * Weight of target 1 in [0, 1]; target 0 weighs 1 - alpha. Default 0.25; null for no class balancing. One
   * value per class where `classes` is given.
   */
  readonly alpha?: PerClass | null | undefined;
  /** Focusing exponent in [0, 1000]; 0 is weighted cross-entropy. Default 2. */
  readonly gamma?: number | undefined;
  /** Classes of a multi-label batch `[rows, classes]`, row-major; default 1. */
  readonly classes?: number | undefined;
}

/** The parameter words of a focal kernel: gamma, what float32 lost of it, and the parts 1, 2 and 1/2 it is made of up to 3. */
export function powers(gamma: number): number[] {
  const whole = Math.floor(gamma);
  const rest = gamma - Math.fround(gamma);
  return [float(gamma), float(rest), whole & 1 ? -1 : 0, whole & 2 ? -1 : 0, gamma === whole ? 0 : -1];
}

/** The focal kernel for an exponent. */
export function kernelOf(gamma: number): Form["hard"] {
  if (gamma === 2) return kernel.focalSquare;
  return gamma <= 3 && Number.isInteger(gamma * 2) ? kernel.focalHalves : kernel.focalReal;
}

/**
 * Focal loss: cross-entropy that fades as a prediction becomes easy.
 *
 * L = alpha_t (1 - p_t)^gamma (-log p_t), with p_t the probability given to the target. Soft targets take the
 * product form: (1 - p_t) = p (1 - t) + (1 - p) t, alpha_t = alpha t + (1 - alpha)(1 - t), times cross-entropy.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each in [0, 1]
 * @param options see `FocalOptions` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d logits of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error, hard targets: within 8 + 2 gamma ulp for gamma a multiple of 1/2 up to 3, else within
 * 2^-24 (8 + 4 gamma softplus(u)) relative, u the signed margin; alpha adds 1 ulp; soft targets: docs/numerics.md.
 * Source: Lin et al. 2017 (arXiv 1708.02002), equation 5 and appendix B.
 *
 * @example
 * const { loss, grad } = focal(Float32Array.of(2.2, -1.3), Float32Array.of(1, 0), { gamma: 2, alpha: 0.25 });
 */
export const focal: PointwiseLoss<FocalOptions> = /* @__PURE__ */ defineLoss<FocalOptions>({
  name: "focal",
  defaults: { alpha: 0.25, gamma: 2, classes: undefined },
  form(task, { alpha, gamma, classes }) {
    const exponent = number(task, "gamma", gamma, 0, 1000);
    return {
      name: "focal",
      hard: kernelOf(exponent),
      soft: kernel.focalSoft,
      patches: true,
      fields: powers(exponent),
      ...balance(task, alpha, classes),
      classes: classesOf(task, classes),
    };
  },
});
