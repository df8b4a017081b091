import { BLOCK, decay } from "./decay";

/** The parameters that every loss begins with, which the host writes. */
@unmanaged
export abstract class Weighted {
  /** What every gradient is divided by before it is stored, one rounding. */
  divisor: f32;
  /** Weights of target 1 and of target 0. */
  positive: f32;
  negative: f32;

  /** The gradient with respect to the logit: that with respect to v, with the sign turned back. */
  @inline put(grad: usize, slope: v128, sign: v128): void {
    v128.store(grad, f32x4.div(v128.xor(slope, sign), f32x4.splat(this.divisor)));
  }
}

/**
 * A binary loss of hard targets: a function of one variable, the negated margin v = -(2t - 1) x, which is the
 * logit that argues against the target. The receiver is the address of its parameters; a subclass adds its own
 * fields behind them. Used as a type argument only: see `Margin.run`.
 */
@unmanaged
export abstract class Loss extends Weighted {
  /**
   * Returns w f(v) and hands w f'(v) >= 0 to `put`, along with `sign` and `grad`, which it need not look at;
   * e = exp(-|v|).
   */
  abstract eval(v: v128, e: v128, w: v128, sign: v128, grad: usize): v128;
}

export class Margin {
  /**
   * The loop of every binary loss, block by block behind the exponentials of the block. Arrays are read and written
   * in whole vectors, so they are padded to 16 bytes; what is computed in the padding, and for a soft target, is the
   * caller's to ignore. `loss` holds the exponentials in between: it must not be `x`, `t` or `w`.
   *
   * @param stride -1 where `w` holds one weight per element, 0 where it is one vector for all
   * @param isGiven not 0 where `loss` already holds exp(-|x|), which may be better known than x
   */
  @inline static run<L extends Loss>(
    n: i32,
    x: usize,
    t: usize,
    w: usize,
    stride: usize,
    op: usize,
    loss: usize,
    grad: usize,
    isGiven: i32 = 0,
  ): void {
    const all = (<usize>n) << 2;
    for (let from: usize = 0; from < all; from += BLOCK) {
      const end = min(from + BLOCK, all);
      if (!isGiven) decay(from, end, x, loss);
      Margin.block<L>(from, end, x, t, w, stride, op, loss, grad);
    }
  }

  /** The same for a loss whose exponential is not that of v: it is handed anything at all as e. */
  @inline static bare<L extends Loss>(
    n: i32,
    x: usize,
    t: usize,
    w: usize,
    stride: usize,
    op: usize,
    loss: usize,
    grad: usize,
  ): void {
    Margin.block<L>(0, (<usize>n) << 2, x, t, w, stride, op, loss, grad);
  }

  /** The elements between two byte offsets. */
  @inline static block<L extends Loss>(
    from: usize,
    end: usize,
    x: usize,
    t: usize,
    w: usize,
    stride: usize,
    op: usize,
    loss: usize,
    grad: usize,
  ): void {
    const negative = f32x4.splat(changetype<L>(op).negative);
    const turn = v128.xor(negative, f32x4.splat(changetype<L>(op).positive));
    for (let i = from; i < end; i += 16) {
      const isPositive = f32x4.gt(v128.load(t + i), f32x4.splat(0));
      const sign = v128.and(isPositive, f32x4.splat(-0.0));
      const weight = f32x4.mul(v128.load(w + (i & stride)), v128.xor(negative, v128.and(isPositive, turn)));
      const v = v128.xor(v128.load(x + i), sign);
      v128.store(loss + i, changetype<L>(op).eval(v, v128.load(loss + i), weight, sign, grad + i));
    }
  }
}
