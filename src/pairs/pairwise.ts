import { at } from "../arena.ts";
import { options as checkOptions } from "../check.ts";
import type { IntoResult, LossResult } from "../define.ts";
import type { Outputs } from "../stream/batch.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import {
  type BatchOptions,
  type Counts,
  LossStream,
  normalize,
  type Reduction,
} from "../stream/loss-stream.ts";
import type { Call } from "../stream/options.ts";
import type { Row } from "../stream/rows.ts";
import { kernel } from "../wasm/kernel.ts";
import { checkPairs, type PairBatch, refusePairOverflow } from "./batch.ts";
import { readPairwise } from "./options.ts";
import { copyLosses, type PairChunk, type PairForm, pairPass } from "./pass.ts";

export interface PairReduction {
  /** `"mean"` (default), `"sum"`, or `"none"`: the loss of each pair beside the sum. */
  readonly reduction?: Reduction | undefined;
  /** What `"mean"` divides by: `"count"` (default), the pairs that the mask leaves, or a number of at least 2^-126. */
  readonly normalizer?: "count" | number | undefined;
}

export interface PairwiseLossOptions extends PairReduction {
  /** `"bpr"` (default), or `"focal"`. */
  readonly loss?: "bpr" | "focal" | undefined;
  /** Focusing exponent of `"focal"` in [0, 1000]; 0 is `"bpr"`. Default 2. */
  readonly gamma?: number | undefined;
}

/** Options of a batch: `mask` and `weights` hold one value for each pair. */
export interface PairwiseOptions extends PairwiseLossOptions, BatchOptions {}

/** A mergeable loss of pairs that arrive in pieces; it counts pairs. */
export type PairStream = LossStream<Uint32Array, BatchOptions>;

/** A loss of pairs of items: a function with facets. */
export interface Pairwise {
  (scores: Float32Array, pairs: Uint32Array, options?: PairwiseOptions): LossResult;
  /** The same into arrays of the caller: `grad` holds one value for each item, `losses` one for each pair. */
  into(
    out: { grad?: Float32Array | undefined; losses?: Float32Array | undefined },
    scores: Float32Array,
    pairs: Uint32Array,
    options?: PairwiseOptions,
  ): IntoResult;
  /** A mergeable loss over pairs that arrive in pieces, each piece with the scores that its indices mean. */
  stream(options?: PairwiseLossOptions): PairStream;
  /** A stream from the bytes of `save`. */
  load(bytes: Uint8Array): PairStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options?: PairwiseLossOptions): PairStream;
}

const COMPUTE = "compute pairwise";
const PER_PAIR = ["mask", "weights"];

function addLosses(task: string, batch: PairBatch, { from, size }: PairChunk): void {
  if (kernel.sum(size, at.loss, at.words) >>> 0 >= 0x7f800000) refusePairOverflow(task, batch, from, size);
}

/** How a stream takes in a chunk. */
function adder(form: PairForm) {
  return (task: string, scores: Float32Array, pairs: Uint32Array, options?: BatchOptions): Counts => {
    checkOptions(task, options, PER_PAIR);
    const batch = checkPairs(task, scores, pairs, options?.mask, options?.weights, {});
    let count = 0;
    pairPass(task, form, batch, undefined, (chunk) => {
      addLosses(task, batch, chunk);
      count += chunk.valid;
    });
    return { count, positives: count };
  };
}

/** One batch, reduced. */
function run(call: Call<PairForm>, batch: PairBatch, out: Outputs): IntoResult {
  const { form, reduction, normalizer } = call;
  let count = 0;
  const divisor = (): number => (reduction === "mean" ? normalize(normalizer, count, count) : 1);
  clear(at.words, DIGITS);
  pairPass(COMPUTE, form, batch, out.grad && { grad: out.grad, divisor }, (chunk) => {
    addLosses(COMPUTE, batch, chunk);
    count += chunk.valid;
    copyLosses(out, chunk);
  });
  return { loss: kernel.total(at.words) / divisor(), count };
}

function makeStream(task: string, options: object | undefined): PairStream {
  const { form, header, reduction, normalizer } = readPairwise(task, options, []);
  const intake = { name: "pairwise", add: adder(form) };
  return new LossStream(intake, { kind: header.kind, options: header.options }, reduction, normalizer);
}

const once = (scores: Float32Array, pairs: Uint32Array, options?: PairwiseOptions): LossResult => {
  const call = readPairwise(COMPUTE, options, PER_PAIR);
  const batch = checkPairs(COMPUTE, scores, pairs, options?.mask, options?.weights, {});
  const grad = new Float32Array(scores.length);
  const losses = call.reduction === "none" ? new Float32Array(pairs.length / 2) : undefined;
  const { loss, count } = run(call, batch, { grad, losses });
  return { loss, grad, count, ...(losses && { losses }) };
};

const facets: Pick<Pairwise, keyof Pairwise> = {
  into(out, scores, pairs, options) {
    checkOptions(COMPUTE, out, ["grad", "losses"]);
    const call = readPairwise(COMPUTE, options, PER_PAIR);
    return run(call, checkPairs(COMPUTE, scores, pairs, options?.mask, options?.weights, out), out);
  },
  stream: (options) => makeStream("stream pairwise", options),
  load: (bytes) =>
    LossStream.restore("load a pairwise stream", "pairwise", bytes, (saved) =>
      makeStream("load a pairwise stream", saved),
    ),
  fromRows: (rows, options) =>
    LossStream.fill(makeStream("read rows of pairwise", options), "read rows of pairwise", rows),
};

/**
 * Losses of pairs (preferred, other) of items: a function of the difference d = score of the preferred - score of the
 * other. Every pair is a binary example with the logit d and the target 1.
 *
 * bpr: L = softplus(-d);  focal: L = sigmoid(-d)^gamma softplus(-d)
 *
 * @param scores shape [items]; finite wherever an unmasked pair looks
 * @param pairs shape [n, 2]: indices of the preferred and of the other item, each below `items`. The two may be one
 * item: d = 0, and its gradient cancels
 * @param options see `PairwiseOptions`
 * @returns `loss`, `grad` = d loss / d scores of shape [items], `count` of pairs, and with `"none"` the `losses` of pairs
 * @throws {TypeError} for arrays of another kind, unknown options, and options of another loss
 * @throws {RangeError} for other lengths, options out of range, the first pair with an index that is none, a score or a
 * weight that is not finite, and the first loss beyond float32
 *
 * Error: docs/pairwise.md, section 2. Source: Rendle et al. 2009 (arXiv 1205.2618), equation BPR-Opt; focal as in
 * Lin et al. 2017 (arXiv 1708.02002).
 *
 * @example
 * const { loss, grad } = pairwise(Float32Array.of(2, 0.5, 1), Uint32Array.of(0, 1, 2, 1));
 */
export const pairwise: Pairwise = /* @__PURE__ */ Object.assign(once, facets);
