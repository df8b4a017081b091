import { at, views } from "../arena.ts";
import { binsOf } from "../ghm/auto.ts";
import { type AverageOptions, divisorsOf, harmonize } from "../ghm/average.ts";
import { readCells } from "../ghm/histogram.ts";
import { index, layWeights, tally, weigh } from "../ghm/passes.ts";
import type { Chunk, Samples } from "../ghm/samples.ts";
import type { GhmIntoResult } from "../ghm/state.ts";
import type { Outputs } from "../stream/batch.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";
import type { PairBatch } from "./batch.ts";
import { groupWeights } from "./groups.ts";
import { copyLosses } from "./pass.ts";

/** Harmonized BPR with its parameters set. */
export interface GhmForm {
  readonly average: AverageOptions;
  readonly isAuto: boolean;
}

/** What pairs are weighted by: their losses and slopes in the arena are multiplied in place. */
export type Weigher = (chunk: Chunk) => void;

/** Weights beta by the density of all pairs. */
export function byRegion(
  { bins, convention }: AverageOptions,
  divisors: Float64Array,
  count: number,
): Weigher {
  layWeights(divisors.map((divisor) => divisor / count));
  return (chunk) => {
    index(chunk, bins, convention, at.bytes);
    weigh(chunk.size, chunk.losses, bins, at.bytes);
    weigh(chunk.size, chunk.factors, bins, at.bytes);
  };
}

/** Weights that are there for each pair. */
function each(weights: Float32Array): Weigher {
  return ({ from, size, losses, factors }) => {
    views().f32.set(weights.subarray(from, from + size), at.x >>> 2);
    kernel.weigh(size, at.x, losses, factors, -1, losses, factors);
  };
}

/**
 * Second pass over a batch, whose last chunk may still be in the arena.
 *
 * @param sums whether the losses have to be float32: else a loss of the histogram may be beyond, and no pair refused
 * @returns the exact sum of the weighted losses, rounded once; 0 without `sums`
 */
export function weighPairs(
  task: string,
  samples: Samples,
  last: Chunk | undefined,
  weigher: Weigher,
  out: Outputs,
  sums: boolean,
): number {
  const take = (chunk: Chunk): void => {
    weigher(chunk);
    const most = sums ? kernel.sum(chunk.size, chunk.losses, at.words) >>> 0 : 0;
    if (most >= 0x7f800000) samples.refuse(task, chunk);
    copyLosses(out, chunk);
    if (out.grad) samples.put(chunk, out.grad);
  };
  clear(at.words, DIGITS);
  if (samples.size === 0) out.grad?.fill(0);
  if (last?.size === samples.size) take(last);
  else samples.visit(task, out.grad !== undefined, take);
  return kernel.total(at.words);
}

/** What the cells in the arena hold. */
function read(bins: number, masked: number): Omit<GhmIntoResult, "loss"> {
  const { histogram, lossSum } = readCells(bins, masked);
  const count = histogram.total;
  return { meanLoss: lossSum / Math.max(count, 1), count, histogram };
}

/** The samples, and the region of each of them once it has been visited. */
function located(
  samples: Samples,
  { bins, convention }: AverageOptions,
): { seen: Samples; regions: Uint8Array } {
  const regions = new Uint8Array(samples.size);
  const visit: Samples["visit"] = (task, wantsGrad, each) =>
    samples.visit(task, wantsGrad, (chunk) => {
      each(chunk);
      index(chunk, bins, convention, at.bytes);
      regions.set(views().u8.subarray(at.bytes, at.bytes + chunk.size), chunk.from);
    });
  return { seen: { ...samples, visit }, regions };
}

/**
 * One batch: histogram, reduced loss, and the outputs that are asked for.
 *
 * @param reduce what the loss of so many pairs is divided by; told before the first gradient is written
 */
export function harmonizePairs(
  task: string,
  { average, isAuto }: GhmForm,
  { groups, mask }: PairBatch,
  samples: Samples,
  out: Outputs,
  reduce: (count: number) => number,
): GhmIntoResult {
  if (groups && isAuto) {
    throw new TypeError(`Cannot ${task}: expected bins as a number beside groups, got "auto"`);
  }
  const options = isAuto ? { ...average, bins: binsOf(task, samples) } : average;
  const { bins, convention } = options;
  if (groups) {
    const { seen, regions } = located(samples, options);
    const { masked, last } = tally(task, seen, bins, convention);
    const counted = read(bins, masked);
    const by = reduce(counted.count);
    const weights = groupWeights(groups, mask, regions, bins, convention);
    return { loss: weighPairs(task, samples, last, each(weights), out, true) / by, ...counted };
  }
  const { masked, last } = tally(task, samples, bins, convention);
  const counted = read(bins, masked);
  const { histogram, count } = counted;
  const by = reduce(count);
  const divisors = divisorsOf(options, histogram);
  if (out.grad || out.losses) {
    const weigher = byRegion(options, divisors, count);
    weighPairs(task, samples, last, weigher, out, out.losses !== undefined);
  }
  return { loss: harmonize(histogram, divisors) * (count / by), ...counted };
}
