import { array, describe, integer } from "../check.ts";
import { MOST } from "./hardest.ts";

export type Groups = Int32Array | Uint32Array | Uint16Array | Uint8Array;

const GROUPS = ["Int32Array", "Uint32Array", "Uint16Array", "Uint8Array"];

export function checkLosses(task: string, name: string, losses: unknown): asserts losses is Float32Array {
  array<Float32Array>(task, name, losses, ["Float32Array"]);
}

/** Throws unless there are `n` of something. */
export function checkLength(task: string, what: string, got: number, n: number, each = "loss"): void {
  if (got !== n)
    throw new RangeError(`Cannot ${task}: expected ${n} ${what}, one for each ${each}, got ${got}`);
}

/** Throws unless `bytes` is undefined or has one byte for each loss. */
export function checkBytes(task: string, name: string, bytes: unknown, n: number): void {
  if (bytes === undefined) return;
  array<Uint8Array>(task, name, bytes, ["Uint8Array"]);
  checkLength(task, `bytes of ${name}`, bytes.length, n);
}

export function checkGroups(task: string, groups: unknown, n: number): void {
  if (groups === undefined) return;
  array<Groups>(task, "groups", groups, GROUPS);
  checkLength(task, "groups", groups.length, n);
}

/** Throws unless there is one value to group by for each loss. */
export function checkKey(task: string, key: unknown, n: number): asserts key is Float32Array {
  array<Float32Array>(task, "key", key, ["Float32Array"]);
  checkLength(task, "values of key", key.length, n);
}

/** How many examples to select of n. */
export function checkBudget(task: string, value: unknown, n: number): number {
  if (value === undefined) {
    throw new TypeError(`Cannot ${task}: expected budget as a whole number, got ${describe(value)}`);
  }
  const budget = Math.min(integer(task, "budget", value, 0, Number.MAX_SAFE_INTEGER), n);
  if (budget > MOST) {
    throw new RangeError(`Cannot ${task}: expected at most ${MOST} examples to select, got ${budget}`);
  }
  return budget;
}

/** Throws for the first box, of those that the mask leaves, that is none. */
export function checkBoxes(task: string, boxes: unknown, mask: Uint8Array | undefined, n: number): void {
  if (boxes === undefined) return;
  array<Float32Array>(task, "boxes", boxes, ["Float32Array"]);
  if (boxes.length !== 4 * n) {
    throw new RangeError(
      `Cannot ${task}: expected ${4 * n} coordinates, four for each loss, got ${boxes.length}`,
    );
  }
  if (n > MOST) throw new RangeError(`Cannot ${task}: expected at most ${MOST} boxes, got ${n}`);
  for (let i = 0; i < n; i++) {
    if (mask && mask[i] === 0) continue;
    const width = boxes[4 * i + 2]! - boxes[4 * i]!;
    const height = boxes[4 * i + 3]! - boxes[4 * i + 1]!;
    if (width >= 0 && height >= 0 && width < Infinity && height < Infinity) continue;
    const box = Array.from(boxes.subarray(4 * i, 4 * i + 4)).join(", ");
    throw new RangeError(
      `Cannot ${task}: expected finite boxes x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, got ${box} at index ${i}`,
    );
  }
}
