import { options as checkOptions } from "../check.ts";
import { checkBatch } from "../stream/batch.ts";
import type { Row } from "../stream/rows.ts";
import { Average } from "./average.ts";
import { exact, type GhmExactOptions, type GhmExactResult } from "./exact.ts";
import { type GhmOptions, type GhmStateOptions, readOptions } from "./options.ts";
import { COMPUTE, GhmcState, type GhmResult, type MaskOption, step } from "./state.ts";
import { GhmcStream } from "./stream.ts";

/** The gradient harmonizing mechanism for classification: a function with facets. */
export interface Ghmc {
  (logits: Float32Array, targets: Float32Array | Uint8Array, options?: GhmOptions & MaskOption): GhmResult;
  /** A training run's state: an average of the batches' histograms. */
  create(options?: GhmStateOptions): GhmcState;
  /** A state from the bytes of its `save`. */
  loadState(bytes: Uint8Array): GhmcState;
  /** By the exact, sorted window density. */
  exact(logits: Float32Array, targets: Float32Array | Uint8Array, options?: GhmExactOptions): GhmExactResult;
  /** A mergeable histogram over data that arrives in pieces. */
  stream(options?: GhmOptions): GhmcStream;
  /** A stream from the bytes of its `save`. */
  load(bytes: Uint8Array): GhmcStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options?: GhmOptions): GhmcStream;
}

function harmonizeOnce(
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  options?: GhmOptions & MaskOption,
): GhmResult {
  checkOptions(COMPUTE, options, ["bins", "convention", "mask"]);
  const { mask, ...rest } = options ?? {};
  const average = new Average(readOptions(COMPUTE, rest, ["bins", "convention"]));
  checkBatch(COMPUTE, logits, targets, mask, undefined, 1, {});
  const grad = new Float32Array(logits.length);
  const { loss, meanLoss, count, histogram } = step(average, { grad }, logits, targets, mask);
  return { loss, grad, meanLoss, count, histogram };
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
 * @param options `bins` (default 30), `convention` (default "paper"), `mask`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range and the first value outside the domain
 *
 * Error: regions are exact for the float32 g, which is within 4 ulp; sums are exact; gradients within 6 ulp.
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 9 to 12; `"mmdet"` reproduces mmdetection's GHMC.
 *
 * @example
 * const { loss, grad, meanLoss } = ghmc(Float32Array.of(2.2, -1.3, -4), Float32Array.of(1, 0, 0));
 */
export const ghmc: Ghmc = /* @__PURE__ */ Object.assign(
  /* @__PURE__ */ Object.defineProperty(harmonizeOnce, "name", { value: "ghmc" }),
  {
    create: (options?: GhmStateOptions): GhmcState => GhmcState.create("create a ghmc state", options),
    loadState: (bytes: Uint8Array): GhmcState => GhmcState.load(bytes),
    exact,
    stream: (options?: GhmOptions): GhmcStream => GhmcStream.create("stream ghmc", options),
    load: (bytes: Uint8Array): GhmcStream => GhmcStream.load(bytes),
    fromRows: (rows: readonly Row[], options?: GhmOptions): GhmcStream => GhmcStream.fromRows(rows, options),
  },
);
