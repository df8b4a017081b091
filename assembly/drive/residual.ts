import { F4 } from "../lane/f32x4";

/**
 * A loss of a residual d = prediction - target: a function of |d| that rises with it. The receiver is the address of
 * its parameters, which the host writes; a subclass adds its own fields behind these. Used as a type argument only:
 * see `Residual.near`.
 */
@unmanaged
export abstract class Loss {
  /** What every gradient is divided by before it is stored, one rounding. */
  divisor: f32;
  /** Not read here: a target has no class. */
  positive: f32;
  negative: f32;

  /**
   * Returns f(|d|) scale and hands w f'(|d|) >= 0 to `put`, along with `sign` and `grad`, which it need not look at.
   *
   * @param a |d| scale, finite
   * @param far whether there are scales other than 1; a literal
   * @param scale 1, or 1/4 where |d| itself may be beyond float32
   * @param back 1 / scale
   * @param divides whether there is a divisor other than 1; a literal
   */
  abstract eval(
    a: v128,
    far: bool,
    scale: v128,
    back: v128,
    w: v128,
    sign: v128,
    grad: usize,
    divides: bool,
  ): v128;

  /** The gradient with respect to the prediction: that with respect to |d|, with the sign of d. */
  @inline put(grad: usize, slope: v128, sign: v128, divides: bool): void {
    const signed = v128.xor(slope, sign);
    v128.store(grad, divides ? f32x4.div(signed, f32x4.splat(this.divisor)) : signed);
  }
}

/** Where the bounds of losses lie behind the parameters. */
const BOUNDS: usize = 32;

/**
 * The loops of every loss of a residual. Arrays are read and written in whole vectors, so they are padded to 16 bytes;
 * what is computed in the padding is the caller's to ignore.
 */
export class Residual {
  /**
   * For differences that are float32, which shows in their losses. The padding of `x` and `t` is set to 0. Leaves the
   * largest bit patterns of the losses, and the smallest less 1, behind the parameters.
   *
   * @returns whether one is not, or a value is not finite: what was written is good for nothing then
   * @param stride -1 where `w` holds one weight per element, 0 where it is one vector for all
   * @param divides see `Loss.eval`: a division by 1 changes no bit, and costs as much as another
   */
  @inline static near<L extends Loss>(
    n: i32,
    x: usize,
    t: usize,
    w: usize,
    stride: usize,
    op: usize,
    loss: usize,
    grad: usize,
    divides: bool,
  ): bool {
    const end = (<usize>n) << 2;
    if (n & 3) {
      v128.store(x + end, i32x4.splat(0));
      v128.store(t + end, i32x4.splat(0));
    }
    const one = F4.lit(1);
    let highest = i32x4.splat(0);
    let lowest = i32x4.splat(-1);
    for (let i: usize = 0; i < end; i += 16) {
      const d = F4.sub(v128.load(x + i), v128.load(t + i));
      const weight = v128.load(w + (i & stride));
      const sign = F4.and(d, F4.lit(-0.0));
      const a = v128.xor(d, sign);
      const value = changetype<L>(op).eval(a, false, one, one, weight, sign, grad + i, divides);
      const weighted = F4.mul(weight, value);
      v128.store(loss + i, weighted);
      highest = i32x4.max_u(highest, weighted);
      lowest = i32x4.min_u(lowest, i32x4.add(weighted, i32x4.splat(-1)));
    }
    v128.store(op + BOUNDS, highest);
    v128.store(op + BOUNDS, lowest, 16);
    return v128.any_true(i32x4.gt_u(highest, i32x4.splat(0x7f7fffff)));
  }

  /**
   * For all of them. The difference of two finite numbers may be beyond float32 where its weighted loss is not: a large
   * one is formed from quarters, which loses no bit, and the loss is scaled back through the weight. Those that are
   * float32 have the same bits as from `near`.
   */
  @inline static far<L extends Loss>(
    n: i32,
    x: usize,
    t: usize,
    w: usize,
    stride: usize,
    op: usize,
    loss: usize,
    grad: usize,
  ): void {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const prediction = v128.load(x + i);
      const target = v128.load(t + i);
      const isLarge = f32x4.gt(F4.abs(F4.sub(prediction, target)), F4.lit(4.253529586511731e37));
      const scale = F4.pick(isLarge, F4.lit(0.25), F4.lit(1));
      const back = F4.pick(isLarge, F4.lit(4), F4.lit(1));
      const d = F4.sub(F4.mul(prediction, scale), F4.mul(target, scale));
      const weight = v128.load(w + (i & stride));
      const sign = F4.and(d, F4.lit(-0.0));
      const value = changetype<L>(op).eval(
        v128.xor(d, sign),
        true,
        scale,
        back,
        weight,
        sign,
        grad + i,
        true,
      );
      v128.store(loss + i, F4.mul(F4.mul(weight, back), value));
    }
  }
}
