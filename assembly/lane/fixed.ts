/**
 * Exact sums: one signed integer of ten 32-bit digits, in units of 2^-126, held as ten i64 words.
 *
 * Canonical form: words 0 to 8 in [0, 2^32), word 9 signed, so that equal sums have equal words. Between
 * two calls of `carry` a word may hold more; i64 leaves room for 2^29 additions.
 * Range: 2^53 elements of any finite float32. A float32 of 2^-102 and above is a whole number of units; a
 * smaller one is rounded to the grid by itself, ties to even.
 */
export class Fixed {
  /** Adds `value` times 2^(32 word + shift) units, 0 <= shift < 32; every word changes by less than 2^33. */
  @inline static add(words: usize, value: i64, word: usize, shift: i64): void {
    const at = words + (word << 3);
    const low = (value & 0xffffffff) << shift;
    const high = (value >> 32) << shift;
    store<i64>(at, load<i64>(at) + (low & 0xffffffff));
    store<i64>(at + 8, load<i64>(at + 8) + <i64>(<u64>low >> 32) + (high & 0xffffffff));
    store<i64>(at + 16, load<i64>(at + 16) + (high >> 32));
  }

  /** Adds one finite float32 of any size: its significand is already an integer. */
  static deposit(words: usize, value: f32): void {
    const bits = reinterpret<u32>(value);
    const exponent = (bits >> 23) & 0xff;
    let significand = <i64>(bits & 0x7fffff) | (exponent ? 0x800000 : 0);
    let shift = <i32>max<u32>(exponent, 1) - 24;
    if (shift < 0) {
      significand = Fixed.halve(significand, <i64>-shift);
      shift = 0;
    }
    Fixed.add(words, bits >> 31 ? -significand : significand, <usize>(shift >> 5), <i64>(shift & 31));
    Fixed.carry(words);
  }

  /** value / 2^shift for value >= 0, to the nearest integer, ties to even. */
  @inline static halve(value: i64, shift: i64): i64 {
    const half: i64 = ((<i64>1) << (shift - 1)) - 1;
    return (value + half + ((value >> shift) & 1)) >> shift;
  }

  /** Brings the words into canonical form. */
  static carry(words: usize): void {
    for (let i: usize = 0; i < 72; i += 8) {
      const word = load<i64>(words + i);
      store<i64>(words + i, word & 0xffffffff);
      store<i64>(words + i + 8, load<i64>(words + i + 8) + (word >> 32));
    }
  }

  /** The integer times 2^-126 as a float64, rounded once, ties to even. Leaves the words canonical. */
  static read(words: usize): f64 {
    Fixed.carry(words);
    const negative = load<i64>(words + 72) < 0;
    if (negative) Fixed.negate(words);
    let top: i32 = 9;
    while (top > 0 && !load<i64>(words + ((<usize>top) << 3))) top--;
    // 64 leading bits, the last of them set if anything below it is: rounding those to 53 rounds the whole.
    let high = (Fixed.digit(words, top) << 32) | Fixed.digit(words, top - 1);
    const low = Fixed.digit(words, top - 2) << 32;
    const lead = clz(high);
    if (high) {
      high = (high << lead) | (lead ? low >> (64 - lead) : 0);
      let rest = low << lead;
      for (let i = top - 3; i >= 0; i--) rest |= Fixed.digit(words, i);
      if (rest) high |= 1;
    }
    const value = <f64>high * reinterpret<f64>((<u64>(32 * (top - 1) - <i32>lead - 126 + 1023)) << 52);
    if (negative) Fixed.negate(words);
    return negative ? -value : value;
  }

  @inline static digit(words: usize, index: i32): u64 {
    return index < 0 ? 0 : load<u64>(words + ((<usize>max(index, 0)) << 3));
  }

  static negate(words: usize): void {
    for (let i: usize = 0; i < 80; i += 8) store<i64>(words + i, -load<i64>(words + i));
    Fixed.carry(words);
  }
}
