/** Losses of pairs in f64, from the definitions: one term for each pair, gradients summed item by item. */
import { sigmoid, softplus } from "./logistic.ts";

export interface PairTruth {
  loss: number;
  /** d loss / d score of the other item; the preferred one has its negative. */
  slope: number;
}

/** -log p of p = sigmoid(d), times (1 - p)^gamma: gamma = 0 is BPR. */
export function pairTruth(preferred: number, other: number, gamma = 0): PairTruth {
  const d = preferred - other;
  const fade = gamma === 0 ? 1 : Math.exp(-gamma * softplus(d));
  const slope = fade === 0 ? 0 : fade * (sigmoid(-d) + gamma * sigmoid(d) * softplus(-d));
  return { loss: fade * softplus(-d), slope };
}

/** Gradients of the items from slopes of the pairs, and the sum of the sizes that each is made of. */
export function gathered(
  items: number,
  pairs: ArrayLike<number>,
  slopes: ArrayLike<number>,
): { grad: number[]; size: number[] } {
  const grad = new Array<number>(items).fill(0);
  const size = new Array<number>(items).fill(0);
  for (let k = 0; k < slopes.length; k++) {
    grad[pairs[2 * k]] -= slopes[k];
    grad[pairs[2 * k + 1]] += slopes[k];
    size[pairs[2 * k]] += Math.abs(slopes[k]);
    size[pairs[2 * k + 1]] += Math.abs(slopes[k]);
  }
  return { grad, size };
}

export interface Harmonized {
  /** Weight of each pair: pairs of its group / density at its norm. */
  beta: number[];
  /** Norm of each pair. */
  g: number[];
}

/**
 * Weights by unit regions, counted pair by pair against all others of the group. "paper": GD = bins R, the region of
 * g being floor(g bins); "mmdet": GD = R times the regions that the group occupies.
 */
export function harmonizedPairs(
  d: readonly number[],
  groups: ArrayLike<number>,
  bins: number,
  convention: "paper" | "mmdet",
): Harmonized {
  const g = d.map((v) => sigmoid(-v));
  const region = g.map((v) => Math.min(Math.floor(v * bins), bins - 1));
  const beta = d.map((_, i) => {
    const own = d.map((_, k) => k).filter((k) => groups[k] === groups[i]);
    const alike = own.filter((k) => region[k] === region[i]).length;
    const divisor = convention === "paper" ? bins : new Set(own.map((k) => region[k])).size;
    return own.length / (divisor * alike);
  });
  return { beta, g };
}
