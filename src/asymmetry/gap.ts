import { at } from "../arena.ts";
import type { Batch } from "../stream/batch.ts";
import { signedNorms } from "../stream/cross-entropy.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";

/**
 * How much more probability the positives of a batch are given than its negatives:
 * mean of p over the positives less mean of 1 - p over the negatives. Undefined where one of the two is missing.
 *
 * Both are 1 less the mean gradient norm g of cross-entropy, so the gap is a difference of two means of g. The sums
 * of the signed and of the unsigned g are exact and rounded once: the order of the elements does not show.
 */
export function probabilityGap(task: string, batch: Batch): number | undefined {
  let valid = 0;
  let positives = 0;
  clear(at.words, DIGITS);
  clear(at.cells, DIGITS);
  signedNorms(task, batch, (chunk) => {
    valid += chunk.valid;
    positives += chunk.positives();
    kernel.sum(chunk.size, at.grad, at.words);
    kernel.magnitudes(chunk.size, at.grad, 0, at.loss);
    kernel.sum(chunk.size, at.loss, at.cells);
  });
  const difference = kernel.total(at.words);
  const sum = kernel.total(at.cells);
  clear(at.cells, DIGITS);
  const negatives = valid - positives;
  if (positives === 0 || negatives === 0) return undefined;
  return (sum + difference) / 2 / negatives - (sum - difference) / 2 / positives;
}
