import { BLOCK, decay } from "./decay";

/**
 * A loss of any targets on one vector of four elements. The receiver is the address of its parameters, which the host
 * writes; a subclass adds its own fields behind `divisor`. Used as a type argument only: see `Pointwise.run`.
 */
@unmanaged
export abstract class Loss {
  /** What every gradient is divided by before it is stored, one rounding. */
  divisor: f32;
  /** Not read here: weights come as arrays, for a soft target needs both. */
  positive: f32;
  negative: f32;

  /**
   * Returns the loss of four logits `x` with targets `t` and puts the gradient at `grad`. An element of
   * target 1 weighs `w1`, one of target 0 weighs `w0`; a soft target mixes the two. e = exp(-|x|).
   */
  abstract eval(x: v128, e: v128, t: v128, w1: v128, w0: v128, grad: usize): v128;

  @inline put(at: usize, gradient: v128): void {
    v128.store(at, f32x4.div(gradient, f32x4.splat(this.divisor)));
  }
}

export class Pointwise {
  /**
   * The loop of losses that mix what their targets are made of. Arrays are read and written in
   * whole vectors, so they are padded to 16 bytes; what is computed in the padding is the caller's to ignore. `loss`
   * holds the exponentials of a block in between: it must not be an input.
   *
   * @param stride -1 where `w1` and `w0` hold one weight per element, 0 where they are one vector for all
   */
  @inline static run<L extends Loss>(
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
    const all = (<usize>n) << 2;
    for (let from: usize = 0; from < all; from += BLOCK) {
      const end = min(from + BLOCK, all);
      decay(from, end, x, loss);
      for (let i = from; i < end; i += 16) {
        v128.store(
          loss + i,
          changetype<L>(op).eval(
            v128.load(x + i),
            v128.load(loss + i),
            v128.load(t + i),
            v128.load(w1 + (i & stride)),
            v128.load(w0 + (i & stride)),
            grad + i,
          ),
        );
      }
    }
  }
}
