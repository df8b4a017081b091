import { Loss, Margin } from "../drive/margin";
import { Staged, Stages } from "../drive/stages";
import { F4 } from "../lane/f32x4";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";
import { Power } from "../math/power";
import { Scaled } from "../math/scaled";

/**
 * Cross-entropy that stops once p_t exceeds a margin m, hard targets; v = -(2t - 1) x.
 *
 *   f(v)  = theta(v + logit(m)) softplus(v),  f'(v) = theta(v + logit(m)) sigmoid(v),  theta(0) = 1/2
 *
 * v is compared, not p_t: a comparison of float32 numbers is exact.
 * Source: Su Jianlin, kexue.fm/archives/4733 and 4293.
 */
@unmanaged
@final
export class HardTruncation extends Loss {
  /** The smallest float32 that is not below -logit(m). */
  limit: f32;
  /** The weight at v = limit: 1/2 where that is -logit(m), which happens for m = 1/2 only, else 1. */
  tie: f32;

  @inline eval(v: v128, e: v128, w: v128, sign: v128, grad: usize): v128 {
    const limit = F4.lit(this.limit);
    const beyond = F4.and(F4.lt(limit, v), F4.lit(1));
    const kept = F4.mul(w, F4.or(beyond, F4.and(f32x4.eq(limit, v), F4.lit(this.tie))));
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const q = F4.xor(larger, Logistic.exchange(v, larger, smaller));
    this.put(grad, F4.mul(kept, q), sign);
    return F4.mul(kept, F4.add(F4.relu(v), Log1p.unit(e)));
  }
}

/**
 * The same with a soft step, hard targets; v = -(2t - 1) x, q = sigmoid(v).
 *
 *   f(v)  = sigmoid(K v) softplus(v)
 *   f'(v) = sigmoid(K v) (q + K sigmoid(-K v) softplus(v))
 *
 * K v is held as high + low, and sigmoid(K v) is lifted by 2^32 where it is small: K brings the slope back.
 * Source: Su Jianlin, kexue.fm/archives/4733.
 */
@unmanaged
@final
export class SoftTruncation extends Staged {
  k: f32;
  /** The upper bits of K, and K - head: see `Scaled`. */
  head: f32;
  rest: f32;

  /** e^-|K v|, lifted. */
  @inline begin(v: v128): v128 {
    const z = F4.mul(F4.lit(this.k), v);
    return Scaled.lifted(z, Scaled.low(F4.lit(this.head), F4.lit(this.rest), v, z));
  }

  @inline end(v: v128, e: v128, w: v128, sign: v128, near: usize, far: usize, grad: usize): v128 {
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const q = F4.xor(larger, Logistic.exchange(v, larger, smaller));
    const ce = F4.add(F4.relu(v), Log1p.unit(e));
    const k = F4.lit(this.k);
    const z = F4.mul(k, v);
    const lifted = v128.load(near);
    const step = Power.lower(lifted);
    const high = Logistic.larger(step);
    const low = Logistic.smaller(step, high);
    const one = F4.lit(4294967296); // 0x1p+32
    const faded = F4.mul(high, F4.xor(one, Logistic.exchange(z, one, lifted)));
    const rising = F4.mul(k, F4.xor(low, Logistic.exchange(z, high, low)));
    this.put(grad, F4.mul(w, Power.times(faded, F4.madd(rising, ce, q))), sign);
    return F4.mul(w, Power.times(faded, ce));
  }
}

export function hardTruncation(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
  isGiven: i32,
): void {
  Margin.run<HardTruncation>(n, x, t, w, stride, op, loss, grad, isGiven);
}

export function softTruncation(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
  isGiven: i32,
): void {
  Stages.run<SoftTruncation>(n, x, t, w, stride, op, loss, grad, isGiven);
}
