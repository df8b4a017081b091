import { Loss, Residual } from "../drive/residual";
import { F4 } from "../lane/f32x4";

/**
 * Authentic smooth L1 of d = prediction - target.
 *
 *   f(d)  = sqrt(d^2 + mu^2) - mu = d^2 / (sqrt(d^2 + mu^2) + mu)
 *   f'(d) = d / sqrt(d^2 + mu^2)                                    at most 1 in size, also as computed
 *
 * mu and d are scaled by the power of two that brings mu into [1, 2), and the scaled |d| stops at 2^60: nothing
 * cancels, no square overflows, and one that underflows is nothing beside mu^2.
 * Domain: finite predictions and targets, 2^-126 <= mu <= 3.4e38.
 * Error: loss within 6 ulp and gradient within 4 ulp where both are normal (test/regression.test.ts).
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 13 and 14; the stable form is ours.
 */
@unmanaged
@final
export class Asl1 extends Loss {
  /** mu and d times `unit` are what is computed with; `mu` is the scaled one. */
  unit: f32;
  mu: f32;

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
    const mu = F4.lit(this.mu);
    const unit = far ? F4.mul(back, F4.lit(this.unit)) : F4.lit(this.unit);
    const y = f32x4.pmin(F4.mul(a, unit), F4.lit(1.152921504606847e18));
    const h = F4.sqrt(F4.madd(y, y, F4.mul(mu, mu)));
    this.put(grad, F4.mul(w, F4.div(y, h)), sign, divides);
    return F4.mul(a, F4.div(y, F4.add(h, mu)));
  }
}

/** @returns see `Residual.near` */
export function asl1(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): bool {
  if (changetype<Asl1>(op).divisor == 1)
    return Residual.near<Asl1>(n, x, t, w, stride, op, loss, grad, false);
  return Residual.near<Asl1>(n, x, t, w, stride, op, loss, grad, true);
}

export function asl1Far(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): void {
  Residual.far<Asl1>(n, x, t, w, stride, op, loss, grad);
}
