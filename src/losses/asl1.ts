import { asl1Form, defineLoss, type PointwiseLoss } from "../define.ts";

export interface Asl1Options {
  /** How far the bend at 0 reaches, in [1.2e-38, 3.4e38]. Default 0.02. Rounded to float32. */
  readonly mu?: number | undefined;
}

/**
 * Authentic smooth L1 of the residual d = prediction - target: L1 with a bend of width mu, smooth everywhere, and with
 * a gradient below 1 that tells how large a residual is.
 *
 * L = sqrt(d^2 + mu^2) - mu, computed as d^2 / (sqrt(d^2 + mu^2) + mu)
 *
 * @param predictions shape [n], any finite value
 * @param targets shape [n], any finite value
 * @param options see `Asl1Options` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d predictions of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, the first value that is not finite, and the first
 * element whose weighted loss is beyond float32: a residual that is, by itself, is none
 *
 * Error: loss of an element within 6 ulp, gradient within 4, wherever both are normal float32.
 * Source: Li et al. 2018 (arXiv 1811.05181), equation 13; section 3 of docs/regression.md.
 *
 * @example
 * const { loss, grad } = asl1(Float32Array.of(0.2, -1.3), Float32Array.of(0, 1), { mu: 0.02 });
 */
export const asl1: PointwiseLoss<Asl1Options> = /* @__PURE__ */ defineLoss<Asl1Options>({
  name: "asl1",
  defaults: { mu: 0.02 },
  form: (task, { mu }) => asl1Form("asl1", task, mu),
});
