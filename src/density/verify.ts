import { options as checkOptions, integer } from "../check.ts";
import { type BracketOptions, bracket } from "./bracket.ts";
import { checkWidth, type Density, exact } from "./exact.ts";
import { type BinsOption, checkBins, histogram } from "./histogram.ts";
import { median } from "./median.ts";
import { type MaskOption, normsAndLosses } from "./norms.ts";

export interface VerifyOptions extends BinsOption, BracketOptions, MaskOption {}

/** How wrong the unit-region histogram is on a batch, and what is certain without the exact density. */
export interface Report {
  /** Valid samples, regions of the histogram, and the width of the exact window. */
  count: number;
  bins: number;
  width: number;
  /** Largest |histogram - exact| / exact over the samples' densities. */
  maxRelativeError: number;
  /** Sum of |histogram - exact| over the samples' weights, divided by the sum of the exact ones. */
  betaL1: number;
  /** The GHM-C loss by either density; `relativeError` = histogram / exact - 1. */
  loss: { exact: number; histogram: number; relativeError: number };
  /** exact / histogram density of a sample: between its minimum and maximum lies the ratio of the losses (T4), but for rounding. */
  rho: { min: number; median: number; max: number };
  /** Regions that hold a sample. */
  occupied: number;
  /** Share of samples closer than half a window to 0 or 1, where the window is clipped. */
  borderFraction: number;
  /** The bracket of T5 on the same samples: whether it holds, its mean width in samples, and the loss it implies. */
  bracket: { holds: boolean; meanGap: number; lossLower: number; lossUpper: number };
}

function compare(
  losses: Float32Array,
  truth: Density,
  approximation: Density,
): Omit<Report, "bracket" | "occupied" | "borderFraction" | "count" | "bins" | "width"> {
  const n = losses.length;
  const rho = new Float64Array(n);
  let maxRelativeError = 0;
  let difference = 0;
  let weight = 0;
  let lossExact = 0;
  let lossHistogram = 0;
  let min = Infinity;
  let max = 0;
  for (let i = 0; i < n; i++) {
    const a = truth.density[i]!;
    const b = approximation.density[i]!;
    const ratio = a / b;
    rho[i] = ratio;
    min = Math.min(min, ratio);
    max = Math.max(max, ratio);
    // A density beyond float64 is infinite, and any other is nothing beside it.
    maxRelativeError = Math.max(maxRelativeError, a < Infinity ? Math.abs(b - a) / a : 1);
    difference += Math.abs(approximation.beta[i]! - truth.beta[i]!);
    weight += truth.beta[i]!;
    lossExact += losses[i]! / a;
    lossHistogram += losses[i]! / b;
  }
  const relativeError = lossHistogram > 0 ? lossHistogram / lossExact - 1 : 0;
  return {
    maxRelativeError,
    betaL1: difference / weight,
    loss: { exact: lossExact, histogram: lossHistogram, relativeError },
    rho: { min, median: median(rho), max },
  };
}

function check(
  g: Float32Array,
  losses: Float32Array,
  truth: Density,
  width: number,
  refine: number,
): Report["bracket"] {
  const { lower, upper } = bracket(g, { width, refine });
  let holds = true;
  let gap = 0;
  let lossLower = 0;
  let lossUpper = 0;
  for (let i = 0; i < g.length; i++) {
    const count = truth.counts[i]!;
    if (count < lower[i]! || count > upper[i]!) holds = false;
    gap += upper[i]! - lower[i]!;
    const exact = losses[i]! / truth.density[i]!;
    const term = exact * count;
    // Where the bracket holds, a term on the wrong side of the exact one got there by rounding. Sums in the same order
    // keep the order of their terms.
    lossLower += holds ? Math.min(term / upper[i]!, exact) : term / upper[i]!;
    lossUpper += holds ? Math.max(term / lower[i]!, exact) : term / lower[i]!;
  }
  return { holds, meanGap: gap / g.length, lossLower, lossUpper };
}

/**
 * Compares the unit-region density of a batch with the exact one, and both with the certified bracket.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @param options `bins` 30, `width` 1 / bins, `refine` 8, `mask`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range and the first value outside the domain
 *
 * Source: section 5 of docs/density.md.
 */
export function verify(
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  options?: VerifyOptions,
): Report {
  const task = "verify the density";
  checkOptions(task, options, ["bins", "width", "refine", "mask"]);
  const bins = checkBins(task, options?.bins);
  const width = options?.width === undefined ? 1 / bins : checkWidth(task, options.width);
  const refine = options?.refine === undefined ? 8 : integer(task, "refine", options.refine, 1, 64);
  const { g, losses } = normsAndLosses(task, logits, targets, options?.mask);
  const head = { count: g.length, bins, width };
  if (g.length === 0) {
    return {
      ...head,
      maxRelativeError: 0,
      betaL1: 0,
      loss: { exact: 0, histogram: 0, relativeError: 0 },
      rho: { min: 1, median: 1, max: 1 },
      occupied: 0,
      borderFraction: 0,
      bracket: { holds: true, meanGap: 0, lossLower: 0, lossUpper: 0 },
    };
  }
  const truth = exact(g, { width });
  const approximation = histogram(g, { bins });
  const held = new Set<number>();
  let border = 0;
  for (const norm of g) {
    held.add(Math.min(Math.floor(norm * bins), bins - 1));
    if (norm < width / 2 || norm > 1 - width / 2) border++;
  }
  return {
    ...head,
    ...compare(losses, truth, approximation),
    occupied: held.size,
    borderFraction: border / g.length,
    bracket: check(g, losses, truth, width, refine),
  };
}
