import { at, views } from "../arena.ts";
import type { Chunk, Samples } from "../ghm/samples.ts";
import { kernel } from "../wasm/kernel.ts";
import { type PairBatch, refusePairOverflow, refusePairs } from "./batch.ts";
import { enter, leave, type PairChunk, pairPass } from "./pass.ts";

/** Multiplies losses and slopes of a chunk by its weights: what counts the pairs has seen their norms without. */
function burden(
  task: string,
  batch: PairBatch,
  weights: Float32Array,
  { from, size, valid }: PairChunk,
): void {
  views().f32.set(weights.subarray(from, from + size), at.x >>> 2);
  if (valid < size) kernel.blank(size, at.mask, at.x, at.x, at.x);
  if (kernel.gauge(size, at.x) >>> 0 > 0x7f7fffff) refusePairs(task, batch, from, size);
  kernel.weigh(size, at.x, at.loss, at.w0, -1, at.loss, at.w0);
}

/**
 * Samples that are pairs: the norm is sigmoid(-d), and a pair's factor is that norm times the weight of the pair, which
 * multiplies its loss too.
 *
 * @param divisor what the gradients of the items are divided by when the last chunk has been put
 */
export function pairSamples(task: string, batch: PairBatch, divisor: () => number): Samples {
  const { scores, pairs, weights } = batch;
  const form = { margin: kernel.bceHard, fields: [] };
  const plain = { ...batch, weights: undefined };
  const size = pairs.length / 2;
  const rooms = enter(batch, form);
  const [norms, losses, factors] = [at.grad, at.loss, at.w0];
  return {
    size,
    length: scores.length,
    free: rooms.end,
    visit(task, _wantsGrad, each) {
      const visitor = (chunk: PairChunk): void => {
        views().f32.copyWithin(factors >>> 2, norms >>> 2, (norms >>> 2) + chunk.size);
        if (weights) burden(task, batch, weights, chunk);
        each({ ...chunk, mask: chunk.valid < chunk.size ? at.mask : 0, norms, losses, factors });
      };
      pairPass(task, form, plain, rooms, visitor, batch);
    },
    put(chunk: Chunk, grad) {
      kernel.scatterPairs(chunk.size, scores.length, rooms.pairs, factors, rooms.sums);
      if (chunk.from + chunk.size === size) leave(task, rooms, divisor(), grad);
    },
    refuse: (task, { from, size }) => refusePairOverflow(task, batch, from, size),
  };
}
