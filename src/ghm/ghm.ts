import { options as checkOptions } from "../check.ts";
import type { Row } from "../stream/rows.ts";
import { autoBins } from "./auto.ts";
import { Average } from "./average.ts";
import { arrays, type Base, CLASSIFICATION, REGRESSION, setUp } from "./base.ts";
import { exact, type GhmExactOptions, type GhmExactResult } from "./exact.ts";
import type { GhmBatchOptions, GhmOptions, GhmStateOptions } from "./options.ts";
import { type GhmResult, GhmState, step } from "./state.ts";
import { GhmStream } from "./stream.ts";

/** A gradient harmonizing mechanism: a function with facets. `P` are the parameters of the loss that it harmonizes. */
export interface Ghm<P> {
  (inputs: Float32Array, targets: Float32Array | Uint8Array, options?: P & GhmBatchOptions): GhmResult;
  /** A training run's state: an average of the batches' histograms. */
  create(options?: P & GhmStateOptions): GhmState;
  /** A state from the bytes of its `save`. */
  loadState(bytes: Uint8Array): GhmState;
  /** By the exact, sorted window density. */
  exact(
    inputs: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: P & GhmExactOptions,
  ): GhmExactResult;
  /** A mergeable histogram over data that arrives in pieces. */
  stream(options?: P & GhmOptions): GhmStream;
  /** A stream from the bytes of its `save`. */
  load(bytes: Uint8Array): GhmStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options?: P & GhmOptions): GhmStream;
}

/** Harmonized cross-entropy: inputs are logits. */
export type Ghmc = Ghm<unknown>;

export interface GhmrOptions {
  /** How far the bend of `asl1` at 0 reaches, in [1.2e-38, 3.4e38]. Default 0.02. Rounded to float32. */
  readonly mu?: number | undefined;
}

/** Harmonized authentic smooth L1: inputs are predictions. */
export type Ghmr = Ghm<GhmrOptions>;

function harmonizer<P>(base: Base): Ghm<P> {
  const { name } = base;
  const task = `compute ${name}`;
  const keys = [...Object.keys(base.defaults), "bins", "convention", "mask"];
  const once = (
    inputs: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: P & GhmBatchOptions,
  ): GhmResult => {
    checkOptions(task, options, keys);
    const { mask, bins, ...rest } = options ?? {};
    const isAuto = bins === "auto";
    const setup = setUp(base, task, isAuto ? rest : { ...rest, bins }, ["bins", "convention"]);
    const batch = arrays(task, setup.form, inputs, targets, mask);
    const fixed = isAuto ? { ...setup.average, bins: autoBins(task, setup.form, batch) } : setup.average;
    const grad = new Float32Array(inputs.length);
    const average = new Average(fixed);
    const { loss, meanLoss, count, histogram } = step(setup, average, { grad }, inputs, targets, mask);
    return { loss, grad, meanLoss, count, histogram };
  };
  const facets: Pick<Ghm<P>, keyof Ghm<P>> = {
    create: (options) => GhmState.create(base, `create a ${name} state`, options),
    loadState: (bytes) => GhmState.load(base, bytes),
    exact: (inputs, targets, options) => exact(base, inputs, targets, options),
    stream: (options) => GhmStream.create(base, `stream ${name}`, options),
    load: (bytes) => GhmStream.load(base, bytes),
    fromRows: (rows, options) => GhmStream.fromRows(base, rows, options),
  };
  return Object.assign(Object.defineProperty(once, "name", { value: name }), facets);
}

/**
 * Gradient harmonizing (GHM-C): cross-entropy in which a sample weighs the inverse of how many samples have a
 * similar gradient norm. Drowning masses of easy samples, and outliers, lose their say.
 *
 * loss = sum_i CE_i / GD(g_i), GD(g) = bins times the samples in the unit region of g; dL/dx_i = signed g_i / GD(g_i),
 * with the density held constant. The loss is nearly constant by construction; `meanLoss` shows progress.
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
export const ghmc: Ghmc = /* @__PURE__ */ harmonizer<unknown>(CLASSIFICATION);

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
export const ghmr: Ghmr = /* @__PURE__ */ harmonizer<GhmrOptions>(REGRESSION);
