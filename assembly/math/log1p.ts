import { F4 } from "../lane/f32x4";

/** The logarithm of 1 + z, four float32 lanes. */
export class Log1p {
  /**
   * log(1 + z) for z in [0, 1].
   *
   * Domain: [0, 1]; 0 gives exactly 0; the error is relative down to the smallest normal z, where log(1 + z) = z.
   * Error: max 1.23 ulp over the domain (test/math.test.ts, row `log1pUnit`).
   * Method: s = z / (2 + z); log(1 + z) = 2 atanh(s) = z - s (z - s^2 q(s^2)), deg q = 3. The leading z is exact
   * and the rounding of s enters damped by at most 0.44.
   * Source: the reduction of fdlibm's log; coefficients: tools/coefficients.ts.
   */
  @inline static unit(z: v128): v128 {
    const s = F4.div(z, F4.add(z, F4.lit(2)));
    const w = F4.mul(s, s);
    let q = F4.lit(0.2801201); // 0x1.1ed7cep-2
    q = F4.madd(q, w, F4.lit(0.28001803)); // 0x1.1ebd0cp-2
    q = F4.madd(q, w, F4.lit(0.40021527)); // 0x1.99d208p-2
    q = F4.madd(q, w, F4.lit(0.6666642)); // 0x1.555502p-1
    return F4.sub(z, F4.mul(s, F4.sub(z, F4.mul(w, q))));
  }
}
