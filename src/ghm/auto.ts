import { readCells } from "./histogram.ts";
import { tally } from "./passes.ts";
import type { Samples } from "./samples.ts";

/** Regions of the pilot, and the most that a histogram may have. */
const FINEST = 256;
/** Mean of |Z| for a standard normal Z: sqrt(2 / pi). */
const MEAN_SIZE = 0.7978845608028654;

/** The pilot's counts with regions joined in pairs. */
function joined(counts: Float64Array): Float64Array {
  return Float64Array.from({ length: counts.length / 2 }, (_, j) => counts[2 * j]! + counts[2 * j + 1]!);
}

/**
 * The number of regions that balances bias and noise, by what a pilot of K regions shows of the density f:
 *
 *   V = integral of |f'| = sum |R_(j+1) - R_j| K / N      S = integral of sqrt(f) = sum sqrt(R_j / (N K))
 *   error(M) = V / (4 M) + sqrt(2 / pi) S sqrt(M / N)
 *
 * A difference of two counts has their sum as variance, which is taken off its square.
 */
function balance(counts: Float64Array, total: number): number {
  const pilot = counts.length;
  let variation = 0;
  let root = 0;
  for (let j = 0; j < pilot; j++) {
    root += Math.sqrt(counts[j]!);
    if (j + 1 === pilot) break;
    const step = counts[j + 1]! - counts[j]!;
    variation += Math.sqrt(Math.max(0, step * step - (counts[j]! + counts[j + 1]!)));
  }
  const bias = (variation * pilot) / (4 * total);
  const noise = (MEAN_SIZE * root) / Math.sqrt(total * pilot);
  let best = 1;
  let least = Infinity;
  for (let bins = 1; bins <= FINEST; bins++) {
    const error = bias / bins + noise * Math.sqrt(bins / total);
    if (error >= least) continue;
    least = error;
    best = bins;
  }
  return best;
}

/**
 * How many unit regions suit a batch. A fine pilot sees noise as roughness, a coarse one misses roughness: it is
 * coarsened until it asks for at least as many regions as it has itself. 1 for an empty batch and a flat density.
 *
 * Integers, square roots and + - * / only: the same on every engine.
 * Source: theorem T6 of docs/density.md with the noise of a region's count; section 8 there has the derivation.
 */
export function autoBins(task: string, samples: Samples): number {
  const { masked } = tally(task, samples, FINEST, "paper");
  const { counts, total } = readCells(FINEST, masked).histogram;
  if (total === 0) return 1;
  for (let pilot = counts; ; pilot = joined(pilot)) {
    const bins = balance(pilot, total);
    if (pilot.length <= bins) return bins;
  }
}
