import { Fixed } from "../lane/fixed";

/** Running sums of ascending values, each of them exact and rounded once. */
class Running {
  /**
   * Whether sums of up to n values fit two float64 with nothing lost: from the last bit of the smallest to the first
   * bit of the largest sum there may be 105 bits, and no value may be below the grid of exact sums.
   */
  static fits(n: i32, values: usize): bool {
    let least: u32 = 0;
    const end = values + ((<usize>n) << 2);
    for (let at = values; at < end && !least; at += 4) least = load<u32>(at) & 0x7fffffff;
    const most = load<u32>(end - 4);
    return !least || (least >> 23 >= 25 && (most >> 23) - (least >> 23) <= 48);
  }

  static pairs(n: i32, values: usize, sums: usize): void {
    let high: f64 = 0;
    let low: f64 = 0;
    for (let i: usize = 0; i < <usize>n; i++) {
      const value = <f64>load<f32>(values + (i << 2));
      const sum = high + value;
      const part = sum - high;
      const rest = low + (high - (sum - part) + (value - part));
      high = sum + rest;
      low = rest - (high - sum);
      store<f64>(sums + (i << 3), high);
    }
  }

  static words(n: i32, values: usize, sums: usize, words: usize): void {
    memory.fill(words, 0, 80);
    for (let i: usize = 0; i < <usize>n; i++) {
      Fixed.deposit(words, load<f32>(values + (i << 2)));
      store<f64>(sums + (i << 3), Fixed.read(words));
    }
  }
}

/**
 * sums[i] = values[0] + ... + values[i], each sum exact and rounded once to float64.
 *
 * Domain: n > 0 finite float32 values >= 0, ascending. `words` holds 80 bytes.
 * Method: two float64 where 105 bits hold every sum, else fixed point; which of them changes no bit.
 */
export function cumulate(n: i32, values: usize, sums: usize, words: usize): void {
  if (Running.fits(n, values)) Running.pairs(n, values, sums);
  else Running.words(n, values, sums, words);
}
