import type { IntoResult, Reduced } from "../define.ts";
import type { Convention } from "../ghm/average.ts";
import type { GhmIntoResult, GhmResult } from "../ghm/state.ts";
import type { BatchOptions, LossStream, Reduction } from "../stream/loss-stream.ts";
import type { Row } from "../stream/rows.ts";
import type { PairGhmStream } from "./ghm-stream.ts";

/** How the losses of the pairs of a batch are reduced. */
export interface PairReduction<R extends Reduction = Reduction> {
  /** `"mean"` (default), `"sum"`, or `"none"`: the loss of each pair beside the sum. */
  readonly reduction?: R | undefined;
  /** What `"mean"` divides by: `"count"` (default), the pairs that the mask leaves, or a number of at least 2^-126. */
  readonly normalizer?: "count" | number | undefined;
}

export interface PairwiseLossOptions<R extends Reduction = Reduction> extends PairReduction<R> {
  /** `"bpr"` (default), or `"focal"`. */
  readonly loss?: "bpr" | "focal" | undefined;
  /** Focusing exponent of `"focal"` in [0, 1000]; 0 is `"bpr"`. Default 2. */
  readonly gamma?: number | undefined;
}

export interface PairwiseGhmOptions<R extends Reduction = Reduction> extends PairReduction<R> {
  /** BPR in which a pair weighs the inverse of how many pairs have a similar gradient norm. */
  readonly loss: "ghm";
  /** Unit regions of [0, 1]: a whole number from 1 to 256; default 30. */
  readonly bins?: number | undefined;
  /** `"paper"` (default) or `"mmdet"`, see docs/losses.md. */
  readonly convention?: Convention | undefined;
}

/** Options of a batch: `mask` and `weights` hold one value for each pair. */
export interface PairwiseOptions<R extends Reduction = Reduction>
  extends PairwiseLossOptions<R>,
    BatchOptions {}

export interface PairwiseGhmBatchOptions<R extends Reduction = Reduction>
  extends Omit<PairwiseGhmOptions<R>, "bins">,
    BatchOptions {
  /** As in `PairwiseGhmOptions`, or `"auto"`: as many as suit the density of all pairs, see docs/density.md. */
  readonly bins?: number | "auto" | undefined;
  /** A number for each pair: pairs with the same one are a group, which has a density of its own. Default one group. */
  readonly groups?: Uint32Array | undefined;
}

/** A mergeable loss of pairs that arrive in pieces; it counts pairs. */
export type PairStream = LossStream<Uint32Array, BatchOptions>;

/** Arrays that a call writes to: `grad` holds one value for each item, `losses` one for each pair. */
export interface PairOutputs {
  grad?: Float32Array | undefined;
  losses?: Float32Array | undefined;
}

export interface PairwiseGhmResult extends GhmResult {
  /** The weighted losses of the pairs, for `reduction: "none"`. */
  losses?: Float32Array;
}

/** A loss of pairs of items: a function with facets. */
export interface Pairwise {
  <R extends Reduction = "mean">(
    scores: Float32Array,
    pairs: Uint32Array,
    options?: PairwiseOptions<R>,
  ): Reduced<R>;
  <R extends Reduction = "mean">(
    scores: Float32Array,
    pairs: Uint32Array,
    options: PairwiseGhmBatchOptions<R>,
  ): Reduced<R, PairwiseGhmResult>;
  /** The same into arrays of the caller. No `grad`: loss only. */
  into(out: PairOutputs, scores: Float32Array, pairs: Uint32Array, options?: PairwiseOptions): IntoResult;
  into(
    out: PairOutputs,
    scores: Float32Array,
    pairs: Uint32Array,
    options: PairwiseGhmBatchOptions,
  ): GhmIntoResult;
  /** A mergeable loss over pairs that arrive in pieces, each piece with the scores that its indices mean. */
  stream(options?: PairwiseLossOptions): PairStream;
  stream(options: PairwiseGhmOptions): PairGhmStream;
  /** A stream from the bytes of `save`: a `PairGhmStream` where the loss is `"ghm"`. */
  load(bytes: Uint8Array): PairStream | PairGhmStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options?: PairwiseLossOptions): PairStream;
  fromRows(rows: readonly Row[], options: PairwiseGhmOptions): PairGhmStream;
}
