import { at } from "../arena.ts";
import { options as checkOptions, outputs as checkOutputs } from "../check.ts";
import type { IntoResult, LossResult } from "../define.ts";
import type { GhmIntoResult } from "../ghm/state.ts";
import type { Outputs } from "../stream/batch.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { type BatchOptions, type Counts, LossStream } from "../stream/loss-stream.ts";
import type { Call } from "../stream/options.ts";
import type { Row } from "../stream/rows.ts";
import { decode, revive } from "../stream/state.ts";
import { kernel } from "../wasm/kernel.ts";
import { checkPairs, type PairBatch, refusePairOverflow } from "./batch.ts";
import { divisorOf, PairGhmStream } from "./ghm-stream.ts";
import { type GhmForm, harmonizePairs } from "./harmonize.ts";
import { PER_BATCH, PER_PAIR, readPairwise } from "./options.ts";
import { copyLosses, enter, leave, type PairChunk, type PairForm, pairPass } from "./pass.ts";
import { pairSamples } from "./samples.ts";
import type { PairStream, Pairwise, PairwiseGhmBatchOptions, PairwiseOptions } from "./types.ts";

type Options = PairwiseOptions | PairwiseGhmBatchOptions;

const COMPUTE = "compute pairwise";
const LOAD = "load a pairwise stream";
const READ = "read rows of pairwise";

function addLosses(task: string, batch: PairBatch, { from, size }: PairChunk): void {
  if (kernel.sum(size, at.loss, at.words) >>> 0 >= 0x7f800000) refusePairOverflow(task, batch, from, size);
}

/** How a stream takes in a chunk. */
function adder(form: PairForm) {
  return (task: string, scores: Float32Array, pairs: Uint32Array, options?: BatchOptions): Counts => {
    checkOptions(task, options, PER_PAIR);
    const batch = checkPairs(task, scores, pairs, options?.mask, options?.weights, {});
    let count = 0;
    clear(at.words, DIGITS);
    pairPass(task, form, batch, enter(batch, form), (chunk) => {
      addLosses(task, batch, chunk);
      count += chunk.valid;
    });
    return { count, positives: count };
  };
}

/** One batch, reduced. */
function run(call: Call<PairForm>, batch: PairBatch, { grad, losses }: Outputs): IntoResult {
  const { form } = call;
  const rooms = enter(batch, form);
  let count = 0;
  clear(at.words, DIGITS);
  pairPass(COMPUTE, form, batch, rooms, (chunk) => {
    addLosses(COMPUTE, batch, chunk);
    count += chunk.valid;
    copyLosses({ losses }, chunk);
    if (grad) kernel.scatterPairs(chunk.size, grad.length, rooms.pairs, at.grad, rooms.sums);
  });
  const by = divisorOf(call, count);
  if (grad) leave(COMPUTE, rooms, by, grad);
  return { loss: kernel.total(at.words) / by, count };
}

function runGhm(call: Call<GhmForm>, batch: PairBatch, out: Outputs): GhmIntoResult {
  let by = 1;
  const samples = pairSamples(COMPUTE, batch, () => by);
  return harmonizePairs(COMPUTE, call.form, batch, samples, out, (count) => {
    by = divisorOf(call, count);
    return by;
  });
}

function isGhm(call: Call<PairForm | GhmForm>): call is Call<GhmForm> {
  return "average" in call.form;
}

/** Options and arrays of one call, checked. */
function enterCall(
  scores: Float32Array,
  pairs: Uint32Array,
  options: Options | undefined,
  out: Outputs,
): { call: Call<PairForm | GhmForm>; batch: PairBatch } {
  const call = readPairwise(COMPUTE, options, PER_BATCH);
  const { mask, weights, groups } = (options ?? {}) as PairwiseGhmBatchOptions;
  return { call, batch: checkPairs(COMPUTE, scores, pairs, mask, weights, out, groups) };
}

