import { F4 } from "../lane/f32x4";
import { Exp } from "./exp";

/**
 * q^gamma for q = exp(-s), four float32 lanes, without forming q: the focusing factor of the focal losses.
 *
 * The result comes 2^32 times too large, so that a q^gamma below the normal range, down to 2^-158, is whole when a
 * factor such as 1 + gamma <= 1001 brings the product back into it. Multiply by the other factors first, then
 * `lower`. The lift is free (another magic number); `lower` is one product.
 */
export class Power {
  /**
   * 2^32 exp(-(gamma + rest) s).
   *
   * Domain: gamma in [0, 1000] and rest the float32 nearest to what gamma lost when it was rounded; s in [0, Infinity),
   * a softplus. gamma s > 109.517 gives exactly 0, an overflow of gamma s included; gamma = 0 gives exactly 2^32.
   * Error: max 2^-24 (1.6 + gamma s) relative, for the gamma of the pair and the given s (test/math.test.ts, row
   * `powerLifted`); with rest = 0, one more gamma s.
   * Method: as Exp.nonPositive; rest * s is small and joins the reduced argument.
   */
  @inline static lifted(gamma: v128, rest: v128, s: v128): v128 {
    const magic = F4.lit(12583071); // 0x1.80013ep+23
    const x = F4.mul(F4.neg(gamma), s);
    const biased = Exp.biased(x, magic);
    const r = F4.sub(Exp.rest(x, F4.sub(biased, magic)), F4.mul(rest, s));
    const below = F4.lt(x, F4.lit(-109.51725)); // -0x1.b611aap+6
    return F4.clear(below, F4.mul(F4.pow2(biased), Exp.mantissa(r)));
  }

  /** Undoes the lift of a product: exact unless the result is subnormal. */
  @inline static lower(product: v128): v128 {
    return F4.mul(product, F4.lit(2.3283064e-10)); // 0x1p-32
  }
}
