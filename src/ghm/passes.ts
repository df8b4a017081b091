import { at, CHUNK, views } from "../arena.ts";
import { signedNorms } from "../stream/cross-entropy.ts";
import { type Batch, type Chunk, copyOut, refuseOverflow } from "../stream/pass.ts";
import { kernel } from "../wasm/kernel.ts";
import type { Convention } from "./average.ts";
import { Tally } from "./histogram.ts";

/** First pass: the histogram of a batch; signed g go to `grad` where it is given. */
export function tally(
  task: string,
  batch: Batch,
  bins: number,
  convention: Convention,
  grad?: Float32Array,
): Tally {
  const count = convention === "paper" ? kernel.tallyFloor : kernel.tallyRounded;
  let masked = 0;
  Tally.clearCells(bins);
  signedNorms(task, batch, (chunk) => {
    const most = count(chunk.size, at.grad, at.loss, bins, at.tables, at.bytes, at.cells);
    if (most >>> 0 >= 0x7f800000) refuseOverflow(task, batch, chunk.from, chunk.size);
    masked += chunk.size - chunk.valid;
    if (grad) copyOut({ grad }, chunk);
  });
  const result = new Tally(bins);
  result.addCells(masked);
  return result;
}

/** Lays out one weight per region, 1 / divisor, and 0 for an empty region. */
export function layWeights(divisors: Float64Array): void {
  const { f32 } = views();
  const table = at.table >> 2;
  f32.fill(0, table, table + 256);
  divisors.forEach((divisor, j) => {
    f32[table + j] = divisor > 0 ? 1 / divisor : 0;
  });
  kernel.planes(at.table, at.planes);
}

/** Multiplies the signed g at `at.grad` by the weights of their regions, whose indices are at `at.bytes`. */
function weigh(size: number, bins: number): void {
  if (bins <= 32) kernel.lookup(size, at.grad, at.bytes, at.planes, at.grad);
  else kernel.lookupWide(size, at.grad, at.bytes, at.table, at.grad);
}

function index(size: number, bins: number, convention: Convention): void {
  const find = convention === "paper" ? kernel.indexFloor : kernel.indexRounded;
  find(size, at.grad, bins, at.bytes);
}

/**
 * Second pass over the signed g that the first pass left in `grad`. A batch of one chunk still has them, and the
 * indices of their regions, in the arena.
 */
export function reweigh(grad: Float32Array, divisors: Float64Array, convention: Convention): void {
  const bins = divisors.length;
  layWeights(divisors);
  const n = grad.length;
  for (let from = 0; from < n; from += CHUNK) {
    const size = Math.min(CHUNK, n - from);
    if (n > CHUNK) {
      views().f32.set(grad.subarray(from, from + size), at.grad >> 2);
      index(size, bins, convention);
    }
    weigh(size, bins);
    copyOut({ grad }, { from, size } as Chunk);
  }
}

/** Second pass over logits and targets: the gradient of any chunk, given the divisors of the whole. */
export function gradient(
  task: string,
  batch: Batch,
  divisors: Float64Array,
  convention: Convention,
): Float32Array {
  const bins = divisors.length;
  const grad = new Float32Array(batch.logits.length);
  layWeights(divisors);
  signedNorms(task, batch, (chunk) => {
    index(chunk.size, bins, convention);
    weigh(chunk.size, bins);
    copyOut({ grad }, chunk);
  });
  return grad;
}
