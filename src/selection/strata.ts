/** Strata of examples, and how many of a budget each may fill. */

/** Strata of a stratified selection. */
export const STRATA = 4;
/** The stratum of an example that does not exist. */
export const NONE = 255;

/** The stratum of a value: the number of cuts at or below it, so strata are half open, the last one closed. */
export function stratumOf(value: number, cuts: readonly number[]): number {
  let stratum = 0;
  for (const cut of cuts) if (value >= cut) stratum++;
  return stratum;
}

/**
 * Shares of a budget as whole numbers that sum to it, by the largest remainder: each gets the whole part of its
 * share, and what is left goes to the largest fractions, equal ones from the first stratum on.
 */
export function wholeShares(budget: number, quotas: readonly number[]): number[] {
  const sum = quotas.reduce((a, b) => a + b);
  const exact = quotas.map((quota) => (budget * quota) / sum);
  const shares = exact.map(Math.floor);
  const order = exact
    .map((_, s) => s)
    .sort((a, b) => exact[b]! - shares[b]! - (exact[a]! - shares[a]!) || a - b);
  let left = budget - shares.reduce((a, b) => a + b);
  for (const s of order) {
    if (left <= 0) break;
    shares[s]!++;
    left--;
  }
  return shares;
}
