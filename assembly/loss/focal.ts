import { Loss, Margin } from "../drive/margin";
import { F4 } from "../lane/f32x4";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";
import { Power } from "../math/power";

/** The parameters of a focal loss and the factor q^gamma. Used as a type argument only. */
@unmanaged
export abstract class Fading {
  divisor: f32;
  positive: f32;
  negative: f32;
  gamma: f32;
  /** What gamma lost when it was rounded to float32. */
  rest: f32;
  /** All ones where gamma has the part 1, 2, 1/2: see `Halves`. */
  one: i32;
  two: i32;
  half: i32;

  /** q^gamma up to a constant factor, with q = sigmoid(v) and s = softplus(-v) = -log q. */
  abstract of(q: v128, s: v128): v128;
  /** q^gamma times a value >= 0. */
  abstract times(faded: v128, value: v128): v128;
}

/** gamma = 2. */
@unmanaged
@final
export class Square extends Fading {
  @inline of(q: v128, s: v128): v128 {
    return F4.mul(q, q);
  }
  @inline times(faded: v128, value: v128): v128 {
    return F4.mul(faded, value);
  }
}

/** gamma in {0, 1/2, 1, 3/2, 2, 5/2, 3}: a product of the parts q, q^2 and sqrt(q) that gamma is made of. */
@unmanaged
@final
export class Halves extends Fading {
  @inline of(q: v128, s: v128): v128 {
    const linear = this.part(i32x4.splat(this.one), q);
    const square = this.part(i32x4.splat(this.two), F4.mul(q, q));
    const root = this.part(i32x4.splat(this.half), F4.sqrt(q));
    return F4.mul(F4.mul(square, linear), root);
  }
  /** `value` where the mask has ones, else 1. */
  @inline part(mask: v128, value: v128): v128 {
    return F4.xor(F4.lit(1), F4.and(mask, F4.xor(F4.lit(1), value)));
  }
  @inline times(faded: v128, value: v128): v128 {
    return F4.mul(faded, value);
  }
}

/** Any gamma >= 0: the exponential of -gamma softplus(-v), lifted so that a large factor meets no underflow. */
@unmanaged
@final
export class Real extends Fading {
  @inline of(q: v128, s: v128): v128 {
    return Power.lifted(F4.lit(this.gamma), F4.lit(this.rest), s);
  }
  @inline times(faded: v128, value: v128): v128 {
    return Power.times(faded, value);
  }
}

/**
 * Focal loss on logits, hard targets t in {0, 1}; v = -(2t - 1) x, q = sigmoid(v), p = sigmoid(-v).
 *
 *   f(v)  = q^gamma softplus(v)
 *   f'(v) = q^gamma (q + gamma p softplus(v))
 *
 * Every term is non-negative and no exponent is: finite for every gamma >= 0 and every finite x.
 * Source: Lin et al. 2017, equation 5 and appendix B.
 */
@unmanaged
@final
export class Focal<P extends Fading> extends Loss {
  gamma: f32;

  @inline eval(v: v128, e: v128, w: v128, sign: v128, grad: usize): v128 {
    const tail = Log1p.unit(e);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const k = Logistic.exchange(v, larger, smaller);
    const q = F4.xor(larger, k);
    const p = F4.xor(smaller, k);
    const ce = F4.add(F4.relu(v), tail);
    const fading = changetype<P>(changetype<usize>(this));
    const faded = fading.of(q, F4.add(F4.relu(F4.neg(v)), tail));
    const slope = fading.times(faded, F4.madd(F4.mul(F4.lit(this.gamma), p), ce, q));
    this.put(grad, F4.mul(w, slope), sign);
    return F4.mul(w, fading.times(faded, ce));
  }
}

export function focalSquare(
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
  Margin.run<Focal<Square>>(n, x, t, w, stride, op, loss, grad, isGiven);
}

export function focalHalves(
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
  Margin.run<Focal<Halves>>(n, x, t, w, stride, op, loss, grad, isGiven);
}

export function focalReal(
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
  Margin.run<Focal<Real>>(n, x, t, w, stride, op, loss, grad, isGiven);
}
