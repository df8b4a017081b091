import { BLOCK, decay } from "./decay";
import { Weighted } from "./margin";

/**
 * A binary loss of hard targets, see `Loss`, that is too long for one loop: what it computes first waits in a room of
 * one block for what comes later. The rooms lie behind the parameters. Used as a type argument only: see `Stages`.
 */
@unmanaged
export abstract class Staged extends Weighted {
  /** What only v and the parameters are needed for, such as a second exponential. */
  abstract begin(v: v128): v128;

  /** As `Loss.eval`; `begin` left its result at `near`. */
  abstract end(v: v128, e: v128, w: v128, sign: v128, near: usize, far: usize, grad: usize): v128;
}

/** One with a stage between: `end` is handed its result in place of e. */
@unmanaged
export abstract class Middled extends Staged {
  /** From e = exp(-|v|) and what `begin` left at `near`: two values, one at `near` and one at `far`. */
  abstract middle(v: v128, e: v128, sign: v128, near: usize, far: usize): v128;
}

export class Stages {
  /** Bytes from the parameters to the rooms, and from one to the next: see `PAD` in src/arena.ts. */
  static readonly FIRST: usize = 64;
  static readonly ROOM: usize = 4096 + 512;

  /** The sign bit where the target is above 0. */
  @inline static sign(t: usize): v128 {
    return v128.and(f32x4.gt(v128.load(t), f32x4.splat(0)), f32x4.splat(-0.0));
  }

  @inline static begin<L extends Staged>(from: usize, end: usize, x: usize, t: usize, op: usize): void {
    const near = op + Stages.FIRST - from;
    for (let i = from; i < end; i += 16) {
      v128.store(near + i, changetype<L>(op).begin(v128.xor(v128.load(x + i), Stages.sign(t + i))));
    }
  }

  @inline static middle<L extends Middled>(
    from: usize,
    end: usize,
    x: usize,
    t: usize,
    op: usize,
    loss: usize,
  ): void {
    const near = op + Stages.FIRST - from;
    const far = near + Stages.ROOM;
    for (let i = from; i < end; i += 16) {
      const sign = Stages.sign(t + i);
      const v = v128.xor(v128.load(x + i), sign);
      v128.store(loss + i, changetype<L>(op).middle(v, v128.load(loss + i), sign, near + i, far + i));
    }
  }

  @inline static end<L extends Staged>(
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
    const near = op + Stages.FIRST - from;
    const far = near + Stages.ROOM;
    const negative = f32x4.splat(changetype<L>(op).negative);
    const turn = v128.xor(negative, f32x4.splat(changetype<L>(op).positive));
    for (let i = from; i < end; i += 16) {
      const isPositive = f32x4.gt(v128.load(t + i), f32x4.splat(0));
      const sign = v128.and(isPositive, f32x4.splat(-0.0));
      const weight = f32x4.mul(v128.load(w + (i & stride)), v128.xor(negative, v128.and(isPositive, turn)));
      const v = v128.xor(v128.load(x + i), sign);
      const result = changetype<L>(op).end(v, v128.load(loss + i), weight, sign, near + i, far + i, grad + i);
      v128.store(loss + i, result);
    }
  }

  /** As `Margin.run`, in three loops over each block. */
  @inline static run<L extends Staged>(
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
      Stages.begin<L>(from, end, x, t, op);
      Stages.end<L>(from, end, x, t, w, stride, op, loss, grad);
    }
  }
}
