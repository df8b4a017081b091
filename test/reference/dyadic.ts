/** A float64 as an exact fraction: `top / 2 ** shift`, with `shift` at least 0. */
export interface Dyadic {
  top: bigint;
  shift: number;
}

const cell: DataView = new DataView(new ArrayBuffer(8));

/** The exact value of a finite float64 (every float32 is one). */
export function exactly(value: number): Dyadic {
  cell.setFloat64(0, value);
  const word = cell.getBigUint64(0);
  const field = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const magnitude = field === 0 ? fraction : fraction | 0x10000000000000n;
  const exponent = (field === 0 ? 1 : field) - 1075;
  const top = word >> 63n ? -magnitude : magnitude;
  return exponent >= 0 ? { top: top << BigInt(exponent), shift: 0 } : { top, shift: -exponent };
}

/** Drops common factors of two, so that a shared scale stays small. */
export function lowest({ top, shift }: Dyadic): Dyadic {
  let [t, s] = [top, shift];
  if (t === 0n) return { top: 0n, shift: 0 };
  while (s >= 32 && (t & 0xffffffffn) === 0n) [t, s] = [t >> 32n, s - 32];
  while (s > 0 && (t & 1n) === 0n) [t, s] = [t >> 1n, s - 1];
  return { top: t, shift: s };
}

/** The same number in units of `2 ** -scale`; the scale must be fine enough. */
export function inUnits({ top, shift }: Dyadic, scale: number): bigint {
  if (scale < shift)
    throw new RangeError(`Cannot express a fraction: expected scale >= ${shift}, got ${scale}`);
  return top << BigInt(scale - shift);
}

/** The quotient of two non-negative integers, rounded to f64 with an error far below its last place. */
export function quotient(a: bigint, b: bigint): number {
  if (a === 0n) return 0;
  const lift = 128 - (a.toString(2).length - b.toString(2).length);
  const scaled = lift >= 0 ? (a << BigInt(lift)) / b : a / (b << BigInt(-lift));
  return Number(scaled) * 2 ** -lift;
}
