/**
 * Gradient density by brute force in rational arithmetic, as the paper defines it: the window
 * [c - w/2, c + w/2) around every sample, closed where it reaches 1.
 */
import { exactly, inUnits, lowest, quotient } from "./dyadic.ts";

export interface ExactDensity {
  counts: number[];
  density: number[];
  beta: number[];
}

/** Samples and width as integers of one unit, together with that unit's 1. */
function integers(g: ArrayLike<number>, width: number): { at: bigint[]; half: bigint; one: bigint } {
  const fractions = Array.from(g, (v) => lowest(exactly(v)));
  const wide = lowest(exactly(width / 2));
  const scale = fractions.reduce((top, { shift }) => Math.max(top, shift), wide.shift);
  return {
    at: fractions.map((v) => inUnits(v, scale)),
    half: inUnits(wide, scale),
    one: 1n << BigInt(scale),
  };
}

export function densityTruth(g: ArrayLike<number>, width: number): ExactDensity {
  const { at, half, one } = integers(g, width);
  const truth: ExactDensity = { counts: [], density: [], beta: [] };
  for (const c of at) {
    const low = c - half;
    const high = c + half;
    let count = 0;
    for (const v of at) if (v >= low && (v < high || (high >= one && v === one))) count++;
    const length = (high < one ? high : one) - (low > 0n ? low : 0n);
    truth.counts.push(count);
    truth.density.push(quotient(BigInt(count) * one, length));
    truth.beta.push(quotient(BigInt(at.length) * length, BigInt(count) * one));
  }
  return truth;
}

/** What a histogram of bins of width `width / (2 refine)` knows about every window: theorem T5. */
export interface Bracket {
  lower: number[];
  upper: number[];
}

export function bracketTruth(g: ArrayLike<number>, width: number, refine: number): Bracket {
  const { at, half, one } = integers(g, width);
  const m = BigInt(refine);
  // Bin k is [k h, (k + 1) h) with h = half / m; the last one holds 1 itself.
  const last = (one * m - 1n) / half;
  const bins = at.map((v) => Number((v * m) / half < last ? (v * m) / half : last));
  const counts = new Map<number, number>();
  for (const k of bins) counts.set(k, (counts.get(k) ?? 0) + 1);
  const between = (from: number, to: number): number => {
    let sum = 0;
    for (const [k, n] of counts) if (k >= from && k <= to) sum += n;
    return sum;
  };
  return {
    lower: bins.map((k) => between(k - refine + 1, k + refine - 1)),
    upper: bins.map((k) => between(k - refine, k + refine)),
  };
}

/** Unit regions of the paper: bin min(floor(g M), M - 1), density M R_j. */
export function regionTruth(g: ArrayLike<number>, bins: number): ExactDensity {
  const at = Array.from(g, (v) => Math.min(Math.floor(v * bins), bins - 1)); // 24 + 9 bits: exact in f64
  const counts = new Array<number>(bins).fill(0);
  for (const j of at) counts[j]++;
  return {
    counts: at.map((j) => counts[j]),
    density: at.map((j) => bins * counts[j]),
    beta: at.map((j) => at.length / (bins * counts[j])),
  };
}
