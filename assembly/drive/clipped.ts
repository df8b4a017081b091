import { BLOCK, decay } from "./decay";
import { Places } from "./places";
import { Middled, Stages } from "./stages";

/** A loss that is 0, as its gradient is, for elements that can be told at a glance. Used as a type argument only. */
@unmanaged
export abstract class Clipped extends Middled {
  /** Whether the parameters leave such elements. */
  abstract clips(): bool;
  /** They are among those of target 0 whose logit is below it. */
  abstract least(): f32;
}

/** The elements of a block that are computed, where many are not. */
class Inside {
  /** Logits, targets, weights, gradients; the list of their places; then losses, of the whole chunk. */
  @inline static room(op: usize, index: usize): usize {
    return op + Stages.FIRST + (2 + index) * Stages.ROOM;
  }

  /** All ones in the lanes of those among eight. */
  @inline static eight(x: usize, t: usize, least: v128): v128 {
    const first = v128.or(f32x4.gt(v128.load(t), f32x4.splat(0)), f32x4.ge(v128.load(x), least));
    const second = v128.or(f32x4.gt(v128.load(t, 16), f32x4.splat(0)), f32x4.ge(v128.load(x, 16), least));
    return i16x8.narrow_i32x4_s(first, second);
  }

  /** Lists them; returns how many bytes of logits they are. */
  static list(size: usize, x: usize, t: usize, least: f32, list: usize): usize {
    Places.ready();
    const edge = f32x4.splat(least);
    let to = list;
    for (let i: usize = 0; i < size; i += 64) {
      const first = Inside.eight(x + i, t + i, edge);
      const second = Inside.eight(x + i + 32, t + i + 32, edge);
      const set = <usize>i8x16.bitmask(i8x16.narrow_i16x8_s(first, second));
      to = Places.append(to, set & 255, i);
      to = Places.append(to, set >> 8, i + 32);
    }
    return Places.finish(list, to, size);
  }
}

export class Clip {
  /**
   * As `Margin.run`, in stages, for a loss that leaves most elements alone: in imbalanced data the easy negative is the
   * rule. Where that saves a quarter of a block, the others are moved together. No bit of an element depends on it.
   *
   * @param loss 0 where losses are needed for their sum only
   * @returns how many losses, all but zeros among them, lie together at `Inside.room(op, 5)`
   */
  @inline static run<L extends Clipped>(
    n: i32,
    x: usize,
    t: usize,
    w: usize,
    stride: usize,
    op: usize,
    loss: usize,
    grad: usize,
  ): i32 {
    const all = (<usize>n) << 2;
    const packed = Inside.room(op, 5);
    const list = Inside.room(op, 4);
    const clips = changetype<L>(op).clips();
    let done: usize = 0;
    for (let start: usize = 0; start < all; start += BLOCK) {
      const size = min(BLOCK, all - start);
      const inside = clips ? Inside.list(size, x + start, t + start, changetype<L>(op).least(), list) : size;
      const isMoved = inside < size - (size >> 2);
      if (isMoved) {
        Places.gather(inside, list, x + start, t + start, Inside.room(op, 0));
        if (stride) Places.gather(inside, list, w + start, w + start, Inside.room(op, 2));
      }
      const from = isMoved ? 0 : start;
      const end = isMoved ? inside : start + size;
      const logits = isMoved ? Inside.room(op, 0) : x;
      const targets = isMoved ? Inside.room(op, 1) : t;
      const weights = isMoved && stride ? Inside.room(op, 2) : w;
      const losses = packed + done - from;
      const grads = isMoved ? Inside.room(op, 3) : grad;
      decay(from, end, logits, losses);
      if (clips) Stages.begin<L>(from, end, logits, targets, op);
      Stages.middle<L>(from, end, logits, targets, op, losses);
      Stages.end<L>(from, end, logits, targets, weights, stride, op, losses, grads);
      if (isMoved) Places.scatter(inside, list, grads, grad + start, size);
      if (loss) {
        if (isMoved) Places.scatter(inside, list, losses, loss + start, size);
        else memory.copy(loss + start, packed + done, size);
      }
      done += end - from;
    }
    return <i32>(done >> 2);
  }
}
