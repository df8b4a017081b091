import { at, views } from "../arena.ts";
import { options as checkOptions } from "../check.ts";
import { checkWidth, type Windows, windowRooms } from "../density/exact.ts";
import type { Batch } from "../stream/batch.ts";
import { moveValid } from "../stream/cross-entropy.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import type { Form } from "../stream/form.ts";
import type { Chunk } from "../stream/pass.ts";
import { kernel } from "../wasm/kernel.ts";
import { arrays, type Base, setUp } from "./base.ts";
import { normsOf } from "./passes.ts";

export interface GhmExactOptions {
  /** Width of the window around each sample, in (0, 1]; default 1/30, for regression 1/10. */
  readonly width?: number | undefined;
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

export interface GhmExactResult {
  /** The harmonized loss by the exact density. */
  loss: number;
  /** d loss / d logits, or predictions, with the weights held constant, one float32 each. */
  grad: Float32Array;
  /** The mean of the unweighted losses. */
  meanLoss: number;
  /** Valid samples. */
  count: number;
}

/** Window counts of the valid samples of a batch, in the arena; and how many samples there are. */
function windows(task: string, form: Form, batch: Batch, width: number): { rooms: Windows; count: number } {
  const rooms = windowRooms(task, batch.logits.length);
  let count = 0;
  normsOf(task, form, batch, (chunk) => {
    count += moveValid(batch, chunk, at.grad, rooms.g + count * 4);
  });
  if (count > 0) kernel.windowCounts(count, rooms.g, width, rooms.counts, rooms.scratch);
  return { rooms, count };
}

/** Puts the gradients of the valid samples of a chunk, which lie densely in the arena, where they belong. */
function scatter(batch: Batch, chunk: Chunk, values: Float32Array, grad: Float32Array): void {
  if (!batch.mask) {
    grad.set(values, chunk.from);
    return;
  }
  const signed = views().f32.subarray(at.grad >> 2, (at.grad >> 2) + chunk.size);
  let next = 0;
  for (let i = chunk.from; i < chunk.from + chunk.size; i++) {
    if (batch.mask[i] === 0) continue;
    const value = values[next++]!;
    grad[i] = signed[i - chunk.from]! < 0 ? 0 - value : value;
  }
}

/**
 * Gradient harmonizing by the exact window density: loss = sum_i L_i / GD(g_i), O(N log N).
 *
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, a width outside (0, 1] and the first value outside the domain
 *
 * Error: counts are exact; each weighted loss and gradient is rounded to float32 once, the losses summed exactly.
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 6 to 9.
 */
export function exact(
  base: Base,
  inputs: Float32Array,
  targets: Float32Array | Uint8Array,
  options?: GhmExactOptions,
): GhmExactResult {
  const task = `compute exact ${base.name}`;
  checkOptions(task, options, [...Object.keys(base.defaults), "width", "mask"]);
  const { width: wanted, mask, ...own } = options ?? {};
  const width = wanted === undefined ? 1 / base.bins : checkWidth(task, wanted);
  const { form } = setUp(base, task, own, []);
  const batch = arrays(task, form, inputs, targets, mask);
  const grad = new Float32Array(inputs.length);
  const { rooms, count } = windows(task, form, batch, width);
  const [harmonized] = rooms.wide;
  let done = 0;
  clear(at.words, DIGITS);
  clear(at.cells, DIGITS);
  normsOf(task, form, batch, (chunk) => {
    const g = rooms.g + done * 4;
    const counts = rooms.counts + done * 4;
    const size = chunk.valid;
    kernel.sum(chunk.size, at.loss, at.cells);
    moveValid(batch, chunk, at.loss, harmonized);
    kernel.exactScale(size, harmonized, g, counts, width, harmonized);
    kernel.sum(size, harmonized, at.words);
    if (batch.mask) moveValid(batch, chunk, at.grad, at.w1);
    const values = batch.mask ? at.w1 : at.grad;
    kernel.exactScale(size, values, g, counts, width, values);
    scatter(batch, chunk, views().f32.subarray(values >> 2, (values >> 2) + size), grad);
    done += size;
  });
  const meanLoss = kernel.total(at.cells) / Math.max(count, 1);
  return { loss: kernel.total(at.words), grad, meanLoss, count };
}
