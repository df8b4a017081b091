import { F2 } from "../lane/f64x2";

/**
 * exp, log1p and log, two float64 lanes, good to 2^-40: what is computed with them and then rounded once to float32
 * is right to 0.51 ulp. Cheaper than full float64 functions by a third.
 */
export class Wide {
  /**
   * e^x for x <= 0.
   *
   * Domain: [-Infinity, 0]; x < -708.396 gives exactly 0; 0 and -0 give exactly 1; NaN gives NaN.
   * Error: max 2^-40 relative (test/math.test.ts, row `wideExp`).
   * Method: as Exp.nonPositive, deg q = 7, with ln2 in one part: n ln2 is then off by at most 2^-43.
   */
  @inline static exp(x: v128): v128 {
    const magic = F2.lit(6755399441056767); // 0x1.80000000003ffp+52
    const biased = F2.madd(x, F2.lit(1.4426950408889634), magic); // 0x1.71547652b82fep+0
    const n = F2.sub(biased, magic);
    const r = F2.sub(x, F2.mul(n, F2.lit(0.6931471805599453))); // 0x1.62e42fefa39efp-1
    const below = F2.lt(x, F2.lit(-708.3964185322641)); // -0x1.6232bdd7abcd2p+9
    return F2.clear(below, F2.mul(F2.pow2(biased), Wide.mantissa(r)));
  }

  /** e^r for |r| <= ln2/2, as 1 + (r + r^2 q(r)): the error of `exp`. Exactly 1 at 0. */
  @inline static mantissa(r: v128): v128 {
    let q = F2.lit(0.0000027493023768885797); // 0x1.71014f740ac7fp-19
    q = F2.madd(q, r, F2.lit(0.000024880820434405525)); // 0x1.a16e4f6050f9ap-16
    q = F2.madd(q, r, F2.lit(0.00019841539240670036)); // 0x1.a01b73e296c5ep-13
    q = F2.madd(q, r, F2.lit(0.001388881112469751)); // 0x1.6c163bd3092c3p-10
    q = F2.madd(q, r, F2.lit(0.008333333094940666)); // 0x1.1111108e02481p-7
    q = F2.madd(q, r, F2.lit(0.04166666696235045)); // 0x1.5555557df8c81p-5
    q = F2.madd(q, r, F2.lit(0.16666666667265623)); // 0x1.555555558a04ap-3
    q = F2.madd(q, r, F2.lit(0.4999999999966416)); // 0x1.fffffffff13acp-2
    return F2.add(F2.madd(F2.mul(r, r), q, r), F2.lit(1));
  }

  /**
   * log(1 + z) for z in [0, 1].
   *
   * Domain: [0, 1]; 0 gives exactly 0; the error is relative down to the smallest normal z.
   * Error: max 2^-40 relative (test/math.test.ts, row `wideLog1p`).
   * Method: as Log1p.unit, deg q = 6.
   */
  @inline static log1p(z: v128): v128 {
    const s = F2.div(z, F2.add(z, F2.lit(2)));
    const w = F2.mul(s, s);
    let q = F2.lit(0.20006419201744707); // 0x1.99bb414e8659p-3
    q = F2.madd(q, w, F2.lit(0.14096850056058968)); // 0x1.20b417dd6420ap-3
    q = F2.madd(q, w, F2.lit(0.18305627335970961)); // 0x1.76e6351b42bdfp-3
    q = F2.madd(q, w, F2.lit(0.22215781331976112)); // 0x1.c6faacf612f03p-3
    q = F2.madd(q, w, F2.lit(0.28571606398227967)); // 0x1.2492c07afba1ep-2
    q = F2.madd(q, w, F2.lit(0.399999976823915)); // 0x1.9999980b7019bp-2
    q = F2.madd(q, w, F2.lit(0.6666666667685632)); // 0x1.555555563568p-1
    return F2.sub(z, F2.mul(s, F2.sub(z, F2.mul(w, q))));
  }

  /**
   * log(x) for x in (0, 1].
   *
   * Domain: [2^-1022, 1]; 1 gives exactly 0; 0 gives -709.0896, the same as 2^-1023; a subnormal is undefined.
   * Error: max 2^-40 relative, near 1 too, where the logarithm goes to 0 (test/math.test.ts, row `wideLog`).
   * Method: x = 2^k m with m in [sqrt(1/2), sqrt(2)), found by moving the bits so that the exponent field steps at
   * sqrt(1/2); f = m - 1 is exact; log(x) = k ln2 + log1p(f) as above, deg q = 4.
   */
  @inline static log(x: v128): v128 {
    const moved = F2.addBits(x, F2.bits(0x95f6200000000)); // bits of 1 less those of sqrt(1/2), cut to 20 bits
    const m = F2.addBits(F2.and(moved, F2.bits(0xfffffffffffff)), F2.bits(0x3fe6a09e00000000));
    // k + 1023 is put in the fraction of 2^52, which is then taken off together with the bias.
    const high = F2.or(F2.field(moved), F2.lit(4503599627370496)); // 0x1p+52
    const k = F2.sub(high, F2.lit(4503599627371519)); // 0x1.00000000003ffp+52
    const f = F2.sub(m, F2.lit(1));
    const s = F2.div(f, F2.add(f, F2.lit(2)));
    const w = F2.mul(s, s);
    let q = F2.lit(0.19584087335823036); // 0x1.9115051259736p-3
    q = F2.madd(q, w, F2.lit(0.22176196641033463)); // 0x1.c62b2349d511cp-3
    q = F2.madd(q, w, F2.lit(0.2857210888116372)); // 0x1.249411b0e4db7p-2
    q = F2.madd(q, w, F2.lit(0.3999999562529331)); // 0x1.999996aa07f71p-2
    q = F2.madd(q, w, F2.lit(0.6666666667578832)); // 0x1.555555561debbp-1
    const l = F2.sub(f, F2.mul(s, F2.sub(f, F2.mul(w, q))));
    return F2.madd(k, F2.lit(0.6931471805599453), l); // 0x1.62e42fefa39efp-1
  }
}
