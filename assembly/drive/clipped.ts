import { BLOCK, decay } from "./decay";
import { Middled, Stages } from "./stages";

/** A loss that is 0, as its gradient is, for elements that can be told at a glance. Used as a type argument only. */
@unmanaged
export abstract class Clipped extends Middled {
  /** Whether the parameters leave such elements. */
  abstract clips(): bool;
  /** All ones where the element is not one of them. */
  abstract inside(v: v128, sign: v128): v128;
}

/** The elements of a block that are computed, where many are not: moved together, and dealt out again. */
class Inside {
  /** Logits, targets, weights, losses, gradients; then where in the block they belong. */
  @inline static room(op: usize, index: usize): usize {
    return op + Stages.FIRST + (2 + index) * Stages.ROOM;
  }

  static take(list: usize, end: usize, values: usize, to: usize): void {
    for (; list < end; list += 2) {
      store<f32>(to, load<f32>(values + <usize>load<u16>(list)));
      to += 4;
    }
  }

  /** Zeros but for those of the list. */
  static deal(list: usize, end: usize, from: usize, values: usize, bytes: usize): void {
    memory.fill(values, 0, bytes);
    for (; list < end; list += 2) {
      store<f32>(values + <usize>load<u16>(list), load<f32>(from));
      from += 4;
    }
  }

  /** Lists their byte offsets in the block; returns the end of the list. */
  @inline static find<L extends Clipped>(
    from: usize,
    end: usize,
    x: usize,
    t: usize,
    op: usize,
    list: usize,
  ): usize {
    for (let i = from; i < end; i += 16) {
      const sign = Stages.sign(t + i);
      const v = v128.xor(v128.load(x + i), sign);
      const bits = <usize>i32x4.bitmask(changetype<L>(op).inside(v, sign));
      const offset = i - from;
      store<u16>(list, <u16>offset);
      list += (bits & 1) << 1;
      store<u16>(list, <u16>(offset + 4));
      list += bits & 2;
      store<u16>(list, <u16>(offset + 8));
      list += (bits & 4) >> 1;
      store<u16>(list, <u16>(offset + 12));
      list += (bits & 8) >> 2;
    }
    return list;
  }
}

export class Clip {
  /**
   * As `Margin.run`, in stages, for a loss that leaves most elements alone: in imbalanced data the easy negative is the
   * rule. Where that saves a quarter of a block, the others are moved together. No bit of an element depends on it.
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
  ): void {
    const all = (<usize>n) << 2;
    const list = Inside.room(op, 5);
    for (let start: usize = 0; start < all; start += BLOCK) {
      const size = min(BLOCK, all - start);
      let listed = list;
      let isMoved = changetype<L>(op).clips();
      if (isMoved) {
        listed = Inside.find<L>(start, start + size, x, t, op, list);
        isMoved = (listed - list) << 1 < size - (size >> 2);
      }
      if (isMoved) {
        Inside.take(list, listed, x + start, Inside.room(op, 0));
        Inside.take(list, listed, t + start, Inside.room(op, 1));
        if (stride) Inside.take(list, listed, w + start, Inside.room(op, 2));
      }
      const from = isMoved ? 0 : start;
      const end = isMoved ? (listed - list) << 1 : start + size;
      const logits = isMoved ? Inside.room(op, 0) : x;
      const targets = isMoved ? Inside.room(op, 1) : t;
      const weights = isMoved && stride ? Inside.room(op, 2) : w;
      const losses = isMoved ? Inside.room(op, 3) : loss;
      const grads = isMoved ? Inside.room(op, 4) : grad;
      decay(from, end, logits, losses);
      if (changetype<L>(op).clips()) Stages.begin<L>(from, end, logits, targets, op);
      Stages.middle<L>(from, end, logits, targets, op, losses);
      Stages.end<L>(from, end, logits, targets, weights, stride, op, losses, grads);
      if (isMoved) {
        Inside.deal(list, listed, Inside.room(op, 3), loss + start, size);
        Inside.deal(list, listed, Inside.room(op, 4), grad + start, size);
      }
    }
  }
}