function reduce(call: Call<PairForm | GhmForm>, batch: PairBatch, out: Outputs): IntoResult | GhmIntoResult {
  return isGhm(call) ? runGhm(call, batch, out) : run(call as Call<PairForm>, batch, out);
}

function makeStream(task: string, options: object | undefined): PairStream | PairGhmStream {
  const call = readPairwise(task, options, []);
  if (isGhm(call)) return PairGhmStream.create(task, call);
  const { form, header, reduction, normalizer } = call as Call<PairForm>;
  const intake = { name: "pairwise", add: adder(form) };
  return new LossStream(intake, header(), reduction, normalizer);
}

function load(bytes: Uint8Array): PairStream | PairGhmStream {
  const { options } = decode(LOAD, "pairwise", bytes).header;
  const call = revive(() => readPairwise(LOAD, options, []));
  if (isGhm(call)) return PairGhmStream.load(call, bytes);
  return LossStream.restore(LOAD, "pairwise", bytes, () => makeStream(LOAD, options) as PairStream);
}

function fromRows(rows: readonly Row[], options: object | undefined): PairStream | PairGhmStream {
  const call = readPairwise(READ, options, []);
  if (isGhm(call)) return PairGhmStream.fromRows(call, rows);
  return LossStream.fill(makeStream(READ, options) as PairStream, READ, rows);
}

function once(scores: Float32Array, pairs: Uint32Array, options?: Options): LossResult {
  const { call, batch } = enterCall(scores, pairs, options, {});
  const grad = new Float32Array(scores.length);
  const losses = call.reduction === "none" ? new Float32Array(pairs.length / 2) : undefined;
  const { loss, ...rest } = reduce(call, batch, { grad, losses });
  return { loss, grad, ...rest, ...(losses && { losses }) };
}

const facets: object = {
  into(out: Outputs, scores: Float32Array, pairs: Uint32Array, options?: Options) {
    checkOutputs(COMPUTE, out, ["grad", "losses"]);
    const { call, batch } = enterCall(scores, pairs, options, out);
    return reduce(call, batch, out);
  },
  stream: (options?: object) => makeStream("stream pairwise", options),
  load,
  fromRows,
};

/**
 * Losses of pairs (preferred, other) of items: a function of the difference d = score of the preferred - score of the
 * other. Every pair is a binary example with the logit d and the target 1.
 *
 * bpr: L = softplus(-d);  focal: L = sigmoid(-d)^gamma softplus(-d);  ghm: that of bpr over the density of its norm
 *
 * @param scores shape [items]; finite wherever an unmasked pair looks
 * @param pairs shape [n, 2]: indices of the preferred and of the other item, each below `items`. The two may be one
 * item: d = 0, and its gradient cancels
 * @param options see `PairwiseOptions` and, for `loss: "ghm"`, `PairwiseGhmBatchOptions`
 * @returns `loss`, `grad` = d loss / d scores of shape [items], `count` of pairs; with `"none"` the `losses` of pairs; of
 * `"ghm"` also `meanLoss` and `histogram`
 * @throws {TypeError} for arrays of another kind, unknown options, and options of another loss
 * @throws {RangeError} for other lengths, options out of range, the first pair with an index that is none, a score or a
 * weight that is not finite, and the first loss beyond float32
 *
 * Error: docs/pairwise.md, section 3. Source: Rendle et al. 2009 (arXiv 1205.2618), equation BPR-Opt; focal as in
 * Lin et al. 2017 (arXiv 1708.02002), ghm in Li et al. 2018 (arXiv 1811.05181), both with the logit d.
 *
 * @example
 * const { loss, grad } = pairwise(Float32Array.of(2, 0.5, 1), Uint32Array.of(0, 1, 2, 1));
 */
export const pairwise: Pairwise = /* @__PURE__ */ Object.defineProperty(
  /* @__PURE__ */ Object.assign(once, facets),
  "name",
  { value: "pairwise" },
) as Pairwise;
