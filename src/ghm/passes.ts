import { at, CHUNK, reserve, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import type { Convention } from "./average.ts";
import { clearCells } from "./histogram.ts";
import type { Chunk, Samples } from "./samples.ts";

/** Samples of a batch whose regions are kept between the passes; beyond it they are found again. */
const KEPT = 2 ** 20;

/** What a first pass leaves behind. */
export interface Counted {
  /** Samples that do not exist: they were counted as easy ones of loss 0. */
  readonly masked: number;
  /** The last chunk, which is still in the arena. */
  readonly last: Chunk | undefined;
}

/**
 * First pass: counts a batch into the cells of the arena. Unweighted gradients go to `grad` where it is given and they
 * can be recalled from it; those of a batch of one chunk stay in the arena.
 */
export function tally(
  task: string,
  samples: Samples,
  bins: number,
  convention: Convention,
  grad?: Float32Array,
): Counted {
  const count = convention === "paper" ? kernel.tallyFloor : kernel.tallyRounded;
  const regions = regionsOf(samples);
  let masked = 0;
  let last: Chunk | undefined;
  clearCells(bins);
  samples.visit(task, grad !== undefined, (chunk) => {
    const { size, norms, losses, bounds } = chunk;
    const most = count(size, norms, losses, bins, at.tables, regions.of(chunk), at.cells, bounds ?? 0);
    if (most >>> 0 >= 0x7f800000) samples.refuse(task, chunk);
    masked += size - chunk.valid;
    last = chunk;
    if (grad && samples.recall && size < samples.size) samples.put(chunk, grad);
  });
  return { masked, last };
}

interface Regions {
  readonly areKept: boolean;
  /** Where the regions of a chunk are. */
  of(chunk: Chunk): number;
}

/** Room for the regions of all samples if they are kept, else of one chunk. */
function regionsOf({ size, free }: Samples): Regions {
  const areKept = size <= KEPT;
  const start = areKept && size > CHUNK ? reserve([size], free)[0]! : at.bytes;
  return { areKept, of: ({ from }) => (areKept ? start + from : start) };
}

/** Lays out one weight per region, 1 / divisor, and 0 for an empty region. */
export function layWeights(divisors: Float64Array): void {
  const { f32 } = views();
  const table = at.table >>> 2;
  const bins = divisors.length;
  for (let j = 0; j < bins; j++) f32[table + j] = divisors[j]! > 0 ? 1 / divisors[j]! : 0;
  f32.fill(0, table + bins, table + 256);
  kernel.planes(at.table, at.planes);
}

/** Multiplies values, such as the factors of a chunk, by the weights of their regions, whose indices are at `bytes`. */
export function weigh(size: number, values: number, bins: number, bytes: number): void {
  if (bins <= 16) kernel.lookupHalf(size, values, bytes, at.planes, values);
  else if (bins <= 32) kernel.lookup(size, values, bytes, at.planes, values);
  else kernel.lookupWide(size, values, bytes, at.table, values);
}

/** Finds the regions of a chunk. */
export function index({ size, norms }: Chunk, bins: number, convention: Convention, bytes: number): void {
  const find = convention === "paper" ? kernel.indexFloor : kernel.indexRounded;
  find(size, norms, bins, bytes);
}

/** Second pass over a batch that has just been counted: its gradient, given the divisors. */
export function reweigh(
  task: string,
  samples: Samples,
  last: Chunk | undefined,
  divisors: Float64Array,
  convention: Convention,
  grad: Float32Array,
): void {
  const bins = divisors.length;
  const regions = regionsOf(samples);
  const each = (chunk: Chunk): void => {
    const bytes = regions.of(chunk);
    if (!regions.areKept) index(chunk, bins, convention, bytes);
    weigh(chunk.size, chunk.factors, bins, bytes);
    samples.put(chunk, grad);
  };
  layWeights(divisors);
  if (last?.size === samples.size) each(last);
  else if (samples.recall) samples.recall(grad, each);
  else samples.visit(task, true, each);
}

/** Second pass over inputs and targets: the gradient of any chunk, given the divisors of the whole. */
export function gradient(
  task: string,
  samples: Samples,
  divisors: Float64Array,
  convention: Convention,
): Float32Array {
  const bins = divisors.length;
  const grad = new Float32Array(samples.length);
  layWeights(divisors);
  samples.visit(task, true, (chunk) => {
    index(chunk, bins, convention, at.bytes);
    weigh(chunk.size, chunk.factors, bins, at.bytes);
    samples.put(chunk, grad);
  });
  return grad;
}
