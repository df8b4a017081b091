import { at, CHUNK, reserve, views } from "../arena.ts";
import { type Batch, refuseOverflow } from "../stream/batch.ts";
import type { Form } from "../stream/form.ts";
import { type Chunk, copyOut, pass } from "../stream/pass.ts";
import { kernel } from "../wasm/kernel.ts";
import type { Convention } from "./average.ts";
import { clearCells } from "./histogram.ts";

/** Elements of a batch whose regions are kept between the passes; beyond it they are found again. */
const KEPT = 2 ** 20;

/** Runs `each` over the chunks of a batch with signed g at `at.grad` and plain losses at `at.loss`. */
export function normsOf(task: string, form: Form, batch: Batch, each: (chunk: Chunk) => void): void {
  pass(task, form, batch, () => 1, each);
}

/**
 * First pass: counts a batch into the cells of the arena; signed g go to `grad` where it is given.
 *
 * @returns how many elements the mask left out: they were counted as easy samples of loss 0
 */
export function tally(
  task: string,
  form: Form,
  batch: Batch,
  bins: number,
  convention: Convention,
  grad?: Float32Array,
): number {
  const count = convention === "paper" ? kernel.tallyFloor : kernel.tallyRounded;
  const kept = roomFor(batch.logits.length);
  const out = { grad };
  let masked = 0;
  clearCells(bins);
  normsOf(task, form, batch, (chunk) => {
    const bytes = kept === at.bytes ? kept : kept + chunk.from;
    const most = count(chunk.size, at.grad, at.loss, bins, at.tables, bytes, at.cells);
    if (most >>> 0 >= 0x7f800000) refuseOverflow(task, batch, chunk.from, chunk.size);
    masked += chunk.size - chunk.valid;
    copyOut(out, chunk);
  });
  return masked;
}

/** Where the regions of n elements are kept; the room of one chunk if they are not. */
function roomFor(n: number): number {
  return n > CHUNK && n <= KEPT ? reserve([n])[0]! : at.bytes;
}

/** Lays out one weight per region, 1 / divisor, and 0 for an empty region. */
export function layWeights(divisors: Float64Array): void {
  const { f32 } = views();
  const table = at.table >> 2;
  const bins = divisors.length;
  for (let j = 0; j < bins; j++) f32[table + j] = divisors[j]! > 0 ? 1 / divisors[j]! : 0;
  f32.fill(0, table + bins, table + 256);
  kernel.planes(at.table, at.planes);
}

/** Multiplies the signed g at `at.grad` by the weights of their regions, whose indices are at `bytes`. */
function weigh(size: number, bins: number, bytes: number): void {
  if (bins <= 32) kernel.lookup(size, at.grad, bytes, at.planes, at.grad);
  else kernel.lookupWide(size, at.grad, bytes, at.table, at.grad);
}

function index(size: number, bins: number, convention: Convention): void {
  const find = convention === "paper" ? kernel.indexFloor : kernel.indexRounded;
  find(size, at.grad, bins, at.bytes);
}

/**
 * Second pass over the signed g that the first pass left in `grad`. A batch of one chunk still has them in the arena.
 */
export function reweigh(grad: Float32Array, divisors: Float64Array, convention: Convention): void {
  const bins = divisors.length;
  const n = grad.length;
  const kept = roomFor(n);
  layWeights(divisors);
  for (let from = 0; from < n; from += CHUNK) {
    const size = Math.min(CHUNK, n - from);
    if (n > CHUNK) views().f32.set(grad.subarray(from, from + size), at.grad >> 2);
    if (n > KEPT) index(size, bins, convention);
    weigh(size, bins, kept === at.bytes ? kept : kept + from);
    copyOut({ grad }, { from, size });
  }
}

/** Second pass over inputs and targets: the gradient of any chunk, given the divisors of the whole. */
export function gradient(
  task: string,
  form: Form,
  batch: Batch,
  divisors: Float64Array,
  convention: Convention,
): Float32Array {
  const bins = divisors.length;
  const grad = new Float32Array(batch.logits.length);
  layWeights(divisors);
  normsOf(task, form, batch, (chunk) => {
    index(chunk.size, bins, convention);
    weigh(chunk.size, bins, at.bytes);
    copyOut({ grad }, chunk);
  });
  return grad;
}
