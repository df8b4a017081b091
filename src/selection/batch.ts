import { Hardest, type Ranking } from "./hardest.ts";
import { integers } from "./random.ts";

/** A batch of fewer examples is selected from as it is; and so many of a larger one are looked at first. */
const LARGE = 2 ** 16;
const PILOT = 2048;

/**
 * A key that the hardest `budget` of a batch very likely reach: of one example at random out of each of 2048 equal
 * parts, that of the one whose rank is four standard deviations beyond that of the budget. None where it would not pay.
 */
function pilot(
  task: string,
  losses: Float32Array,
  mask: Uint8Array | undefined,
  budget: number,
): number | undefined {
  const n = losses.length;
  if (n < LARGE || budget === 0 || 8 * budget > n) return undefined;
  const next = integers(n);
  const part = n / PILOT;
  const sample = new Float32Array(PILOT);
  const valid = new Uint8Array(PILOT);
  for (let i = 0; i < PILOT; i++) {
    const at = Math.floor((i + next() / 4294967296) * part);
    const loss = losses[at]!;
    // Values outside the domain are found, and named, in the pass over all.
    if (!Number.isFinite(loss) || (mask && mask[at] === 0)) continue;
    sample[i] = loss;
    valid[i] = 1;
  }
  const expected = budget / part;
  const rank = Math.ceil(expected + 4 * Math.sqrt(expected) + 4);
  const hardest = new Hardest(rank);
  hardest.add(task, sample, valid, 0);
  return hardest.least();
}

/** The hardest `budget` of one batch. */
export function hardestOf(
  task: string,
  losses: Float32Array,
  mask: Uint8Array | undefined,
  budget: number,
): Ranking {
  const most = Math.min(budget, losses.length);
  const key = pilot(task, losses, mask, most);
  let hardest = new Hardest(most, key === undefined ? undefined : key - 1);
  hardest.add(task, losses, mask, 0);
  if (key !== undefined && hardest.held < most) {
    hardest = new Hardest(most);
    hardest.add(task, losses, mask, 0);
  }
  return hardest.ranking();
}
