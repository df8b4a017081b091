/** Four float32 lanes: the words that kernels are written in. No numerics of their own. */
export class F4 {
  /** The same value in every lane. */
  @inline static lit(value: f32): v128 {
    return f32x4.splat(value);
  }
  @inline static add(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
  @inline static sub(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
  @inline static mul(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
  @inline static div(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
  @inline static sqrt(a: v128): v128 {
    return f32x4.sqrt(a);
  }
  @inline static neg(a: v128): v128 {
    return f32x4.neg(a);
  }
  @inline static abs(a: v128): v128 {
    return f32x4.abs(a);
  }
  /** -|a| in one instruction: engines without a constant at hand make `abs` and `neg` out of three each on x86. */
  @inline static minusAbs(a: v128): v128 {
    return v128.or(a, f32x4.splat(-0.0));
  }
  /** a * b + c with two roundings: strict SIMD has no fused form, and fusing would change bits between engines. */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    return f32x4.add(f32x4.mul(a, b), c);
  }
  /** max(a, 0). `pmax` is one instruction on x86; for a NaN it returns 0. */
  @inline static relu(a: v128): v128 {
    return f32x4.pmax(f32x4.splat(0), a);
  }
  /** Lane by lane: `a` where the mask has ones, `b` where it has zeros. */
  @inline static pick(mask: v128, a: v128, b: v128): v128 {
    return v128.bitselect(a, b, mask);
  }
  /** Lane by lane: all ones where a < b, else all zeros; all zeros if either is NaN. */
  @inline static lt(a: v128, b: v128): v128 {
    return f32x4.lt(a, b);
  }
  /** All ones where the sign bit is set, else all zeros. Needs no constant. */
  @inline static signs(a: v128): v128 {
    return i32x4.shr_s(a, 31);
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
  /** 2^k, for a lane whose low eight bits are k + 127: they become the exponent field. */
  @inline static pow2(biased: v128): v128 {
    return i32x4.shl(biased, 23);
  }
}
