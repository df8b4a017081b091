import { F4 } from "../lane/f32x4";

/** The exponential, four float32 lanes. */
export class Exp {
  /**
   * e^x for x <= 0.
   *
   * Domain: [-Infinity, 0]; x < -87.33654 gives exactly 0 (no subnormals); 0 and -0 give exactly 1; NaN gives NaN.
   * Error: max 0.95 ulp over the domain (test/math.test.ts, row `expNonPositive`).
   * Method: x = n ln2 + r with |r| <= ln2/2; e^x = 2^n (1 + r + r^2 q(r)), deg q = 4.
   * Source: Cody and Waite 1980, chapter 6; coefficients: tools/coefficients.ts.
   */
  @inline static nonPositive(x: v128): v128 {
    return Exp.lifted(x, F4.lit(12583039.0), F4.lit(-87.33654)); // 0x1.8000fep+23, -0x1.5d589ep+6
  }

  /**
   * e^x times 2^lift for x <= 0, with magic = 1.5 * 2^23 + 127 + lift, and exactly 0 for x < cutoff.
   *
   * Adding the magic number rounds x / ln2 to an integer n and leaves n + 127 + lift in the low bits: one shift
   * makes them the exponent field. The lanes below the cutoff hold anything at all by then and are masked.
   */
  @inline static lifted(x: v128, magic: v128, cutoff: v128): v128 {
    const rounded = F4.madd(x, F4.lit(1.442695), magic); // 0x1.715476p+0
    const n = F4.sub(rounded, magic);
    const high = F4.sub(x, F4.mul(n, F4.lit(0.693145752))); // exact: 0x1.62e4p-1 has 15 bits
    const r = F4.sub(high, F4.mul(n, F4.lit(1.42860677e-6))); // 0x1.7f7d1cp-20
    let q = F4.lit(0.00138146279);
    q = F4.madd(q, r, F4.lit(0.00836871658));
    q = F4.madd(q, r, F4.lit(0.041668389));
    q = F4.madd(q, r, F4.lit(0.166665211));
    q = F4.madd(q, r, F4.lit(0.49999994));
    const p = F4.add(F4.madd(F4.mul(r, r), q, r), F4.lit(1));
    return F4.clear(F4.lt(x, cutoff), F4.mul(F4.pow2(rounded), p));
  }
}
