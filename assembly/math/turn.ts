import { F2 } from "../lane/f64x2";

/**
 * Sine and cosine, two float64 lanes, good to 2^-43: rounded once to float32 they are right to 0.501 ulp.
 *
 * Domain: float32 values, widened, with |x| <= 3.1415927, the float32 next to pi; 0 gives exactly 0 and 1.
 * Error: max 0.501 ulp of float32 after that rounding (test/turn.test.ts); no two engines differ.
 * Method: x = n pi/2 + r, |r| <= pi/4, with pi/2 in two parts; r + r^3 p(r^2) and 1 - r^2/2 + r^4 q(r^2), both
 * of degree 4; n, which a magic number leaves in the low bits, says which of the two, and its sign.
 */
export class Turn {
  /** n, the whole number next to x / (pi/2), as the low bits of n + 1.5 2^52. */
  @inline static quarters(x: v128): v128 {
    const scaled = F2.mul(x, F2.lit(0.6366197723675814)); // 0x1.45f306dc9c883p-1
    return F2.add(scaled, F2.lit(6755399441055744)); // 0x1.8p+52
  }

  @inline static whole(quarters: v128): v128 {
    return F2.sub(quarters, F2.lit(6755399441055744)); // 0x1.8p+52
  }

  /** x - n pi/2, for a whole n. The first product is exact, for |n| <= 2, and so is its difference to x. */
  @inline static rest(x: v128, n: v128): v128 {
    const coarse = F2.sub(x, F2.mul(n, F2.lit(1.5707963267948966))); // 0x1.921fb54442d18p+0
    return F2.sub(coarse, F2.mul(n, F2.lit(6.123233995736766e-17))); // 0x1.1a62633145c07p-54
  }

  /** sin r for |r| <= pi/4. */
  @inline static sineOf(r: v128): v128 {
    const w = F2.mul(r, r);
    let p = F2.lit(-2.476038007197923e-8); // -0x1.a9614d9dce50dp-26
    p = F2.madd(p, w, F2.lit(0.0000027555338588189347)); // 0x1.71d76c25e4519p-19
    p = F2.madd(p, w, F2.lit(-0.00019841263723385796)); // -0x1.a019f93790001p-13
    p = F2.madd(p, w, F2.lit(0.008333333325067718)); // 0x1.1111110c85c8ep-7
    p = F2.madd(p, w, F2.lit(-0.16666666666630292)); // -0x1.5555555552224p-3
    return F2.madd(F2.mul(w, p), r, r);
  }

  /** cos r for |r| <= pi/4. */
  @inline static cosineOf(r: v128): v128 {
    const w = F2.mul(r, r);
    let q = F2.lit(2.064491953319907e-9); // 0x1.1bbdda6224007p-29
    q = F2.madd(q, w, F2.lit(-2.7555519823811775e-7)); // -0x1.27e009406bb7p-22
    q = F2.madd(q, w, F2.lit(0.000024801580688026386)); // 0x1.a019fa5a8cb8p-16
    q = F2.madd(q, w, F2.lit(-0.0013888888877564714)); // -0x1.6c16c1671bc45p-10
    q = F2.madd(q, w, F2.lit(0.041666666666596144)); // 0x1.5555555552da2p-5
    const half = F2.mul(w, F2.lit(0.5)); // 0x1p-1
    return F2.sub(F2.lit(1), F2.sub(half, F2.mul(F2.mul(w, w), q)));
  }

  /** The sine from those of the rest: exchanged where n is odd, negated where its second bit is set. */
  @inline static sine(quarters: v128, sine: v128, cosine: v128): v128 {
    return F2.xor(F2.pick(Turn.odd(quarters), cosine, sine), Turn.sign(i64x2.shl(quarters, 62)));
  }

  /** The cosine: exchanged where n is odd, negated where just one of its two bits is set. */
  @inline static cosine(quarters: v128, sine: v128, cosine: v128): v128 {
    const bits = F2.xor(i64x2.shl(quarters, 62), i64x2.shl(quarters, 63));
    return F2.xor(F2.pick(Turn.odd(quarters), sine, cosine), Turn.sign(bits));
  }

  @inline static odd(quarters: v128): v128 {
    return i64x2.neg(F2.and(quarters, F2.bits(1)));
  }

  @inline static sign(bits: v128): v128 {
    return F2.and(bits, F2.bits(i64.MIN_VALUE));
  }
}
