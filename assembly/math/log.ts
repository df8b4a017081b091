import { F4 } from "../lane/f32x4";
import { Log1p } from "./log1p";

/**
 * The logarithm of y in (0, 1] when 1 - y is known as well, four float32 lanes. Near y = 1 the logarithm is as small
 * as 1 - y, which y itself has lost.
 *
 * log(y) = -octaves(y) + log1p(rest(y, 1 - y)): two parts, so that a kernel can share one `Log1p.unit` among lanes
 * that need it for different things.
 */
export class Log {
  /** The bit pattern moved so that its exponent field steps at sqrt(1/2), where y = 2^k m with m in [sqrt(1/2), sqrt(2)). */
  @inline static moved(y: v128): v128 {
    return i32x4.add(y, i32x4.splat(0x4afb0d)); // bits of 1 less those of sqrt(1/2)
  }

  /** -k ln2 >= 0. */
  @inline static octaves(y: v128): v128 {
    const k = i32x4.sub(i32x4.splat(127), i32x4.shr_s(Log.moved(y), 23));
    return F4.mul(f32x4.convert_i32x4_s(k), F4.lit(0.6931472)); // 0x1.62e43p-1
  }

  /** k, for any y >= 0: -127 for 0. */
  @inline static exponent(y: v128): v128 {
    return f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(Log.moved(y), 23), i32x4.splat(127)));
  }

  /** m - 1, in [sqrt(1/2) - 1, sqrt(2) - 1), exact; 0 for 0. */
  @inline static fraction(y: v128): v128 {
    const m = i32x4.add(F4.and(Log.moved(y), i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
    return F4.sub(m, F4.lit(1));
  }

  /** The same for y in (0, 1]: -complement for k = 0. */
  @inline static rest(y: v128, complement: v128): v128 {
    const near = F4.lt(F4.lit(0.70710677), y); // 0x1.6a09e6p-1, above it k = 0
    return F4.pick(near, F4.neg(complement), Log.fraction(y));
  }

  /**
   * -log(y).
   *
   * Domain: y in [2^-126, 1] and complement = 1 - y; 1 gives exactly 0; 0 gives 88.0 and no NaN.
   * Error: max 1.07 ulp, near 1 too, for the given complement (test/math.test.ts, row `negLog`).
   * Method: y = 2^k m; k ln2 and the atanh series of `Log1p.unit`, which holds for m - 1 in [-0.3, 0] as well.
   */
  @inline static negative(y: v128, complement: v128): v128 {
    return F4.sub(Log.octaves(y), Log1p.unit(Log.rest(y, complement)));
  }
}
