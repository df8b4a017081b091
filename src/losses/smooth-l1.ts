import { defineLoss, float, kernel, number, type PointwiseLoss } from "../define.ts";

export interface SmoothL1Options {
  /** Where the parabola meets the line, in [0, 3.4e38]; 0 is L1. Default 1. Rounded to float32. */
  readonly beta?: number | undefined;
}

/**
 * Smooth L1 of the residual d = prediction - target: a parabola up to beta, a line beyond. Huber loss is beta times it.
 *
 * L = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2
 *
 * @param predictions shape [n], any finite value
 * @param targets shape [n], any finite value
 * @param options see `SmoothL1Options` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d predictions of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, the first value that is not finite, and the first
 * element whose weighted loss is beyond float32: a residual that is, by itself, is none
 *
 * Error: loss and gradient of an element within 4 ulp, wherever both are normal float32.
 * Source: Girshick 2015 (arXiv 1504.08083), equation 3; section 2 of docs/regression.md.
 *
 * @example
 * const { loss, grad } = smoothL1(Float32Array.of(0.2, -1.3), Float32Array.of(0, 1), { beta: 1 / 9 });
 */
export const smoothL1: PointwiseLoss<SmoothL1Options> = /* @__PURE__ */ defineLoss<SmoothL1Options>({
  name: "smoothL1",
  defaults: { beta: 1 },
  form(task, { beta }) {
    return {
      name: "smoothL1",
      hard: kernel.smoothL1Far,
      near: kernel.smoothL1,
      real: true,
      fields: [float(number(task, "beta", beta, 0, 3.4028234663852886e38))],
      positive: 1,
      negative: 1,
      classes: 1,
    };
  },
});
