import { at, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";

/** Digits of an exact sum: a two's complement integer of ten 32-bit digits in units of 2^-126, lowest first. */
export const DIGITS = 10;
const BASE = 4294967296;

/** Empties the sum in the arena. */
export function clear(address: number, count = 1): void {
  views().f64.fill(0, address >>> 3, (address >>> 3) + count);
}

/** Adds the digits at `address` (one i64 word each, canonical) to `digits` from `offset` on. */
export function collect(address: number, digits: Uint32Array, offset = 0): void {
  const { u32 } = views();
  let carry = 0;
  for (let i = 0; i < DIGITS; i++) {
    const sum = digits[offset + i]! + u32[(address >>> 2) + 2 * i]! + carry;
    carry = sum >= BASE ? 1 : 0;
    digits[offset + i] = sum;
  }
}

/** Adds one number of ten digits to another; a carry out of the last digit is the two's complement wrap. */
export function addDigits(to: Uint32Array, from: Uint32Array, offset = 0): void {
  let carry = 0;
  for (let i = offset; i < offset + DIGITS; i++) {
    const sum = to[i]! + from[i]! + carry;
    carry = sum >= BASE ? 1 : 0;
    to[i] = sum;
  }
}

/** The sum as a float64, rounded once. */
export function read(digits: Uint32Array, offset = 0): number {
  const { u32 } = views();
  const sign = digits[offset + DIGITS - 1]! >>> 31 ? 0xffffffff : 0;
  for (let i = 0; i < DIGITS; i++) {
    u32[(at.words >>> 2) + 2 * i] = digits[offset + i]!;
    u32[(at.words >>> 2) + 2 * i + 1] = i === DIGITS - 1 ? sign : 0;
  }
  return kernel.total(at.words);
}
