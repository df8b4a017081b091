import { Fixed } from "../lane/fixed";

/** Bits that are kept below the lowest bit of a value: with its own 24, more than a float64 has. */
const KEPT: i32 = 32;
/** And at most, so that a value still fits 64. */
const MOST: i32 = 40;

/** (high 2^64 + low) 2^place, rounded once. */
function rounded(high: u64, low: u64, place: i32): f64 {
  if (high) {
    const lead = clz(high);
    const rest = low << lead;
    low = (high << lead) | ((low >> 1) >> (63 - lead)) | u64(rest != 0);
    place += 64 - <i32>lead;
  }
  return <f64>low * reinterpret<f64>((<u64>(place + 1023)) << 52);
}

/**
 * sums[i] = values[0] + ... + values[i], each sum exact and rounded once to float64.
 *
 * Domain: n < 2^31 finite float32 values >= 0, ascending. One below 2^-102 counts as the multiple of 2^-126 that
 * `Fixed` takes it for.
 * Method: 128 bits of the sum, in units of 2^place, and whether anything lies below them. Each value is at least as
 * large as those before it, and so is its lowest bit: what lies far enough below it can only decide how a sum is
 * rounded, and for that it is enough to know that it is there.
 */
export function cumulate(n: i32, values: usize, sums: usize): void {
  let high: u64 = 0;
  let low: u64 = 0;
  let below: u64 = 0;
  let place: i32 = -126 - KEPT;
  for (let i: usize = 0; i < <usize>n; i++) {
    const bits = load<u32>(values + (i << 2)) & 0x7fffffff;
    const exponent = bits >> 23;
    let units = <i64>(bits & 0x7fffff) | (exponent ? 0x800000 : 0);
    let lowest = <i32>max<u32>(exponent, 1) - 150;
    if (lowest < -126) {
      units = Fixed.halve(units, <i64>(-126 - lowest));
      lowest = -126;
    }
    if (lowest - place > MOST) {
      const by = <u64>(lowest - KEPT - place);
      place += <i32>by;
      if (by >= 128) {
        below |= high | low;
        low = 0;
        high = 0;
      } else if (by >= 64) {
        below |= low | ((high << 1) << (127 - by));
        low = high >> (by - 64);
        high = 0;
      } else {
        below |= low << (64 - by);
        low = (low >> by) | (high << (64 - by));
        high >>= by;
      }
    }
    const more = (<u64>units) << (<u64>(lowest - place));
    low += more;
    high += u64(low < more);
    store<f64>(sums + (i << 3), rounded(high, low | u64(below != 0), place));
  }
}
