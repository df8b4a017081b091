import { Loss, Margin } from "../drive/margin";
import { F4 } from "../lane/f32x4";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";
import { Scaled } from "../math/scaled";

/**
 * FL* on logits, hard targets t in {0, 1}; v = -(2t - 1) x.
 *
 *   f(v)  = softplus(gamma v - beta) / gamma = max(d, 0) + log1p(e^-|gamma d|) / gamma,  d = v - beta / gamma
 *   f'(v) = sigmoid(gamma v - beta)
 *
 * The linear part is d itself, so gamma d may overflow. d and gamma d are held as high + low: an error of gamma d
 * is a relative error of the exponential.
 * Source: Lin et al. 2017, appendix A.
 */
@unmanaged
@final
export class FocalStar extends Loss {
  gamma: f32;
  /** The upper bits of gamma, and gamma - head: see `Scaled`. */
  head: f32;
  rest: f32;
  /** 1 / gamma. */
  inverse: f32;
  /** beta / gamma, and what it lost when it was rounded to float32. */
  shift: f32;
  shiftRest: f32;

  @inline eval(v: v128, _: v128, w: v128, sign: v128, grad: usize): v128 {
    const shift = F4.lit(this.shift);
    const d = F4.sub(v, shift);
    const back = F4.sub(d, v);
    const lost = F4.sub(F4.sub(v, F4.sub(d, back)), F4.add(shift, back));
    const low = F4.sub(lost, F4.lit(this.shiftRest));
    const gamma = F4.lit(this.gamma);
    const z = F4.mul(gamma, d);
    const e = Scaled.decay(z, F4.madd(gamma, low, Scaled.low(F4.lit(this.head), F4.lit(this.rest), d, z)));
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const q = F4.xor(larger, Logistic.exchange(z, larger, smaller));
    this.put(grad, F4.mul(w, q), sign);
    // Where d is 0 its sign is that of low, but e is e^(-gamma low) and q fits it: low then counts whatever its sign.
    const linear = F4.clear(F4.lt(d, F4.lit(0)), F4.add(d, low));
    return F4.mul(w, F4.madd(Log1p.unit(e), F4.lit(this.inverse), linear));
  }
}

export function focalStar(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): void {
  Margin.bare<FocalStar>(n, x, t, w, stride, op, loss, grad);
}
