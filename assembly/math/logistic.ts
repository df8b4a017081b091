import { F4 } from "../lane/f32x4";
import { Exp } from "./exp";
import { Log1p } from "./log1p";

/**
 * Sigmoid and softplus from one exponential e = exp(-|x|), four float32 lanes.
 *
 * One side, sigmoid(x) or sigmoid(-x), costs one division: `sigmoid`. Both cost one division as well:
 * d = larger(e) = sigmoid(|x|), s = smaller(e, d) = sigmoid(-|x|), and `exchange`, which deals them out.
 * Nothing is ever subtracted from one.
 */
export class Logistic {
  /**
   * exp(-|x|), the `e` of everything below.
   *
   * Domain: any x; |x| > 87.33654 gives exactly 0; NaN gives NaN.
   * Error: max 0.99 ulp (test/math.test.ts, row `decay`).
   */
  @inline static decay(x: v128): v128 {
    return Exp.nonPositive(F4.minusAbs(x));
  }

  /**
   * softplus(u) = log(1 + exp(u)) = max(u, 0) + log1p(e), with e = decay(u).
   *
   * Domain: any u; below -87.33654 exactly 0, from 16.64 on exactly u.
   * Error: max 2.06 ulp where e is not 0, and 2.83 * 2^-24 relative (test/math.test.ts, row `softplus`).
   */
  @inline static softplus(u: v128, e: v128): v128 {
    return F4.add(F4.relu(u), Log1p.unit(e));
  }

  /**
   * sigmoid(x) = 1 / (1 + exp(-x)), with e = decay(x): the numerator is e for negative x and 1 otherwise.
   *
   * Domain: any x; below -87.33654 exactly 0.
   * Error: max 2.41 ulp where e is not 0 (test/math.test.ts, row `sigmoid`).
   */
  @inline static sigmoid(x: v128, e: v128): v128 {
    const one = F4.lit(1);
    return F4.div(F4.xor(one, Logistic.exchange(x, one, e)), F4.add(one, e));
  }

  /** sigmoid(|x|) = 1 / (1 + e), in [1/2, 1]. Error as `sigmoid`. */
  @inline static larger(e: v128): v128 {
    const one = F4.lit(1);
    return F4.div(one, F4.add(one, e));
  }

  /** sigmoid(-|x|) = e d, with d = larger(e), in [0, 1/2]. Error: max 2.83 ulp (test/math.test.ts, row `sigmoidBoth`). */
  @inline static smaller(e: v128, d: v128): v128 {
    return F4.mul(e, d);
  }

  /**
   * What to flip, by exclusive or, to exchange a and b in the lanes where x has its sign bit set:
   * sigmoid(x) = larger ^ k and sigmoid(-x) = smaller ^ k, with k = exchange(x, larger, smaller).
   *
   * Five cheap operations for both; on x86 two bit selects take six. -0 counts as negative, where both are equal.
   */
  @inline static exchange(x: v128, a: v128, b: v128): v128 {
    return F4.and(F4.signs(x), F4.xor(a, b));
  }
}
