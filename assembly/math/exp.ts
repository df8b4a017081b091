import { F4 } from "../lane/f32x4";

/** The exponential, four float32 lanes, and the steps it is made of. */
export class Exp {
  /**
   * e^x for x <= 0.
   *
   * Domain: [-Infinity, 0]; x < -87.33654 gives exactly 0 (no subnormals); 0 and -0 give exactly 1; NaN gives NaN.
   * Error: max 0.99 ulp over the domain (test/math.test.ts, row `expNonPositive`).
   * Method: x = n ln2 + r with |r| <= ln2/2; e^x = 2^n e^r; n by adding a magic number.
   * Source: Cody and Waite 1980, chapter 6; coefficients: tools/coefficients.ts.
   */
  @inline static nonPositive(x: v128): v128 {
    const magic = F4.lit(12583039); // 0x1.8000fep+23
    const biased = Exp.biased(x, magic);
    const p = Exp.mantissa(Exp.rest(x, F4.sub(biased, magic)));
    const below = F4.lt(x, F4.lit(-87.33654)); // -0x1.5d589ep+6
    return F4.clear(below, F4.mul(F4.pow2(biased), p));
  }

  /**
   * n = x / ln2 rounded, added to magic = 1.5 * 2^23 + bias: the sum rounds by itself, its low bits hold n + bias
   * (ready for F4.pow2), and subtracting magic again leaves n. Far below the cutoff the lanes hold anything at all.
   */
  @inline static biased(x: v128, magic: v128): v128 {
    return F4.madd(x, F4.lit(1.442695), magic); // 0x1.715476p+0
  }

  /** x - n ln2 for |n| < 256: ln2 in two parts, the first of 15 bits, so that its product and difference are exact. */
  @inline static rest(x: v128, n: v128): v128 {
    const high = F4.sub(x, F4.mul(n, F4.lit(0.69314575))); // 0x1.62e4p-1
    return F4.sub(high, F4.mul(n, F4.lit(0.0000014286068))); // 0x1.7f7d1cp-20
  }

  /**
   * e^r for |r| <= ln2/2, as 1 + (r + r^2 q(r)), deg q = 4, minimax error 2^-28. Exactly 1 at 0.
   *
   * Degree 3 would save two operations and cost 1.3 ulp. In pairs (Estrin), as r^2 is at hand anyway: the same
   * number of operations as Horner's rule with a shorter chain, 5 to 10 % faster in every engine tried.
   */
  @inline static mantissa(r: v128): v128 {
    return F4.add(Exp.above(r), F4.lit(1));
  }

  /** e^r - 1 for |r| <= ln2/2: what `mantissa` adds to 1. */
  @inline static above(r: v128): v128 {
    const rr = F4.mul(r, r);
    // 0x1.6a2448p-10, 0x1.1239fp-7, 0x1.5558f2p-5
    const high = F4.madd(F4.lit(0.001381461), rr, F4.madd(F4.lit(0.008368723), r, F4.lit(0.04166839)));
    // 0x1.555492p-3, 0x1.fffffcp-2
    const q = F4.madd(high, rr, F4.madd(F4.lit(0.16666521), r, F4.lit(0.49999994)));
    return F4.madd(q, rr, r);
  }

  /**
   * 1 - e^x for x <= 0, with a small relative error near 0 too, where it is -x.
   *
   * Domain: [-Infinity, 0]; 0 gives exactly 0, below -17.4 exactly 1; above 0 the lanes hold anything at all.
   * Error: max 0.96 ulp over the domain (test/math.test.ts, row `expComplement`).
   * Method: with e^x = 2^n e^r as above, (1 - 2^n) - 2^n (e^r - 1): the first term is exact, and 0 for small |x|.
   */
  @inline static complement(x: v128): v128 {
    const magic = F4.lit(12583039); // 0x1.8000fep+23
    const near = f32x4.pmax(x, F4.lit(-64)); // -0x1p+6
    const biased = Exp.biased(near, magic);
    const power = F4.pow2(biased);
    const above = Exp.above(Exp.rest(near, F4.sub(biased, magic)));
    return F4.sub(F4.sub(F4.lit(1), power), F4.mul(power, above));
  }

  /**
   * e^x for x <= 0 without a comparison: as `nonPositive`, but for results below 2^-126.
   *
   * Domain: [-Infinity, 0]; -87.68312 and below give exactly 0, results between that and 2^-126 are subnormal; 0 and -0
   * give exactly 1; NaN gives NaN, as it is not less than the bound.
   * Error: max 0.99 ulp down to 2^-126 (test/math.test.ts, row `expTerm`).
   * Method: n is -127 at the bound, and the power of two that has no exponent field is 0.
   */
  @inline static term(x: v128): v128 {
    const magic = F4.lit(12583039); // 0x1.8000fep+23
    const near = f32x4.pmax(x, F4.lit(-88)); // -0x1.6p+6
    const biased = Exp.biased(near, magic);
    return F4.mul(F4.pow2(biased), Exp.mantissa(Exp.rest(near, F4.sub(biased, magic))));
  }
}
