/** Two float64 lanes: the words that wide kernels are written in. No numerics of their own. */
export class F2 {
  /** The same value in both lanes. */
  @inline static lit(value: f64): v128 {
    return f64x2.splat(value);
  }
  /** The same bit pattern in both lanes. */
  @inline static bits(value: i64): v128 {
    return i64x2.splat(value);
  }
  @inline static add(a: v128, b: v128): v128 {
    return f64x2.add(a, b);
  }
  @inline static sub(a: v128, b: v128): v128 {
    return f64x2.sub(a, b);
  }
  @inline static mul(a: v128, b: v128): v128 {
    return f64x2.mul(a, b);
  }
  @inline static div(a: v128, b: v128): v128 {
    return f64x2.div(a, b);
  }
  @inline static neg(a: v128): v128 {
    return f64x2.neg(a);
  }
  @inline static abs(a: v128): v128 {
    return f64x2.abs(a);
  }
  /** a * b + c with two roundings, as in F4. */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    return f64x2.add(f64x2.mul(a, b), c);
  }
  /** max(a, 0); for a NaN it returns 0. */
  @inline static relu(a: v128): v128 {
    return f64x2.pmax(f64x2.splat(0), a);
  }
  /** Lane by lane: all ones where a < b, else all zeros; all zeros if either is NaN. */
  @inline static lt(a: v128, b: v128): v128 {
    return f64x2.lt(a, b);
  }
  /** Lane by lane: `a` where the mask has ones, `b` where it has zeros. */
  @inline static pick(mask: v128, a: v128, b: v128): v128 {
    return v128.bitselect(a, b, mask);
  }
  @inline static and(a: v128, b: v128): v128 {
    return v128.and(a, b);
  }
  @inline static or(a: v128, b: v128): v128 {
    return v128.or(a, b);
  }
  @inline static xor(a: v128, b: v128): v128 {
    return v128.xor(a, b);
  }
  /** `a` with the lanes of the mask set to +0. */
  @inline static clear(mask: v128, a: v128): v128 {
    return v128.andnot(a, mask);
  }
  /** Integer sum of the bit patterns. */
  @inline static addBits(a: v128, b: v128): v128 {
    return i64x2.add(a, b);
  }
  /** The bits above the fraction, as an integer: sign and exponent field. */
  @inline static field(a: v128): v128 {
    return i64x2.shr_u(a, 52);
  }
  /** 2^k, for a lane whose low eleven bits are k + 1023: they become the exponent field. */
  @inline static pow2(biased: v128): v128 {
    return i64x2.shl(biased, 52);
  }
  /** Lanes 0 and 1 of four float32, widened. */
  @inline static low(a: v128): v128 {
    return f64x2.promote_low_f32x4(a);
  }
  /** Lanes 2 and 3 of four float32, widened. */
  @inline static high(a: v128): v128 {
    return f64x2.promote_low_f32x4(v128.shuffle<i64>(a, a, 1, 0));
  }
  /** Two pairs rounded to four float32: `low` to lanes 0 and 1, `high` to lanes 2 and 3. */
  @inline static narrow(low: v128, high: v128): v128 {
    return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
  }
}
