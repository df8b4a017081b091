/** The sum of float32 numbers as one integer in units of 2^-126, by arbitrary-precision arithmetic. */
import { exactly } from "./dyadic.ts";

/** One float32 in units of 2^-126; what lies below the grid is rounded to nearest, ties to even. */
export function toGrid(value: number): bigint {
  const { top, shift } = exactly(value);
  const drop = BigInt(Math.max(shift - 126, 0));
  if (drop === 0n) return top << BigInt(126 - shift);
  const sign = top < 0n ? -1n : 1n;
  const magnitude = sign * top;
  const whole = magnitude >> drop;
  const rest = magnitude - (whole << drop);
  const half = 1n << (drop - 1n);
  const up = rest > half || (rest === half && (whole & 1n) === 1n);
  return sign * (up ? whole + 1n : whole);
}

/** The exact sum, in units of 2^-126. */
export function gridSum(values: Iterable<number>): bigint {
  let sum = 0n;
  for (const value of values) sum += toGrid(value);
  return sum;
}

/** An integer in units of 2^-126, rounded once to f64. */
export function fromGrid(sum: bigint): number {
  return Number(sum) * 2 ** -126;
}
