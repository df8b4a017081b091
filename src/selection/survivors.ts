import { reserve, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import type { Groups } from "./arguments.ts";
import { hardestOf } from "./batch.ts";
import type { Ranking } from "./hardest.ts";

/** What suppression goes by. */
export interface Geometry {
  /** x1, y1, x2, y2 of each example. */
  readonly boxes: Float32Array;
  readonly iou: number;
  /** Boxes of different groups do not suppress each other. */
  readonly groups: Groups | undefined;
}

/** How many survivors are enough: the hardest `most`, and of the positives the hardest `needed`. */
export interface Enough {
  readonly most: number;
  readonly positives: Uint8Array | undefined;
  readonly needed: number;
}

/** Places in a ranking, by group. */
function placesByGroup(indices: Uint32Array, groups: Groups | undefined): Iterable<ArrayLike<number>> {
  if (!groups) return [Array.from(indices.keys())];
  const places = new Map<number, number[]>();
  indices.forEach((index, place) => {
    const group = groups[index]!;
    const own = places.get(group);
    if (own) own.push(place);
    else places.set(group, [place]);
  });
  return places.values();
}

/** Suppresses within one group, and marks in `kept` the places in the ranking that stay. */
function suppressGroup(
  places: ArrayLike<number>,
  indices: Uint32Array,
  { boxes, iou }: Geometry,
  { most, positives, needed }: Enough,
  kept: Uint8Array,
): void {
  const n = places.length;
  const [from, flags, room, out] = reserve([n * 16, n, n * 16, n]) as [number, number, number, number];
  const { f32, u8 } = views();
  for (let k = 0; k < n; k++) {
    const i = indices[places[k]!]!;
    for (let c = 0; c < 4; c++) f32[(from >>> 2) + 4 * k + c] = boxes[4 * i + c]!;
    if (positives) u8[flags + k] = positives[i]!;
  }
  kernel.suppress(n, from, positives ? flags : 0, iou, most, needed, room, out);
  for (let k = 0; k < n; k++) kept[places[k]!] = u8[out + k]!;
}

function survivorsOf(ranking: Ranking, geometry: Geometry, enough: Enough): Ranking {
  const { indices, losses } = ranking;
  const kept = new Uint8Array(indices.length);
  for (const places of placesByGroup(indices, geometry.groups)) {
    suppressGroup(places, indices, geometry, enough, kept);
  }
  return {
    indices: indices.filter((_, place) => kept[place] !== 0),
    losses: losses.filter((_, place) => kept[place] !== 0),
  };
}

function isEnough(survivors: Ranking, { most, positives, needed }: Enough): boolean {
  if (survivors.indices.length < most) return false;
  let count = 0;
  if (positives) for (const i of survivors.indices) count += positives[i] ? 1 : 0;
  return count >= needed;
}

/**
 * The survivors of greedy suppression, from the hardest on, at least until there are enough.
 *
 * Whether an example survives depends on harder ones alone. So the hardest few are ranked and suppressed first, and
 * more of them only where too few survive.
 */
export function survivors(
  task: string,
  losses: Float32Array,
  mask: Uint8Array | undefined,
  geometry: Geometry,
  enough: Enough,
): Ranking {
  const n = losses.length;
  for (let take = 4 * enough.most + 64; ; take *= 4) {
    const ranking = hardestOf(task, losses, mask, take > n / 4 ? n : take);
    const found = survivorsOf(ranking, geometry, enough);
    if (ranking.indices.length < take || take > n / 4 || isEnough(found, enough)) return found;
  }
}
