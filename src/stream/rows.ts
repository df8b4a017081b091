import { describe } from "../check.ts";
import { addDigits, DIGITS } from "./exact-sum.ts";

/**
 * One row of a state as whole numbers that fit signed 64-bit columns. Digits are below 2^32 (`w9` is signed),
 * so an engine that can add integers may sum 2^31 rows column by column, grouped by `bin`.
 */
export interface Row {
  bin: bigint;
  count: bigint;
  positives?: bigint;
  w0: bigint;
  w1: bigint;
  w2: bigint;
  w3: bigint;
  w4: bigint;
  w5: bigint;
  w6: bigint;
  w7: bigint;
  w8: bigint;
  w9: bigint;
}

type Digit = `w${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;

export function toRow(
  bin: number,
  count: number,
  positives: number | undefined,
  digits: Uint32Array,
  offset = 0,
): Row {
  const row: Record<string, bigint> = { bin: BigInt(bin), count: BigInt(count) };
  if (positives !== undefined) row.positives = BigInt(positives);
  for (let i = 0; i < DIGITS; i++) {
    const digit = digits[offset + i]!;
    row[`w${i}`] = BigInt(i === DIGITS - 1 ? digit | 0 : digit);
  }
  return row as unknown as Row;
}

function whole(task: string, name: string, value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError(`Cannot ${task}: expected ${name} as a whole number, got ${describe(value)}`);
}

function count(task: string, name: string, value: unknown): number {
  const checked = whole(task, name, value);
  if (checked < 0n || checked > 9007199254740991n) {
    throw new RangeError(`Cannot ${task}: expected ${name} in [0, 2^53), got ${checked}`);
  }
  return Number(checked);
}

/** One row of a state, checked: digits are carried into canonical form. */
export interface ReadRow {
  readonly bin: number;
  readonly count: number;
  readonly positives: number;
  readonly digits: Uint32Array;
}

function readRow(task: string, value: unknown, bins: number, hasPositives: boolean): ReadRow {
  if (value === null || typeof value !== "object") {
    throw new TypeError(`Cannot ${task}: expected rows as objects, got ${describe(value)}`);
  }
  const row = value as Row;
  const bin = whole(task, "bin", row.bin);
  if (bin < 0n || bin >= BigInt(bins)) {
    throw new RangeError(`Cannot ${task}: expected bin in [0, ${bins - 1}], got ${bin}`);
  }
  const digits = new Uint32Array(DIGITS);
  let carry = 0n;
  for (let i = 0; i < DIGITS; i++) {
    const name = `w${i}` as Digit;
    carry += whole(task, name, row[name]);
    digits[i] = Number(carry & 0xffffffffn);
    carry >>= 32n;
  }
  if (carry !== (digits[DIGITS - 1]! >>> 31 ? -1n : 0n)) {
    throw new RangeError(`Cannot ${task}: expected a sum below 2^319 units, got digits that carry out of w9`);
  }
  return {
    bin: Number(bin),
    count: count(task, "count", row.count),
    // Left out, or null as a query has it, where there are none to count.
    positives: count(task, "positives", hasPositives ? row.positives : (row.positives ?? 0n)),
    digits,
  };
}

/**
 * Reads rows in any order.
 *
 * @param hasPositives whether the state counts them, and a row without is refused
 */
export function readRows(task: string, rows: unknown, bins: number, hasPositives: boolean): ReadRow[] {
  if (!Array.isArray(rows)) {
    throw new TypeError(`Cannot ${task}: expected an array of rows, got ${describe(rows)}`);
  }
  // Not `map`, which passes over holes.
  return Array.from(rows, (row) => readRow(task, row, bins, hasPositives));
}

/** Reads rows in any order; rows of the same bin are added up. */
export function fromRows(
  task: string,
  rows: unknown,
  bins: number,
  hasPositives: boolean,
  each: (bin: number, count: number, positives: number) => void,
  digits: Uint32Array,
): void {
  for (const row of readRows(task, rows, bins, hasPositives)) {
    each(row.bin, row.count, row.positives);
    addDigits(digits.subarray(row.bin * DIGITS, (row.bin + 1) * DIGITS), row.digits);
  }
}
