import { F4 } from "../lane/f32x4";
import { Exp } from "./exp";

/**
 * e^-|k v|, four float32 lanes, as good for a large |k v| as for a small one. The product is held as high + low:
 * rounding it to float32 alone would cost |k v| 2^-24 of the result.
 *
 * The factor comes as three float32: k rounded, `head`, its upper twelve bits, and `rest` = k - head.
 */
export class Scaled {
  /**
   * k v - high, for high = k v rounded.
   *
   * Domain: any v for which k v neither overflows nor falls below 2^-100; beyond it the lanes hold anything at all.
   * Error: max 2^-33 of |k v|.
   * Method: Dekker 1971, with v split by its bits.
   */
  @inline static low(head: v128, rest: v128, v: v128, high: v128): v128 {
    const upper = F4.and(v, i32x4.splat(~0xfff));
    const lower = F4.sub(v, upper);
    return F4.madd(rest, v, F4.madd(head, lower, F4.sub(F4.mul(head, upper), high)));
  }

  /** What to add to -|high|, so that it becomes -|high + low|. */
  @inline static turned(low: v128, high: v128): v128 {
    return F4.xor(low, F4.clear(high, i32x4.splat(i32.MIN_VALUE)));
  }

  /**
   * e^-|high + low|, for |low| <= 2^-16 |high|.
   *
   * Domain: any high; |high| > 87.33654 gives exactly 0, an infinite one included, whatever low is.
   * Error: max 1.1 ulp (test/math.test.ts, row `scaled`).
   * Method: as Exp.nonPositive; low joins the reduced argument.
   */
  @inline static decay(high: v128, low: v128): v128 {
    const magic = F4.lit(12583039); // 0x1.8000fep+23
    const x = F4.minusAbs(high);
    const biased = Exp.biased(x, magic);
    const r = F4.add(Exp.rest(x, F4.sub(biased, magic)), Scaled.turned(low, high));
    const below = F4.lt(x, F4.lit(-87.33654)); // -0x1.5d589ep+6
    return F4.clear(below, F4.mul(F4.pow2(biased), Exp.mantissa(r)));
  }

  /** The same times 2^32, down to |high| = 109.517, for `Power.times`. */
  @inline static lifted(high: v128, low: v128): v128 {
    const magic = F4.lit(12583071); // 0x1.80013ep+23
    const x = F4.minusAbs(high);
    const biased = Exp.biased(x, magic);
    const r = F4.add(Exp.rest(x, F4.sub(biased, magic)), Scaled.turned(low, high));
    const below = F4.lt(x, F4.lit(-109.51725)); // -0x1.b611aap+6
    return F4.clear(below, F4.mul(F4.pow2(biased), Exp.mantissa(r)));
  }
}
