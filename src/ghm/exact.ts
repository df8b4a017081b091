import { at, views } from "../arena.ts";
import { options as checkOptions } from "../check.ts";
import { checkWidth, type Windows, windowRooms } from "../density/exact.ts";
import { type Batch, checkBatch } from "../stream/batch.ts";
import { moveValid, signedNorms } from "../stream/cross-entropy.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import type { Chunk } from "../stream/pass.ts";
import { kernel } from "../wasm/kernel.ts";

export interface GhmExactOptions {
  /** Width of the window around each sample, in (0, 1]; default 1/30. */
  readonly width?: number | undefined;
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

export interface GhmExactResult {
  /** The harmonized loss by the exact density. */
  loss: number;
  /** d loss / d logits with the weights held constant, one float32 per logit. */
  grad: Float32Array;
  /** The unweighted mean cross-entropy. */
  meanLoss: number;
  /** Valid samples. */
  count: number;
}

const task = "compute exact ghmc";

/** Window counts of the valid samples of a batch, in the arena; and how many samples there are. */
function windows(batch: Batch, width: number): { rooms: Windows; count: number } {
  const rooms = windowRooms(task, batch.logits.length);
  let count = 0;
  signedNorms(task, batch, (chunk) => {
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
  let next = 0;
  for (let i = chunk.from; i < chunk.from + chunk.size; i++) {
    if (batch.mask[i] !== 0) {
      const value = values[next++]!;
      grad[i] = batch.targets[i] === 1 ? 0 - value : value;
    }
  }
}

/**
 * GHM-C by the exact window density: loss = sum_i CE_i / GD(g_i), O(N log N).
 *
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, a width outside (0, 1] and the first value outside the domain
 *
 * Error: counts are exact; each weighted loss and gradient is rounded to float32 once, the losses summed exactly.
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 6 to 9.
 */
export function exact(
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  options?: GhmExactOptions,
): GhmExactResult {
  checkOptions(task, options, ["width", "mask"]);
  const width = checkWidth(task, options?.width);
  const batch = checkBatch(task, logits, targets, options?.mask, undefined, 1, {});
  const grad = new Float32Array(logits.length);
  const { rooms, count } = windows(batch, width);
  const [harmonized] = rooms.wide;
  let done = 0;
  clear(at.words, DIGITS);
  clear(at.cells, DIGITS);
  signedNorms(task, batch, (chunk) => {
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
