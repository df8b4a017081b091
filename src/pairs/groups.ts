import type { Convention } from "../ghm/average.ts";

/** The pairs of each group, one group behind the other; masked ones are in none. */
interface Grouped {
  readonly order: Uint32Array;
  /** Where each group begins in `order`, and where the last one ends. */
  readonly starts: readonly number[];
}

function group(groups: Uint32Array, mask: Uint8Array | undefined): Grouped {
  const slots = new Map<number, number>();
  const sizes: number[] = [];
  const slotOf = new Uint32Array(groups.length);
  for (let k = 0, last = -1, slot = 0; k < groups.length; k++) {
    if (mask?.[k] === 0) continue;
    const id = groups[k]!;
    if (id !== last) {
      slot = slots.get(id) ?? sizes.push(0) - 1;
      slots.set(id, slot);
      last = id;
    }
    slotOf[k] = slot;
    sizes[slot]!++;
  }
  const starts = [0];
  for (const size of sizes) starts.push(starts[starts.length - 1]! + size);
  const next = starts.slice();
  const order = new Uint32Array(groups.length);
  for (let k = 0; k < groups.length; k++) if (mask?.[k] !== 0) order[next[slotOf[k]!]!++] = k;
  return { order, starts };
}

/**
 * The weight beta = pairs of the group / density of each pair, where the density is that of its group: O(1) for a pair
 * and for a group, whatever the number of regions.
 *
 * @param regions the unit region of each pair; `weights`, one for each pair, takes the result: 0 for a masked one
 */
export function groupWeights(
  groups: Uint32Array,
  mask: Uint8Array | undefined,
  regions: Uint8Array,
  bins: number,
  convention: Convention,
): Float32Array {
  const { order, starts } = group(groups, mask);
  const weights = new Float32Array(groups.length);
  const counts = new Uint32Array(bins);
  for (let slot = 1, from = 0; slot < starts.length; slot++) {
    const end = starts[slot]!;
    let occupied = 0;
    for (let i = from; i < end; i++) if (counts[regions[order[i]!]!]!++ === 0) occupied++;
    const divisor = convention === "paper" ? bins : occupied;
    for (let i = from; i < end; i++) {
      const k = order[i]!;
      weights[k] = (end - from) / (divisor * counts[regions[k]!]!);
    }
    for (let i = from; i < end; i++) counts[regions[order[i]!]!] = 0;
    from = end;
  }
  return weights;
}
