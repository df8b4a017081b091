/** Relative errors of float64 functions, judged in 160-bit fixed point. */
import {
  abs,
  atanhRatio,
  div,
  exp,
  type Fixed,
  fixed,
  LN2,
  mul,
  number,
  ONE,
  parts,
  ratio,
} from "../../tools/fixed.ts";

function off(got: Fixed, truth: Fixed): number {
  return number(abs(div(got - truth, truth)));
}

/** Relative error of y as e^x. */
export function expError(x: number, y: number): number {
  const n = Math.round(x / Math.LN2);
  return off(fixed(y, -n), exp(fixed(x) - BigInt(n) * LN2));
}

/** Relative error of y as log(1 + z), z > 0. */
export function log1pError(z: number, y: number): number {
  const under = 2n * ONE + fixed(z);
  const s = div(fixed(z), under);
  return off(ratio(y, z), mul(div(2n * ONE, under), atanhRatio(mul(s, s))));
}

/** Relative error of y as log(x), x normal. At x = 1 anything but 0 is infinitely wrong. */
export function logError(x: number, y: number): number {
  if (x === 1) return y === 0 ? 0 : Number.POSITIVE_INFINITY;
  const { integer, exponent } = parts(x);
  const above = integer > 3n << 51n;
  const m = (integer << 160n) >> (above ? 53n : 52n);
  const s = div(m - ONE, m + ONE);
  const log = BigInt(exponent + (above ? 53 : 52)) * LN2 + 2n * mul(s, atanhRatio(mul(s, s)));
  return off(fixed(y), log);
}
