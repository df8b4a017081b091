import { array } from "../check.ts";
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
 * How many unit regions suit data with these counts of gradient norms. A fine pilot sees noise as roughness, a coarse
 * one misses roughness: it is coarsened until it asks for at least as many regions as it has itself. 256 regions are
 * what `bins: "auto"` begins with; a stream of so many finds the same number for data that arrive in pieces.
 *
 * @param counts samples in each of 2, 4, 8, .., 256 unit regions, as `histogram.counts` of a stream: whole numbers
 * @returns a whole number from 1 to 256; 1 without samples and for a flat density
 * @throws {TypeError} for an array of another kind
 * @throws {RangeError} for another number of regions, and the first count that is no whole number
 *
 * Error: none: integers, square roots and + - * / only, the same on every engine.
 * Source: theorem T6 of docs/density.md with the noise of a region's count; section 8 there has the derivation.
 *
 * @example
 * const pilot = ghmc.stream({ bins: 256 }).update(Float32Array.of(2.2, -1.3), Float32Array.of(1, 0));
 * const stream = ghmc.stream({ bins: autoBins(pilot.result().histogram.counts) });
 */
export function autoBins(counts: Float64Array): number {
  const task = "choose bins";
  array<Float64Array>(task, "counts", counts, ["Float64Array"]);
  const { length } = counts;
  if (length < 2 || length > FINEST || FINEST % length !== 0) {
    throw new RangeError(
      `Cannot ${task}: expected counts of 2, 4, 8, .. or ${FINEST} regions, got ${length}`,
    );
  }
  let total = 0;
  for (const [j, count] of counts.entries()) {
    if (!(count >= 0 && Number.isSafeInteger(count))) {
      throw new RangeError(`Cannot ${task}: expected counts as whole numbers, got ${count} at index ${j}`);
    }
    total += count;
  }
  if (total === 0) return 1;
  for (let pilot = counts; ; pilot = joined(pilot)) {
    const bins = balance(pilot, total);
    if (pilot.length <= bins) return bins;
  }
}

/** How many unit regions suit a batch. */
export function binsOf(task: string, samples: Samples): number {
  const { masked } = tally(task, samples, FINEST, "paper");
  return autoBins(readCells(FINEST, masked).histogram.counts);
}
