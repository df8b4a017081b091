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
export class Bce extends Loss {
  @inline eval(x: v128, t: v128, w1: v128, w0: v128, grad: usize): v128 {
    const e = Logistic.decay(x);
    const tail = Log1p.unit(e);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const k = Logistic.exchange(x, larger, smaller);
    const a1 = F4.mul(t, w1);
    const a0 = F4.mul(F4.sub(F4.lit(1), t), w0);
    this.put(grad, F4.sub(F4.mul(a0, F4.xor(larger, k)), F4.mul(a1, F4.xor(smaller, k))));
    return F4.madd(a1, F4.add(F4.relu(F4.neg(x)), tail), F4.mul(a0, F4.add(F4.relu(x), tail)));
  }
}

export function bce(
  n: i32, x: usize, t: usize, w1: usize, w0: usize, stride: usize, op: usize, loss: usize, grad: usize,
): void {
  Pointwise.run<Bce>(n, x, t, w1, w0, stride, op, loss, grad);
}
