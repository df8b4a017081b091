import { at, views } from "../arena.ts";
import { options as checkOptions, picked } from "../check.ts";
import { checkWidth, type Windows, windowRooms } from "../density/exact.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";
import { type Base, setUp } from "./base.ts";
import type { Chunk, Samples } from "./samples.ts";

export interface GhmExactOptions {
  /** Width of the window around each sample, in (0, 1]; default 1/30, for regression 1/10. */
  readonly width?: number | undefined;
  /** One byte per sample; where it is 0 the sample does not exist. */
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
function windows(task: string, samples: Samples, width: number): { rooms: Windows; count: number } {
  const rooms = windowRooms(task, samples.size, samples.free);
  let count = 0;
  samples.visit(task, false, ({ size, norms, mask }) => {
    count += kernel.magnitudes(size, norms, mask, rooms.g + count * 4);
  });
  if (count > 0) kernel.windowCounts(count, rooms.g, width, rooms.counts, rooms.scratch);
  return { rooms, count };
}

/** Puts values of the valid samples of a chunk, which lie densely, where their factors are; with the factors' signs. */
function scatter({ size, mask, factors }: Chunk, values: number): void {
  const { f32, i32, u8 } = views();
  let next = values >>> 2;
  for (let i = 0; i < size; i++) {
    const place = (factors >>> 2) + i;
    if (u8[mask + i] === 0) f32[place] = 0;
    else f32[place] = i32[place]! < 0 ? -f32[next++]! : f32[next++]!;
  }
}

/** Divides the factors of a chunk by the densities of its valid samples, whose norms and counts begin at `g` and `counts`. */
function harmonize(chunk: Chunk, g: number, counts: number, width: number): void {
  const { size, valid, mask, factors } = chunk;
  if (mask) kernel.magnitudes(size, factors, mask, at.w1);
  const values = mask ? at.w1 : factors;
  kernel.exactScale(valid, values, g, counts, width, values);
  if (mask) scatter(chunk, values);
}

/**
 * Gradient harmonizing by the exact window density: loss = sum_i L_i / GD(g_i), O(N log N).
 *
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, a width outside (0, 1], the first value outside the domain and the first
 * loss beyond float32
 *
 * Error: counts are exact; each weighted loss and weight or gradient is rounded to float32 once, the losses summed
 * exactly. Source: Li et al. 2018 (arXiv 1811.05181), equations 6 to 9.
 */
export function exact<T>(
  base: Base<T>,
  inputs: Float32Array,
  targets: T,
  options?: GhmExactOptions,
): GhmExactResult {
  const task = `compute exact ${base.name}`;
  const keys = [...Object.keys(base.defaults), "width", "mask"];
  checkOptions(task, options, keys);
  const { width: wanted, mask, ...own } = picked(options, keys) as GhmExactOptions;
  const width = wanted === undefined ? 1 / base.bins : checkWidth(task, wanted);
  const samples = setUp(base, task, own, []).sampler(task, inputs, targets, mask, {});
  const grad = new Float32Array(samples.length);
  const { rooms, count } = windows(task, samples, width);
  const [weighted] = rooms.wide;
  let done = 0;
  clear(at.words, DIGITS);
  clear(at.cells, DIGITS);
  samples.visit(task, true, (chunk) => {
    const { size, valid, mask, losses } = chunk;
    const g = rooms.g + done * 4;
    const counts = rooms.counts + done * 4;
    if (kernel.sum(size, losses, at.cells) >>> 0 >= 0x7f800000) samples.refuse(task, chunk);
    kernel.magnitudes(size, losses, mask, weighted);
    kernel.exactScale(valid, weighted, g, counts, width, weighted);
    kernel.sum(valid, weighted, at.words);
    harmonize(chunk, g, counts, width);
    samples.put(chunk, grad);
    done += valid;
  });
  const meanLoss = kernel.total(at.cells) / Math.max(count, 1);
  return { loss: kernel.total(at.words), grad, meanLoss, count };
}
