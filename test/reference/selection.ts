/** Selection of hard examples by definition: sorting, and intersections over unions in whole numbers. */
import { exactly, inUnits, lowest, quotient } from "./dyadic.ts";

/** Losses descending, equal ones by ascending index; -0 equals 0. */
export function ranked(losses: ArrayLike<number>, exists: (i: number) => boolean = () => true): number[] {
  const order = Array.from({ length: losses.length }, (_, i) => i).filter(exists);
  return order.sort((a, b) => losses[b] - losses[a] || a - b);
}

/** Whether the float64 nearest to intersection / union is above iou, by whole numbers. Coordinates are multiples of 2^-20. */
export function isNear(boxes: ArrayLike<number>, a: number, b: number, iou: number): boolean {
  const isApart = (c: number): boolean =>
    boxes[4 * a + c + 2] <= boxes[4 * b + c] || boxes[4 * b + c + 2] <= boxes[4 * a + c];
  if (isApart(0) || isApart(1)) return false;
  const at = (box: number, c: number): bigint => inUnits(lowest(exactly(boxes[4 * box + c])), 20);
  const least = (x: bigint, y: bigint): bigint => (x < y ? x : y);
  const most = (x: bigint, y: bigint): bigint => (x > y ? x : y);
  const width = least(at(a, 2), at(b, 2)) - most(at(a, 0), at(b, 0));
  const height = least(at(a, 3), at(b, 3)) - most(at(a, 1), at(b, 1));
  if (width === 0n || height === 0n) return false;
  const area = (box: number): bigint => (at(box, 2) - at(box, 0)) * (at(box, 3) - at(box, 1));
  const inside = width * height;
  return quotient(inside, area(a) + area(b) - inside) > iou;
}

export interface Geometry {
  boxes: ArrayLike<number>;
  iou: number;
  groups?: ArrayLike<number> | undefined;
}

/** Greedy suppression of an order that begins with the hardest. */
export function survivors(order: readonly number[], { boxes, iou, groups }: Geometry): number[] {
  const kept: number[] = [];
  for (const i of order) {
    const same = (k: number): boolean => !groups || groups[k] === groups[i];
    if (!kept.some((k) => same(k) && isNear(boxes, k, i, iou))) kept.push(i);
  }
  return kept;
}

/**
 * The largest selection of at most `budget` survivors with at most `ratio` negatives for each positive that has the
 * fewest swaps against the plain one, found by trying every number of positives and negatives.
 */
export function balanced(
  order: readonly number[],
  budget: number,
  isPositive: (i: number) => boolean,
  ratio: number,
): number[] {
  const positives = order.filter(isPositive);
  const negatives = order.filter((i) => !isPositive(i));
  const plain = order.slice(0, budget).filter(isPositive).length;
  let best = [0, 0];
  let score = [-1, 0];
  for (let p = plain; p <= positives.length; p++) {
    for (let q = 0; q <= negatives.length && p + q <= budget; q++) {
      if (q > ratio * p) continue;
      if (p + q > score[0] || (p + q === score[0] && plain - p > score[1])) {
        best = [p, q];
        score = [p + q, plain - p];
      }
    }
  }
  const chosen = new Set([...positives.slice(0, best[0]), ...negatives.slice(0, best[1])]);
  return order.filter((i) => chosen.has(i));
}
