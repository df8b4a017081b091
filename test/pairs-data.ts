/** Seeded scores and pairs, and the losses that the tests of `pairwise` go through. */
import type { PairwiseOptions } from "../src/mod.ts";
import { random } from "./data.ts";

export interface PairSetting {
  options: PairwiseOptions;
  gamma: number;
  /** Largest relative error of a pair's loss and slope, in units of 2^-24. */
  units: (d: number) => number;
}

/** Exponents that are computed by products and square roots. */
const HALVES: PairSetting[] = [0, 0.5, 1, 1.5, 2, 2.5, 3].map((gamma) => ({
  options: { loss: "focal", gamma },
  gamma,
  units: () => 6 + 4 * gamma,
}));

const REALS: PairSetting[] = [0.3, 1.7, 5].map((gamma) => ({
  options: { loss: "focal", gamma },
  gamma,
  units: (d) => 6 + 4 * gamma * Math.max(d, 1),
}));

export const SETTINGS: PairSetting[] = [{ options: {}, gamma: 0, units: () => 6 }, ...HALVES, ...REALS];

export interface PairData {
  scores: Float32Array<ArrayBuffer>;
  pairs: Uint32Array<ArrayBuffer>;
}

/** n pairs of items drawn at random; scores reach `spread` to both sides of `center`. */
export function pairData(items: number, n: number, seed: number, spread = 6, center = 0): PairData {
  const next = random(seed);
  const scores = Float32Array.from({ length: items }, () => center + (next() + next() - 1) * spread);
  const pairs = Uint32Array.from({ length: 2 * n }, () => Math.floor(next() * items));
  return { scores, pairs };
}

/** Pairs whose differences are exact in float32 and whose slopes add up without rounding in float64. */
export function evenData(items: number, n: number, seed: number): PairData {
  const { scores, pairs } = pairData(items, n, seed, 4);
  return { scores: scores.map((x) => Math.round(x * 256) / 256), pairs };
}

/** The differences of the pairs in float64. */
export function differences({ scores, pairs }: PairData): number[] {
  return Array.from({ length: pairs.length / 2 }, (_, k) => scores[pairs[2 * k]] - scores[pairs[2 * k + 1]]);
}
