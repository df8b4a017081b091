import { at, CHUNK, reserve, views } from "../arena.ts";
import type { Outputs } from "../stream/batch.ts";
import { type HardKernel, kernel } from "../wasm/kernel.ts";
import { type PairBatch, refusePairs } from "./batch.ts";

/** A loss of pairs with its parameters set: a binary loss of what the preferred item is ahead. */
export interface PairForm {
  readonly margin: HardKernel;
  /** Its parameters behind divisor and class weights. */
  readonly fields: readonly number[];
}

/** What one chunk turned out to hold: its losses are at `at.loss`, its slopes f'(v) >= 0 at `at.grad`. */
export interface PairChunk {
  /** Index of its first pair, and how many it has. */
  readonly from: number;
  readonly size: number;
  /** Pairs that the mask leaves. */
  readonly valid: number;
}

/** Where the scores of all items, their gradients as float64, and the pairs of a chunk lie. */
export interface Rooms {
  readonly scores: number;
  readonly sums: number;
  readonly pairs: number;
  /** Where the memory behind them begins. */
  readonly end: number;
}

/** Lays out the scores, empty sums and the form. There is a place behind the last item for indices that are none. */
export function enter({ scores, pairs }: PairBatch, form: PairForm): Rooms {
  const items = scores.length;
  const size = Math.min(pairs.length / 2, CHUNK);
  const [x, sums, indices, end] = reserve([4 * items + 4, 8 * items + 8, 8 * size, 0]) as [
    number,
    number,
    number,
    number,
  ];
  const { f32, f64, i32 } = views();
  f32.set(scores, x >>> 2);
  f32[(x >>> 2) + items] = NaN;
  f64.fill(0, sums >>> 3, (sums >>> 3) + items + 1);
  f32.fill(1, at.op >>> 2, (at.op >>> 2) + 3);
  i32.set(form.fields, (at.op >>> 2) + 3);
  f32.fill(0, at.t >>> 2, (at.t >>> 2) + size);
  return { scores: x, sums, pairs: indices, end };
}

/** The scores of a chunk's pairs, checked: preferred at `at.a1`, other at `at.a0`. Returns how many pairs are left. */
function gather(
  task: string,
  batch: PairBatch,
  rooms: Rooms,
  from: number,
  size: number,
  whole: PairBatch,
): number {
  const { f32, u8, u32 } = views();
  const { scores, pairs, mask, weights } = batch;
  const end = from + size;
  const w = at.w >>> 2;
  u32.set(pairs.subarray(2 * from, 2 * end), rooms.pairs >>> 2);
  if (weights) f32.set(weights.subarray(from, end), w);
  else f32.fill(1, w, w + (mask ? size : 4));
  if (mask) u8.set(mask.subarray(from, end), at.mask);
  kernel.gatherPairs(size, scores.length, rooms.scores, rooms.pairs, at.a1, at.a0);
  const valid = mask ? kernel.blank(size, at.mask, at.a1, at.a0, at.w) : size;
  const foreign = kernel.surveyReal(size, at.a1, at.a0) >>> 0 >= 0x7f800000;
  const refused = foreign || (weights && kernel.gauge(size, at.w) >>> 0 > 0x7f7fffff);
  if (refused) refusePairs(task, whole, from, size);
  return valid;
}

/** The binary loss of the margins: every pair is a target 0 with the logit v = other - preferred. */
function lift({ margin }: PairForm, stride: number, size: number): void {
  const isFar = kernel.marginPairs(size, at.a1, at.a0, at.x, at.loss);
  margin(size, at.x, at.t, at.w, stride, at.op, at.loss, at.grad, 1);
  if (isFar) kernel.exceed(size, at.a0, at.a1, at.grad, at.loss);
}

/** Runs a loss over the pairs of a batch, chunk by chunk. Losses and slopes of a chunk are left where `each` takes them. */
export function pairPass(
  task: string,
  form: PairForm,
  batch: PairBatch,
  rooms: Rooms,
  each: (chunk: PairChunk) => void,
  whole: PairBatch = batch,
): void {
  const n = batch.pairs.length / 2;
  const stride = batch.mask || batch.weights ? -1 : 0;
  for (let from = 0; from < n; from += CHUNK) {
    const size = Math.min(CHUNK, n - from);
    const valid = gather(task, batch, rooms, from, size, whole);
    lift(form, stride, size);
    each({ from, size, valid });
  }
}

/**
 * The gradients of the items: sums of slopes in float64, divided and rounded to float32.
 *
 * @throws {RangeError} for the first that is beyond float32
 */
export function leave(task: string, { sums }: Rooms, by: number, grad: Float32Array): void {
  const { f64 } = views();
  let most = 0;
  for (let i = 0, from = sums >>> 3; i < grad.length; i++) {
    const gradient = f64[from + i]! / by;
    most = Math.max(most, Math.abs(gradient));
    grad[i] = gradient;
  }
  if (Math.fround(most) < Infinity) return;
  const item = grad.findIndex((gradient) => !Number.isFinite(gradient));
  throw new RangeError(
    `Cannot ${task}: expected gradients that a float32 can hold, got an overflow at item ${item}`,
  );
}

/** Copies the losses of a chunk out of the arena. */
export function copyLosses(out: Outputs, { from, size }: Pick<PairChunk, "from" | "size">): void {
  out.losses?.set(views().f32.subarray(at.loss >>> 2, (at.loss >>> 2) + size), from);
}
