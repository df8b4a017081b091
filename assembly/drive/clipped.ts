import { Pack } from "../lane/pack";
import { BLOCK, decay } from "./decay";
import { Middled, Stages } from "./stages";

/** A loss that is 0, as its gradient is, for elements that can be told at a glance. Used as a type argument only. */
@unmanaged
export abstract class Clipped extends Middled {
  /** Whether the parameters leave such elements. */
  abstract clips(): bool;
  /** They are among those of target 0 whose logit is below it. */
  abstract least(): f32;
}

/** The elements of a block that are computed, where many are not: moved together, and dealt out again. */
class Inside {
  /** Logits, targets, weights, gradients; which elements they are, a byte for four; then losses, of the whole chunk. */
  @inline static room(op: usize, index: usize): usize {
    return op + Stages.FIRST + (2 + index) * Stages.ROOM;
  }

  /** Moves logits and targets; returns how many bytes of each. */
  @inline static take<L extends Clipped>(from: usize, end: usize, x: usize, t: usize, op: usize): usize {
    const logits = Inside.room(op, 0);
    let set = Inside.room(op, 4);
    let to = logits;
    const least = f32x4.splat(changetype<L>(op).least());
    for (let i = from; i < end; i += 16) {
      const logit = v128.load(x + i);
      const target = v128.load(t + i);
      const lanes = i32x4.bitmask(v128.or(f32x4.gt(target, f32x4.splat(0)), f32x4.ge(logit, least)));
      store<u8>(set++, lanes);
      v128.store(to, Pack.together(logit, lanes));
      v128.store(to, Pack.together(target, lanes), Stages.ROOM);
      to += Pack.bytes(lanes);
    }
    // What only fills up the last vector is not an element.
    const odd = (end - from) & 15;
    if (odd) {
      const lanes = <i32>load<u8>(set - 1);
      const kept = lanes & ((1 << (<i32>odd >> 2)) - 1);
      store<u8>(set - 1, kept);
      to -= Pack.bytes(lanes ^ kept);
    }
    return to - logits;
  }

  /** Moves the weights of those that `take` has moved. */
  static weights(bytes: usize, w: usize, op: usize): void {
    let set = Inside.room(op, 4);
    let to = Inside.room(op, 2);
    for (let i: usize = 0; i < bytes; i += 16) {
      const lanes = <i32>load<u8>(set++);
      v128.store(to, Pack.together(v128.load(w + i), lanes));
      to += Pack.bytes(lanes);
    }
  }

  /** Losses and gradients back to their places, zeros in the others. */
  static deal(bytes: usize, op: usize, losses: usize, loss: usize, grad: usize): void {
    const grads = Inside.room(op, 3);
    let set = Inside.room(op, 4);
    let at: usize = 0;
    for (let i: usize = 0; i < bytes; i += 16) {
      const lanes = <i32>load<u8>(set++);
      v128.store(loss + i, Pack.apart(v128.load(losses + at), lanes));
      v128.store(grad + i, Pack.apart(v128.load(grads + at), lanes));
      at += Pack.bytes(lanes);
    }
  }
}

export class Clip {
  /**
   * As `Margin.run`, in stages, for a loss that leaves most elements alone: in imbalanced data the easy negative is the
   * rule. Where that saves a quarter of a block, the others are moved together. No bit of an element depends on it.
   *
   * @returns how many losses, all but zeros among them, lie together at `Inside.room(op, 5)`; -1 if none was left out
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
    const clips = changetype<L>(op).clips();
    let done: usize = 0;
    Pack.ready();
    for (let start: usize = 0; start < all; start += BLOCK) {
      const size = min(BLOCK, all - start);
      const moved = clips ? Inside.take<L>(start, start + size, x, t, op) : size;
      const isMoved = moved < size - (size >> 2);
      if (isMoved && stride) Inside.weights(size, w + start, op);
      const from = isMoved ? 0 : start;
      const end = isMoved ? moved : start + size;
      const logits = isMoved ? Inside.room(op, 0) : x;
      const targets = isMoved ? Inside.room(op, 1) : t;
      const weights = isMoved && stride ? Inside.room(op, 2) : w;
      const losses = isMoved ? packed + done : loss;
      const grads = isMoved ? Inside.room(op, 3) : grad;
      decay(from, end, logits, losses);
      if (clips) Stages.begin<L>(from, end, logits, targets, op);
      Stages.middle<L>(from, end, logits, targets, op, losses);
      Stages.end<L>(from, end, logits, targets, weights, stride, op, losses, grads);
      if (isMoved) Inside.deal(size, op, losses, loss + start, grad + start);
      else if (clips) memory.copy(packed + done, loss + start, size);
      done += isMoved ? moved : size;
    }
    return clips ? <i32>(done >> 2) : -1;
  }
}
