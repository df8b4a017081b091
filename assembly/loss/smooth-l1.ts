import { Loss, Residual } from "../drive/residual";
import { F4 } from "../lane/f32x4";

/**
 * Smooth L1 of d = prediction - target.
 *
 *   f(d)  = d^2 / (2 beta) for |d| < beta, else |d| - beta / 2      beta = 0: |d|
 *   f'(d) = d / beta for |d| < beta, else the sign of d             0 at 0, for beta = 0 too
 *
 * Both branches in one: with r = min(|d| / beta, 1), f = r (|d| - beta r / 2) and |f'| = r.
 * Domain: finite predictions and targets, 0 <= beta <= 3.4e38.
 * Error: loss and gradient within 4 ulp where both are normal (test/regression.test.ts).
 * Source: Girshick 2015 (arXiv 1504.08083), equation 3, with the division point of later detectors.
 */
@unmanaged
@final
export class SmoothL1 extends Loss {
  beta: f32;

  @inline eval(
    a: v128,
    far: bool,
    scale: v128,
    back: v128,
    w: v128,
    sign: v128,
    grad: usize,
    divides: bool,
  ): v128 {
    const beta = F4.lit(this.beta);
    const whole = far ? F4.mul(a, back) : a;
    const near = far ? F4.mul(beta, scale) : beta;
    // 0 / 0, for beta = 0, is not below 1: `pmin` in this order makes it 1, and a residual of 0 has slope 0.
    const r = f32x4.pmin(F4.lit(1), F4.div(whole, beta));
    this.put(grad, F4.mul(w, F4.and(r, f32x4.ne(a, F4.lit(0)))), sign, divides);
    return F4.mul(r, F4.sub(a, F4.mul(F4.mul(F4.lit(0.5), near), r)));
  }
}

/** @returns see `Residual.near` */
export function smoothL1(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): bool {
  return Residual.near<SmoothL1>(n, x, t, w, stride, op, loss, grad, true);
}

export function smoothL1Far(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): void {
  Residual.far<SmoothL1>(n, x, t, w, stride, op, loss, grad);
}
