import { at, CHUNK, reserve } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import { admit, floorOf, TABLE } from "./chunk.ts";
import { Hardest, isFull, type Ranking, ranked } from "./hardest.ts";

/** The hardest `budget` of one batch. */
export function hardestOf(
  task: string,
  losses: Float32Array,
  mask: Uint8Array | undefined,
  budget: number,
): Ranking {
  const n = losses.length;
  const most = Math.min(budget, n);
  const enter = (from: number): number => admit(task, losses, mask, from);
  if (n > CHUNK) {
    const hardest = new Hardest(most, floorOf(most, n, enter));
    hardest.add(task, losses, mask, 0);
    return hardest.ranking();
  }
  // All of it is in the arena, and need not leave before it is ranked.
  enter(0);
  const above = floorOf(most, n, () => n);
  const [table, pairs, spare] = reserve([TABLE, n * 8, n * 8]) as [number, number, number];
  let count = kernel.gather(n, at.x, 0, above, most, pairs, table);
  if (isFull(count, most)) {
    kernel.cutPairs(count, pairs, most, spare, table);
    count = most;
  }
  return ranked(count, most);
}
