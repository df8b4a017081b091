import { F4 } from "../lane/f32x4";
import { Exp } from "../math/exp";

/** The difference of two float32, and what is made of it, four lanes. */
export class Gap {
  /** What `gap = a - b` lost in rounding, exact where gap is finite. */
  @inline static lost(a: v128, b: v128, gap: v128): v128 {
    const back = F4.sub(gap, a);
    return F4.sub(F4.sub(a, F4.sub(gap, back)), F4.add(b, back));
  }

  /** `value` where |gap| is below 256: beyond, no exponential is between 0 and infinity. */
  @inline static near(gap: v128, value: v128): v128 {
    return F4.and(F4.lt(F4.lit(-256), F4.minusAbs(gap)), value);
  }

  /** exp(-|high + low|) for a small `low`. */
  @inline static decay(high: v128, low: v128): v128 {
    const rough = Exp.nonPositive(F4.minusAbs(high));
    return F4.sub(rough, F4.mul(rough, F4.xor(low, F4.and(high, F4.lit(-0.0)))));
  }

  /** v, at most the largest float32 and at least its negative. */
  @inline static cut(v: v128): v128 {
    const most = F4.lit(3.4028234663852886e38);
    return f32x4.pmin(most, f32x4.pmax(F4.neg(most), v));
  }

  /** Whether a gap is above the largest float32. */
  @inline static isFar(gap: v128): v128 {
    return f32x4.eq(gap, F4.lit(Infinity));
  }

  /** How far a - b is above the largest float32; 0 if it is not. */
  @inline static over(a: v128, b: v128): v128 {
    const half = F4.sub(F4.mul(a, F4.lit(0.5)), F4.mul(b, F4.lit(0.5)));
    const beyond = F4.mul(F4.sub(half, F4.lit(1.7014117331926443e38)), F4.lit(2));
    return F4.and(Gap.isFar(F4.sub(a, b)), beyond);
  }
}
