import { Margin, Loss as MarginLoss } from "../drive/margin";
import { Loss, Pointwise } from "../drive/pointwise";
import { F4 } from "../lane/f32x4";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";

/**
 * Cross-entropy on logits, hard or soft targets t in [0, 1].
 *
 *   L  = t w1 softplus(-x) + (1 - t) w0 softplus(x)
 *   L' = (1 - t) w0 sigmoid(x) - t w1 sigmoid(-x)
 *
 * Only terms of one sign are added in L, and for t in {0, 1} one term of each line is exactly 0: no
 * subtraction of numbers near one, no cancellation at the label.
 */
@unmanaged
@final
export class Soft extends Loss {
  @inline eval(x: v128, e: v128, t: v128, w1: v128, w0: v128, grad: usize): v128 {
    const one = F4.lit(1);
    const tail = Log1p.unit(e);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const k = Logistic.exchange(x, larger, smaller);
    const a1 = F4.mul(t, w1);
    const a0 = F4.mul(F4.sub(one, t), w0);
    const slope = F4.sub(F4.mul(a0, F4.xor(larger, k)), F4.mul(a1, F4.xor(smaller, k)));
    // 0 - 0 has lost the sign that the gradient of a positive keeps.
    this.put(grad, F4.or(slope, F4.and(f32x4.eq(t, one), F4.lit(-0.0))));
    return F4.madd(a1, F4.add(F4.relu(F4.neg(x)), tail), F4.mul(a0, F4.add(F4.relu(x), tail)));
  }
}

/**
 * The same for t in {0, 1}, bit for bit, with fewer steps: only one of the terms is computed.
 *
 *   f(v) = softplus(v),  f'(v) = sigmoid(v)
 */
@unmanaged
@final
export class Hard extends MarginLoss {
  @inline eval(v: v128, e: v128, w: v128, sign: v128, grad: usize): v128 {
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const q = F4.xor(larger, Logistic.exchange(v, larger, smaller));
    this.put(grad, F4.mul(w, q), sign);
    return F4.mul(w, F4.add(F4.relu(v), Log1p.unit(e)));
  }
}

export function bceHard(
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
  Margin.run<Hard>(n, x, t, w, stride, op, loss, grad, isGiven);
}

export function bceSoft(
  n: i32,
  x: usize,
  t: usize,
  w1: usize,
  w0: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): void {
  Pointwise.run<Soft>(n, x, t, w1, w0, stride, op, loss, grad);
}
