import { F4 } from "../lane/f32x4";
import { Log } from "../math/log";
import { Log1p } from "../math/log1p";
import { Gap } from "./gap";
import { Tile } from "./tile";

/**
 * Per row the negated margin v = k (peak - own) + log(sum) and exp(-|v|). With k = 1 it is what the other classes have
 * above the label: p_t = sigmoid(-v).
 *
 * The exponential is not made of v: a margin of 80, rounded to float32, is off by 4e-6, and so would be its
 * exponential. It is sum exp(k (peak - own)), or one over that, and the difference of two float32 is exact in two.
 *
 * @param near v, at most the largest float32
 * @param decay exp(-|v|), twice: the kernel of a binary loss takes one of them away
 * @param logs log(sum)
 * @returns 1 if a sum is NaN, and 2 if a margin is beyond float32: see `exceed`
 */
export function marginRows(
  rows: i32,
  k: f32,
  peaks: usize,
  sums: usize,
  own: usize,
  near: usize,
  decay: usize,
  copy: usize,
  logs: usize,
): i32 {
  if (rows & 3) v128.store(sums + ((<usize>rows) << 2), F4.lit(0));
  let bad = i32x4.splat(0);
  let far = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const sum = v128.load(sums + i);
    const peak = v128.load(peaks + i);
    const mine = v128.load(own + i);
    const gap = F4.sub(peak, mine);
    const high = F4.mul(F4.lit(k), gap);
    const low = Gap.near(high, F4.mul(F4.lit(k), Gap.lost(peak, mine, gap)));
    const power = Gap.decay(high, low);
    const isAbove = F4.lt(F4.lit(0), high);
    // The odds of the label, or one over them: the smaller number over the larger.
    const upper = F4.pick(isAbove, power, F4.mul(power, sum));
    const lower = F4.pick(isAbove, f32x4.pmax(F4.lit(1), sum), F4.lit(1));
    const small = F4.div(f32x4.pmin(upper, lower), f32x4.pmax(upper, lower));
    // log(sum) = n ln2 + tail, with n ln2 in two parts, the first of them exact.
    const n = Log.exponent(sum);
    const whole = F4.mul(n, F4.lit(0.69314575)); // 0x1.62e4p-1
    const tail = F4.madd(n, F4.lit(0.0000014286068), Log1p.unit(Log.fraction(sum))); // 0x1.7f7d1cp-20
    const v = F4.add(F4.add(high, whole), F4.add(tail, low));
    v128.store(near + i, Gap.cut(v));
    v128.store(decay + i, small);
    v128.store(copy + i, small);
    v128.store(logs + i, F4.add(whole, tail));
    bad = v128.or(bad, f32x4.ne(sum, sum));
    far = v128.or(far, Gap.isFar(gap));
  }
  return i32(v128.any_true(bad)) | (i32(v128.any_true(far)) << 1);
}

/** Adds to losses what their margins, above - below, have beyond float32; hardly any batch has such a one. */
export function exceed(n: i32, above: usize, below: usize, slope: usize, loss: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const over = Gap.over(v128.load(above + i), v128.load(below + i));
    // A slope may be infinite, and so would be 0 times it.
    const more = F4.and(F4.lt(F4.lit(0), over), F4.mul(v128.load(slope + i), over));
    v128.store(loss + i, F4.add(more, v128.load(loss + i)));
  }
}

/** Writes slope / sum to `scale`. */
export function settleRows(rows: i32, sums: usize, slope: usize, scale: usize): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    // A row without other classes has the sum 0 and the slope 0.
    v128.store(scale + i, F4.div(v128.load(slope + i), f32x4.pmax(F4.lit(1), v128.load(sums + i))));
  }
}

export class Own {
  /** Puts the gradient of the last class back where it belongs, and that of the label to its place. */
  @inline static put(label: i32, length: usize, gradient: f32, grad: usize): void {
    const at = grad + ((<usize>label) << 2);
    store<f32>(grad + length - 4, load<f32>(at));
    store<f32>(at, gradient);
  }
}

/**
 * Gradients of the logits: e_k scale, and -slope for the label, divided by the divisor. From tiles to rows; what the last
 * four classes of a row write beyond its end is overwritten by the next row, so they come first.
 */
export function spreadRows(
  rows: i32,
  classes: i32,
  e: usize,
  scale: usize,
  slope: usize,
  labels: usize,
  divisor: f32,
  grad: usize,
): void {
  const length = (<usize>classes) << 2;
  const by = F4.lit(divisor);
  for (let at: usize = 0, end = Tile.count(rows) << 4; at < end; at += 16) {
    const factor = v128.load(scale + at);
    for (let i = <isize>((length - 8) & ~15); i >= 0; i -= 16) {
      const from = e + ((<usize>i) << 2);
      Tile.turn(
        F4.div(F4.mul(v128.load(from), factor), by),
        F4.div(F4.mul(v128.load(from, 16), factor), by),
        F4.div(F4.mul(v128.load(from, 32), factor), by),
        F4.div(F4.mul(v128.load(from, 48), factor), by),
        grad + <usize>i,
        length,
      );
    }
    const own = F4.div(F4.sub(F4.lit(0), v128.load(slope + at)), by);
    Own.put(load<i32>(labels + at), length, f32x4.extract_lane(own, 0), grad);
    Own.put(load<i32>(labels + at, 4), length, f32x4.extract_lane(own, 1), grad + length);
    Own.put(load<i32>(labels + at, 8), length, f32x4.extract_lane(own, 2), grad + 2 * length);
    Own.put(load<i32>(labels + at, 12), length, f32x4.extract_lane(own, 3), grad + 3 * length);
    e += (length << 2) - 16;
    grad += length << 2;
  }
}

/** Adds a second term per class, h_k second, to e_k scale: in place of e. */
export function joinRows(rows: i32, classes: i32, e: usize, h: usize, scale: usize, second: usize): void {
  const bytes = (<usize>(classes - 1)) << 4;
  for (let at: usize = 0, end = Tile.count(rows) << 4; at < end; at += 16) {
    const a = v128.load(scale + at);
    const b = v128.load(second + at);
    for (let i: usize = 0; i < bytes; i += 16)
      v128.store(e + i, F4.madd(v128.load(h + i), b, F4.mul(v128.load(e + i), a)));
    e += bytes;
    h += bytes;
  }
}

/** Values of rows times one factor per row. Beyond its end a row writes as in `spreadRows`: `out` is not what is read. */
export function weighRows(rows: i32, classes: i32, x: usize, factors: usize, out: usize): void {
  const length = (<usize>classes) << 2;
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    const factor = F4.lit(load<f32>(factors + at));
    for (let i: usize = 0; i < length; i += 16) v128.store(out + i, F4.mul(v128.load(x + i), factor));
    x += length;
    out += length;
  }
}
