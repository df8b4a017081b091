import { asl1Form } from "../stream/asl1.ts";
import type { Base } from "./base.ts";
import { elements, type Targets } from "./elements.ts";
import { type Ghm, harmonizer } from "./ghm.ts";

export interface GhmrOptions {
  /** How far the bend of `asl1` at 0 reaches, in [1.2e-38, 3.4e38]. Default 0.02. Rounded to float32. */
  readonly mu?: number | undefined;
}

/** Harmonized authentic smooth L1: inputs are predictions. */
export type Ghmr = Ghm<GhmrOptions>;

/** Authentic smooth L1 of predictions and real-valued targets. */
const REGRESSION: Base<Targets> = {
  name: "ghmr",
  defaults: { mu: 0.02 },
  bins: 10,
  momentum: 0.7,
  sampler: (task, { mu }) => elements(asl1Form("ghmr", task, mu)),
};

/**
 * Gradient harmonizing for regression (GHM-R): authentic smooth L1 of d = prediction - target, in which a sample
 * weighs the inverse of how many samples have a similar gradient norm |d| / sqrt(d^2 + mu^2).
 *
 * loss = sum_i ASL1_i / GD(g_i), dL/dprediction_i = signed g_i / GD(g_i), with the density held constant. Only
 * positives have a target to regress to: give them as `mask`. `meanLoss` is the plain mean of `asl1`.
 *
 * @param predictions shape [n], any finite value
 * @param targets shape [n], any finite value
 * @param options `mu` (default 0.02), `bins` (default 10, or "auto"), `convention` (default "paper"), `mask`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, the first value that is not finite, and the first
 * loss beyond float32
 *
 * Error: regions are exact for the float32 g, which is within 4 ulp; sums are exact; gradients within 6 ulp.
 * Source: Li et al. 2018 (arXiv 1811.05181), section 4; `"mmdet"` reproduces mmdetection's GHMR.
 *
 * @example
 * const { loss, grad, meanLoss } = ghmr(Float32Array.of(0.2, -1.3, 4), Float32Array.of(0, -1.31, 4.5));
 */
export const ghmr: Ghmr = /* @__PURE__ */ harmonizer<GhmrOptions, Targets>(REGRESSION);
