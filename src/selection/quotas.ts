/** How many of a budget each stratum may fill, and which examples do. */
import type { Ranking } from "./hardest.ts";

/** A ranking over all strata, with the stratum of each of its examples. */
export interface Allotment extends Ranking {
  readonly strata: Uint8Array<ArrayBuffer>;
}

/**
 * Shares of a budget as whole numbers that sum to it, by the largest remainder: each gets the whole part of its
 * share, and what is left goes to the largest fractions, equal ones from the first stratum on.
 */
export function wholeShares(budget: number, quotas: readonly number[]): number[] {
  const sum = quotas.reduce((a, b) => a + b);
  // The remainder of a division of float64 numbers is exact, so equal remainders are equal.
  const rests = quotas.map((quota) => (budget * quota) % sum);
  const shares = quotas.map((quota, s) => Math.round((budget * quota - rests[s]!) / sum));
  const order = rests.map((_, s) => s).sort((a, b) => rests[b]! - rests[a]! || a - b);
  let left = budget - shares.reduce((a, b) => a + b);
  for (const s of order) {
    if (left <= 0) break;
    shares[s]!++;
    left--;
  }
  return shares;
}

/** The stratum whose next example is the hardest, of those that have not come to their end. */
function hardestNext(rankings: readonly Ranking[], next: readonly number[], ends: readonly number[]): number {
  let [best, loss, index] = [-1, 0, 0];
  rankings.forEach(({ losses, indices }, s) => {
    const at = next[s]!;
    if (at >= ends[s]!) return;
    if (best >= 0 && (losses[at]! < loss || (losses[at]! === loss && indices[at]! >= index))) return;
    [best, loss, index] = [s, losses[at]!, indices[at]!];
  });
  return best;
}

/**
 * Takes its share from the ranking of each stratum, then fills what is left of the budget with the hardest of the
 * rest. No stratum can contribute more than the budget, so rankings of that length are enough.
 */
export function allot(rankings: readonly Ranking[], shares: readonly number[], budget: number): Allotment {
  const sizes = rankings.map(({ indices }) => indices.length);
  const ends = sizes.map((size, s) => Math.min(size, shares[s]!));
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b);
  const count = Math.min(budget, sum(sizes));
  for (let left = count - sum(ends); left > 0; left--) ends[hardestNext(rankings, ends, sizes)]!++;

  const indices = new Uint32Array(count);
  const losses = new Float32Array(count);
  const strata = new Uint8Array(count);
  const next = rankings.map(() => 0);
  for (let k = 0; k < count; k++) {
    const s = hardestNext(rankings, next, ends);
    const at = next[s]!++;
    indices[k] = rankings[s]!.indices[at]!;
    losses[k] = rankings[s]!.losses[at]!;
    strata[k] = s;
  }
  return { indices, losses, strata };
}
