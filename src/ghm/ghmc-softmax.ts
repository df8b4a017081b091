import type { Labels } from "../rows/batch.ts";
import type { ClassOptions } from "../rows/define.ts";
import type { Base } from "./base.ts";
import { type Ghm, harmonizer } from "./ghm.ts";
import { rows } from "./rows.ts";

export interface GhmcSoftmaxOptions extends ClassOptions {}

/** Harmonized cross-entropy of softmax: inputs are logits `[rows, classes]`, held against one label per row. */
export type GhmcSoftmax = Ghm<GhmcSoftmaxOptions, Labels>;

/** Cross-entropy of rows. */
const CLASSES: Base<Labels> = {
  name: "ghmcSoftmax",
  defaults: { classes: undefined, ignoreIndex: -100 },
  bins: 30,
  momentum: 0.75,
  sampler: (task, parameters) => rows("ghmcSoftmax", task, parameters),
};

/**
 * Gradient harmonizing (GHM-C) for softmax over classes: cross-entropy in which a row weighs the inverse of how many
 * rows have a similar gradient norm.
 *
 * A row is a sample, its norm g = 1 - p of its label, the slope of its cross-entropy in what the label lacks.
 * loss = sum_i CE_i / GD(g_i), GD(g) = bins times the rows in the unit region of g; dL/dx_ik = (p_ik - [k = label]) /
 * GD(g_i), with the density held constant. The loss is no measure of progress; `meanLoss` is.
 *
 * @param logits shape [rows, classes], row-major, finite; -Infinity excludes a class that is not the label
 * @param labels shape [rows], each in [0, classes) or `ignoreIndex`: such a row does not exist
 * @param options `classes` (required), `ignoreIndex` (default -100), `bins` (default 30, or "auto"), `convention`
 * (default "paper"), `mask` (one byte per row)
 * @returns `loss`, `grad` of shape [rows, classes], `meanLoss`, `count` of rows, `histogram`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, the first value outside the domain and the first loss
 * beyond float32
 *
 * Error: regions are exact for the float32 g, which is within 8 ulp; sums are exact; a gradient is that of
 * `softmaxCrossEntropy` times the float32 weight of the row, rounded once.
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 9 to 12, with the norm of a row: docs/rows.md.
 *
 * @example
 * const logits = Float32Array.of(2, 1, 0, 0, 0, 5);
 * const { loss, grad } = ghmcSoftmax(logits, Int32Array.of(0, 1), { classes: 3 });
 */
export const ghmcSoftmax: GhmcSoftmax = /* @__PURE__ */ harmonizer<GhmcSoftmaxOptions, Labels>(CLASSES);
