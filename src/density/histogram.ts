import { at, CHUNK, reserve, views } from "../arena.ts";
import { options as checkOptions, integer } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";
import { checkNorms, copyNorms, type Density } from "./exact.ts";

export interface BinsOption {
  /** Unit regions of [0, 1]: a whole number from 1 to 256; default 30. */
  readonly bins?: number | undefined;
}

export function checkBins(task: string, value: unknown): number {
  return value === undefined ? 30 : integer(task, "bins", value, 1, 256);
}

/** The unit region of each sample, and how many samples each region holds. */
export function regions(
  task: string,
  g: Float32Array,
  bins: number,
): { index: Uint8Array; counts: Float64Array } {
  const index = new Uint8Array(g.length);
  const counts = new Float64Array(bins);
  const [room] = reserve([CHUNK * 4]) as [number];
  for (let from = 0; from < g.length; from += CHUNK) {
    const part = g.subarray(from, from + CHUNK);
    copyNorms(task, part, room, at.report, from);
    kernel.indexFloor(part.length, room, bins, at.bytes);
    index.set(views().u8.subarray(at.bytes, at.bytes + part.length), from);
  }
  for (const region of index) counts[region]! += 1;
  return { index, counts };
}

/**
 * The unit-region approximation of the gradient density, seen from each sample, O(N).
 *
 * counts: samples in the region min(floor(g bins), bins - 1) of each sample; density = bins counts;
 * beta = N / density. Exact at the centre of a region and without a constant-factor guarantee elsewhere: see
 * `bracket` for a certificate.
 *
 * @param g shape [n], finite, in [0, 1]
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for a g outside [0, 1], by index, or bins outside 1 to 256
 *
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 9 and 10.
 */
export function histogram(g: Float32Array, options?: BinsOption): Density {
  const task = "compute the density histogram";
  checkNorms(task, g);
  checkOptions(task, options, ["bins"]);
  const bins = checkBins(task, options?.bins);
  const n = g.length;
  const { index, counts: regionCounts } = regions(task, g, bins);
  const counts = new Uint32Array(n);
  const density = new Float64Array(n);
  const beta = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const count = regionCounts[index[i]!]!;
    counts[i] = count;
    density[i] = bins * count;
    beta[i] = n / (bins * count);
  }
  return { counts, density, beta };
}
