/**
 * Real numbers as integers in units of 2^-160: enough to fit and to judge float64 functions.
 *
 * Everything is + - * and shifts of BigInt, so the digits are the same on every engine.
 */
export type Fixed = bigint;

const BITS = 160n;
export const ONE: Fixed = 1n << BITS;

export function mul(a: Fixed, b: Fixed): Fixed {
  return (a * b) >> BITS;
}

export function div(a: Fixed, b: Fixed): Fixed {
  return (a << BITS) / b;
}

export function abs(a: Fixed): Fixed {
  return a < 0n ? -a : a;
}

/** A finite float64 as integer times 2^exponent, exactly. */
export function parts(value: number): { integer: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const field = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const integer = field === 0 ? fraction : fraction | 0x10000000000000n;
  return { integer: value < 0 ? -integer : integer, exponent: Math.max(field, 1) - 1075 };
}

/** value times 2^shift; bits below 2^-160 are cut off. */
export function fixed(value: number, shift: number = 0): Fixed {
  const { integer, exponent } = parts(value);
  const places = BITS + BigInt(exponent + shift);
  return places >= 0n ? integer << places : integer >> -places;
}

/** a / b of two finite float64. */
export function ratio(a: number, b: number): Fixed {
  const over = parts(a);
  const under = parts(b);
  const places = BITS + BigInt(over.exponent - under.exponent);
  return places >= 0n ? (over.integer << places) / under.integer : over.integer / (under.integer << -places);
}

/** The nearest float64. */
export function number(a: Fixed): number {
  return Number(a) / 2 ** Number(BITS);
}

/** The sum of coefficient(k) x^k, k = 0, 1, 2, ..., for a shrinking series. */
export function series(x: Fixed, coefficient: (k: bigint) => Fixed): Fixed {
  let sum = 0n;
  let power = ONE;
  for (let k = 0n; power !== 0n && power !== -1n; k++) {
    sum += mul(power, coefficient(k));
    power = mul(power, x);
  }
  return sum;
}

/** (e^x less the first `skip` terms of its Taylor series) / x^skip, for small |x|; e^x itself with skip = 0. */
export function exp(x: Fixed, skip: number = 0): Fixed {
  let term = ONE;
  for (let k = 2n; k <= skip; k++) term /= k;
  let sum = 0n;
  for (let k = BigInt(skip) + 1n; term !== 0n && term !== -1n; k++) {
    sum += term;
    term = mul(term, x) / k;
  }
  return sum;
}

/** atanh(s) / s for w = s^2. */
export function atanhRatio(w: Fixed): Fixed {
  return series(w, (k) => ONE / (2n * k + 1n));
}

export const LN2: Fixed = div(2n * atanhRatio(ONE / 9n), 3n * ONE);

/** s atan(1/s) for s^2 = 1 / w. */
function atanRatio(w: Fixed): Fixed {
  return series(w, (k) => (k % 2n === 0n ? ONE : -ONE) / (2n * k + 1n));
}

/** Machin: pi = 16 atan(1/5) - 4 atan(1/239). */
export const PI: Fixed = (16n * atanRatio(ONE / 25n)) / 5n - (4n * atanRatio(ONE / 57121n)) / 239n;
