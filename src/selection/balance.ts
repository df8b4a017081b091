import type { Ranking } from "./hardest.ts";

/** How many positives a selection of `budget` needs so that the rest may be negatives. */
export function positivesNeeded(budget: number, ratio: number): number {
  let needed = Math.ceil(budget / (1 + ratio));
  // The quotient is rounded, and so is the product by which `balance` compares.
  while (needed < budget && budget - needed > ratio * needed) needed++;
  return needed;
}

/**
 * Holds a selection to `ratio` negatives for each positive: while there are more, the easiest negative makes place
 * for the hardest positive that was left out, and where there is none it goes.
 *
 * @param hardest the selection without a ratio
 * @param positives the hardest positives, those of the selection among them
 */
export function balance(
  hardest: Ranking,
  positives: Uint32Array,
  isPositive: (index: number) => boolean,
  ratio: number,
): Uint32Array<ArrayBuffer> {
  const { indices } = hardest;
  let chosen = 0;
  for (const index of indices) chosen += isPositive(index) ? 1 : 0;
  const before = chosen;
  let negatives = indices.length - chosen;
  while (negatives > ratio * chosen) {
    negatives--;
    if (chosen < positives.length) chosen++;
  }
  const balanced = new Uint32Array(negatives + chosen);
  let count = 0;
  let left = negatives;
  for (const index of indices) if (isPositive(index) || left-- > 0) balanced[count++] = index;
  // A positive that was left out is easier than all of the selection.
  balanced.set(positives.subarray(before, chosen), count);
  return balanced;
}
