import { crossEntropy } from "../stream/cross-entropy.ts";
import type { Base } from "./base.ts";
import { elements, type Targets } from "./elements.ts";
import { type Ghm, harmonizer } from "./ghm.ts";

/** Harmonized cross-entropy: inputs are logits. */
export type Ghmc = Ghm<unknown>;

/** Cross-entropy of logits and hard targets. */
const CLASSIFICATION: Base<Targets> = {
  name: "ghmc",
  defaults: {},
  bins: 30,
  momentum: 0.75,
  sampler: () => elements(crossEntropy),
};

/**
 * Gradient harmonizing (GHM-C): cross-entropy in which a sample weighs the inverse of how many samples have a
 * similar gradient norm. Drowning masses of easy samples, and outliers, lose their say.
 *
 * loss = sum_i CE_i / GD(g_i), GD(g) = bins times the samples in the unit region of g; dL/dx_i = signed g_i / GD(g_i),
 * with the density held constant. The loss is no measure of progress; `meanLoss` is.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @param options `bins` (default 30, or "auto"), `convention` (default "paper"), `mask`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range and the first value outside the domain
 *
 * Error: regions are exact for the float32 g, which is within 4 ulp; sums are exact; gradients within 6 ulp.
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 9 to 12; `"mmdet"` reproduces mmdetection's GHMC.
 *
 * @example
 * const { loss, grad, meanLoss } = ghmc(Float32Array.of(2.2, -1.3, -4), Float32Array.of(1, 0, 0));
 */
export const ghmc: Ghmc = /* @__PURE__ */ harmonizer<unknown, Targets>(CLASSIFICATION);
