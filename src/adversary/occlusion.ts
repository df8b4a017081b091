import { options as checkOptions } from "../check.ts";
import type { LossResult } from "../define.ts";
import { bce } from "../losses/bce.ts";
import { apply, applyBackward, maskBackward, type OcclusionShape } from "./occlude.ts";
import { type SearchResult, search, type WindowGrid, windows } from "./search.ts";
import { bytes, floats, sizes } from "./shape.ts";
import { type ThresholdOptions, threshold } from "./threshold.ts";

export interface MaskLossOptions {
  /** Samples. */
  readonly n: number;
  /** Rows and columns of each map. */
  readonly size: number;
  /** One byte per sample; where it is 0 the sample does not train: background, or a mask that did not hurt. */
  readonly samples?: Uint8Array | undefined;
}

/**
 * The mask network's loss: cross-entropy of every cell, averaged over the cells of the samples that train.
 *
 * @param logits shape [n, size * size], finite
 * @param mask shape [n, size * size], the target: 1 = dropped
 * @throws what `bce` throws, and a RangeError for other shapes
 *
 * Error: that of `bce`.
 */
function loss(logits: Float32Array, mask: Uint8Array, options: MaskLossOptions): LossResult {
  const task = "compute a mask's loss";
  checkOptions(task, options, ["n", "size", "samples"]);
  const { n, size } = sizes(task, options, ["n", "size"]);
  const cells = size * size;
  floats(task, "logits", logits, [n, cells]);
  bytes(task, "mask", mask, [n, cells]);
  const { samples } = options;
  if (samples === undefined) return bce(logits, mask);
  bytes(task, "samples", samples, [n]);
  const each = new Uint8Array(n * cells);
  samples.forEach((byte, s) => {
    if (byte !== 0) each.fill(1, s * cells, (s + 1) * cells);
  });
  return bce(logits, mask, { mask: each });
}

export interface Occlusion {
  readonly windows: (options: WindowGrid) => Uint8Array<ArrayBuffer>;
  readonly search: (windowLosses: Float32Array, options: WindowGrid) => SearchResult;
  readonly threshold: (scores: Float32Array, options: ThresholdOptions) => Uint8Array<ArrayBuffer>;
  readonly apply: (
    features: Float32Array,
    mask: Uint8Array,
    options: OcclusionShape,
  ) => Float32Array<ArrayBuffer>;
  readonly applyBackward: (
    gradOutput: Float32Array,
    mask: Uint8Array,
    options: OcclusionShape,
  ) => Float32Array<ArrayBuffer>;
  readonly maskBackward: (
    gradOutput: Float32Array,
    features: Float32Array,
    options: OcclusionShape,
  ) => Float32Array<ArrayBuffer>;
  readonly loss: (logits: Float32Array, mask: Uint8Array, options: MaskLossOptions) => LossResult;
}

/** The adversary that hides parts of a feature map (ASDN). */
export const occlusion: Occlusion = /* @__PURE__ */ Object.freeze({
  windows,
  search,
  threshold,
  apply,
  applyBackward,
  maskBackward,
  loss,
});
