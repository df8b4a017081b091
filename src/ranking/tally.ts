import { addDigits, DIGITS, read } from "../stream/exact-sum.ts";
import { type Row, readRows, toRow } from "../stream/rows.ts";
import { addCounts, join, revive, split } from "../stream/state.ts";
import { BUCKETS, Side, SUMS } from "./side.ts";

/** Buckets lie within this of 0: v / 40 with lambda at least 1e-6. */
const MOST = 65536;
/** Sums of a side. */
const ALL: number = BUCKETS * SUMS;
/** Words of a saved side: its highest bucket, from 1 on, or 0 for none; then its sums. */
const SAVED: number = 1 + ALL * DIGITS;
const EMPTY = /* @__PURE__ */ new Uint32Array(DIGITS);
/** Less than any weight in its bucket. */
const LEAST = 4.76837158203125e-7; // 2^-21

/** What DR loss needs to know of rows: integers, and nothing that depends on their order. */
export class DrTally {
  readonly classes: number;
  /** Rows that are not ignored, and positives among their entries. */
  count = 0;
  positives = 0;
  /** The negatives, then the positives. */
  readonly sides: readonly [Side, Side] = [new Side(), new Side()];

  constructor(classes: number) {
    this.classes = classes;
  }

  add(task: string, other: DrTally): void {
    this.#addCounts(task, other.count, other.positives);
    this.sides.forEach((side, i) => {
      side.add(other.sides[i]!);
    });
  }

  #addCounts(task: string, count: number, positives: number): void {
    addCounts(task, this.count * this.classes, count * this.classes);
    this.count += count;
    this.positives += positives;
  }

  words(): Uint32Array {
    const words = new Uint32Array(4 + 2 * SAVED);
    words.set([...split(this.count), ...split(this.positives)]);
    this.sides.forEach(({ top, digits }, i) => {
      words[4 + i * SAVED] = top + MOST > 0 ? top + MOST : 0;
      words.set(digits, 5 + i * SAVED);
    });
    return words;
  }

  static fromWords(classes: number, words: Uint32Array, task: string): DrTally {
    if (words.length !== 4 + 2 * SAVED) {
      throw new TypeError(`Cannot ${task}: expected ${4 + 2 * SAVED} words, got ${words.length}`);
    }
    const tally = new DrTally(classes);
    const [count, positives] = [join(task, words[0]!, words[1]!), join(task, words[2]!, words[3]!)];
    revive(() => tally.#addCounts(task, count, positives));
    tally.sides.forEach((side, i) => {
      const top = words[4 + i * SAVED]!;
      side.top = top > 0 ? top - MOST : -Infinity;
      side.digits.set(words.subarray(5 + i * SAVED, 4 + (i + 1) * SAVED));
    });
    const fault = tally.#fault();
    if (fault) throw new TypeError(`Cannot ${task}: expected ${fault}`);
    return tally;
  }

  /** What no rows can have led to. */
  #fault(): string | undefined {
    const { count, positives } = this;
    if (positives > count) return `at most ${count} positives, one for each row, got ${positives}`;
    const elements = [count * this.classes - positives, positives];
    for (const [i, { top, digits }] of this.sides.entries()) {
      const isThere = top > -MOST && top < MOST;
      if (isThere !== elements[i]! > 0 || (!isThere && digits.some((digit) => digit)))
        return `sums of ${elements[i]} elements, got sums of ${isThere ? "some" : "none or too many"}`;
      for (let k = 0; k < ALL; k += SUMS) {
        const [q, qp] = [read(digits, k * DIGITS), read(digits, (k + 1) * DIGITS)];
        const least = isThere && k === 0 ? LEAST : 0;
        if (!(q >= least && qp >= 0 && qp <= q))
          return `sums of weights and of shares of them, got ${q}, ${qp}`;
      }
    }
    return undefined;
  }

  /** A row of counts, bin 0, and one for each sum: bin 1 + 4 (bucket + 2^16) + 2 side + sum. */
  toRows(): Row[] {
    const rows = [toRow(0, this.count, this.positives, EMPTY)];
    this.sides.forEach(({ top, digits }, i) => {
      for (let k = 0; k < ALL; k++) {
        const isEmpty = !digits.subarray(k * DIGITS, (k + 1) * DIGITS).some((digit) => digit);
        const bin = 1 + 4 * (top - (k >> 1) + MOST) + 2 * i + (k & 1);
        if (!isEmpty) rows.push(toRow(bin, 0, 0, digits, k * DIGITS));
      }
    });
    return rows;
  }

  static fromRows(classes: number, rows: unknown, task: string): DrTally {
    const tally = new DrTally(classes);
    for (const { bin, count, positives, digits } of readRows(task, rows, 8 * MOST, true)) {
      tally.#addCounts(task, count, positives);
      if (bin === 0) continue;
      const side = tally.sides[((bin - 1) >> 1) & 1]!;
      const bucket = ((bin - 1) >>> 2) - MOST;
      side.raise(bucket);
      const sum = side.sum(bucket, (bin - 1) & 1);
      if (sum) addDigits(sum, digits);
    }
    const fault = tally.#fault();
    if (fault) throw new RangeError(`Cannot ${task}: expected ${fault}`);
    return tally;
  }
}
