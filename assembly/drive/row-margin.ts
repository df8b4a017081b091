import { F4 } from "../lane/f32x4";
import { F2 } from "../lane/f64x2";
import { Wide } from "../math/wide";

/** The negated margin of two rows: v = k (peak - logit of the label) + log(sum). */
class Gap {
  @inline static log(sum: v128): v128 {
    // The logarithm takes at most 1: 2^-32 sum, and 32 ln 2 back.
    return F2.add(Wide.log(F2.mul(sum, F2.lit(2.3283064365386963e-10))), F2.lit(22.18070977791825));
  }
  @inline static of(peak: v128, own: v128, log: v128, k: f64): v128 {
    return F2.madd(F2.sub(peak, own), F2.lit(k), log);
  }
}

/** Four negated margins, computed in float64, as sums of two float32. */
export class Halves {
  /**
   * |near| of 256 and above has rest 0, as no exponential of it is between 0 and infinity, but for a margin beyond
   * float32: near is then the largest of those, and rest what is above it.
   *
   * @param ahead near + 2^-10, for `settleRows`
   */
  @inline static split(low: v128, high: v128, near: usize, ahead: usize, rest: usize): void {
    low = f64x2.pmax(F2.lit(-3.4028234663852886e38), low);
    high = f64x2.pmax(F2.lit(-3.4028234663852886e38), high);
    const v = f32x4.pmin(F4.lit(3.4028234663852886e38), F2.narrow(low, high));
    const left = F2.narrow(F2.sub(low, F2.low(v)), F2.sub(high, F2.high(v)));
    const isSmall = F4.lt(F4.abs(v), F4.lit(256));
    const isCut = f32x4.eq(v, F4.lit(3.4028234663852886e38));
    v128.store(near, v);
    v128.store(ahead, F4.add(v, F4.lit(0.0009765625)));
    v128.store(rest, F4.and(F4.or(isSmall, isCut), left));
  }
}

/**
 * Per row the negated margin v = k (peak - own) + log(sum), as a sum of two float32, near + rest, and log(sum). With
 * k = 1 it is what the other classes have above the label: p_t = sigmoid(-v). |near| of 256 and above has rest 0, as no
 * exponential of it is between 0 and infinity, but for a margin beyond float32: near is then the largest of those.
 *
 * Method: float64 good to 2^-40, for a float32 margin of 80 would be off by 4e-6, and so would its exponential.
 *
 * @param ahead near + 2^-10, for `settleRows`
 * @returns not 0 if a sum is NaN
 */
export function marginRows(
  rows: i32,
  k: f64,
  peaks: usize,
  sums: usize,
  own: usize,
  near: usize,
  ahead: usize,
  rest: usize,
  logs: usize,
): i32 {
  if (rows & 3) v128.store(sums + ((<usize>rows) << 2), F4.lit(0));
  let bad = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const sum = v128.load(sums + i);
    const peak = v128.load(peaks + i);
    const mine = v128.load(own + i);
    const lowLog = Gap.log(F2.low(sum));
    const highLog = Gap.log(F2.high(sum));
    const low = Gap.of(F2.low(peak), F2.low(mine), lowLog, k);
    const high = Gap.of(F2.high(peak), F2.high(mine), highLog, k);
    Halves.split(low, high, near + i, ahead + i, rest + i);
    v128.store(logs + i, F2.narrow(lowLog, highLog));
    bad = v128.or(bad, f32x4.ne(sum, sum));
  }
  return v128.any_true(bad) ? 1 : 0;
}

/**
 * Brings losses and slopes of a binary loss from near to v = near + rest: f(v) = f(near) + rest f'(near), and f' >= 0 on
 * the line to its value 2^-10 ahead, which reaches below 0 where f'(near) has flushed to 0. Writes the slope in place and slope / sum to `scale`.
 */
export function settleRows(
  rows: i32,
  rest: usize,
  sums: usize,
  loss: usize,
  slope: usize,
  ahead: usize,
  scale: usize,
): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const left = v128.load(rest + i);
    const first = v128.load(slope + i);
    const steps = F4.mul(F4.sub(v128.load(ahead + i), first), F4.lit(1024));
    const settled = F4.relu(F4.madd(steps, left, first));
    v128.store(loss + i, F4.madd(first, left, v128.load(loss + i)));
    v128.store(slope + i, settled);
    // A row without other classes has the sum 0 and the slope 0.
    v128.store(scale + i, F4.div(settled, f32x4.pmax(F4.lit(1), v128.load(sums + i))));
  }
}

/**
 * Gradients of the logits: e_k scale, and -slope for the label, divided by the divisor. What a row writes beyond its end
 * the next one overwrites, so `grad` is none of the arrays that are read.
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
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    const factor = F4.lit(load<f32>(scale + at));
    for (let i: usize = 0; i < length; i += 16) {
      v128.store(grad + i, F4.div(F4.mul(v128.load(e + i), factor), F4.lit(divisor)));
    }
    store<f32>(grad + ((<usize>load<i32>(labels + at)) << 2), (0 - load<f32>(slope + at)) / divisor);
    e += length;
    grad += length;
  }
}

/** The same for losses with a second term per class: e_k scale + h_k second. */
export function spreadBoth(
  rows: i32,
  classes: i32,
  e: usize,
  h: usize,
  scale: usize,
  second: usize,
  slope: usize,
  labels: usize,
  divisor: f32,
  grad: usize,
): void {
  const length = (<usize>classes) << 2;
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    const a = F4.lit(load<f32>(scale + at));
    const b = F4.lit(load<f32>(second + at));
    for (let i: usize = 0; i < length; i += 16) {
      const gradient = F4.madd(v128.load(h + i), b, F4.mul(v128.load(e + i), a));
      v128.store(grad + i, F4.div(gradient, F4.lit(divisor)));
    }
    store<f32>(grad + ((<usize>load<i32>(labels + at)) << 2), (0 - load<f32>(slope + at)) / divisor);
    e += length;
    h += length;
    grad += length;
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
