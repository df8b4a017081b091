import { F4 } from "../lane/f32x4";
import { F2 } from "../lane/f64x2";
import { Exp } from "../math/exp";
import { Wide } from "../math/wide";

/**
 * The words of loops over the classes of a row. Rows are stored one after the other without padding, so the last
 * vector of a row may reach into the next one: `lanes` says which lanes are the row's own.
 */
export class Rows {
  /** Bytes of the whole vectors of a row. */
  @inline static whole(classes: i32): usize {
    return (<usize>(classes & ~3)) << 2;
  }

  /** All ones in the lanes of the last vector that belong to the row. */
  @inline static lanes(classes: i32): v128 {
    return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(classes & 3));
  }

  /** The logits of the last vector, -Infinity in lanes that are not the row's. */
  @inline static last(x: usize, lanes: v128): v128 {
    return F4.pick(lanes, v128.load(x), F4.lit(-Infinity));
  }

  /** All ones where a class is there: an excluded one has the logit -Infinity, as has the label's own place. */
  @inline static present(x: v128): v128 {
    return f32x4.ge(x, F4.lit(-3.4028234663852886e38));
  }

  /** What `sum + value` lost in rounding, exact where |sum| >= |value|. */
  @inline static lost(sum: v128, added: v128, value: v128): v128 {
    return F4.add(F4.sub(sum, added), value);
  }

  /** The sum of four lanes and of what they lost, rounded once to float32. */
  @inline static total(sum: v128, lost: v128): f32 {
    const pairs = F2.add(F2.add(F2.low(sum), F2.low(lost)), F2.add(F2.high(sum), F2.high(lost)));
    return <f32>(f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1));
  }

  @inline static most(a: v128): f32 {
    return max<f32>(
      max<f32>(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1)),
      max<f32>(f32x4.extract_lane(a, 2), f32x4.extract_lane(a, 3)),
    );
  }
}

/**
 * Takes the labels out of their rows. A row that is ignored, by its label or by its mask byte, becomes harmless: logits,
 * label and weight 0. In any other, the logit of the label goes to `own` and -Infinity to its place, so that what
 * follows sees the other classes only, and the weight is multiplied by that of the class.
 *
 * @param mask one byte per row, 0 = ignored; or no mask (address 0)
 * @param stride -1 where `alpha` holds one weight per class, 0 where it is one for all
 * @param report three words: not 0 if a label, its logit or a weight is outside the domain; rows that are left; those
 *   of them with a label above 0
 */
export function enterRows(
  rows: i32,
  classes: i32,
  x: usize,
  labels: usize,
  ignored: i32,
  mask: usize,
  w: usize,
  alpha: usize,
  stride: i32,
  own: usize,
  report: usize,
): void {
  const length = (<usize>classes) << 2;
  let bad = 0;
  let valid = 0;
  let positives = 0;
  for (let r: i32 = 0; r < rows; r++) {
    const at = (<usize>r) << 2;
    let label = load<i32>(labels + at);
    if (label == ignored || (mask != 0 && load<u8>(mask + <usize>r) == 0)) {
      memory.fill(x, 0, length);
      store<f32>(w + at, 0);
      label = 0;
    } else {
      const isForeign = <u32>label >= <u32>classes;
      if (isForeign) label = 0;
      const weight = load<f32>(w + at);
      const logit = load<i32>(x + ((<usize>label) << 2)) & 0x7fffffff;
      if (isForeign || logit >= 0x7f800000 || !(weight >= 0 && weight < Infinity)) bad = 1;
      valid++;
      positives += i32(label != 0);
      store<f32>(w + at, weight * load<f32>(alpha + ((<usize>(label & stride)) << 2)));
    }
    store<i32>(labels + at, label);
    store<f32>(own + at, load<f32>(x + ((<usize>label) << 2)));
    store<f32>(x + ((<usize>label) << 2), -Infinity);
    x += length;
  }
  store<i32>(report, bad);
  store<i32>(report, valid, 4);
  store<i32>(report, positives, 8);
}

/**
 * Per row the peak m of the logits, their exponentials e_k = exp(x_k - m) and the sum of those: 0 for a row without
 * logits above -Infinity, else in [1, classes]; NaN if a logit is NaN or +Infinity. The sum keeps what it loses in
 * rounding: it is good to 1.5 ulp for any number of classes.
 */
export function liftRows(rows: i32, classes: i32, x: usize, e: usize, peaks: usize, sums: usize): void {
  const whole = Rows.whole(classes);
  const half = (whole >> 5) << 4;
  const lanes = Rows.lanes(classes);
  const length = (<usize>classes) << 2;
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    let most = F4.lit(-3.4028234663852886e38);
    let upper = most;
    // Two chains: one alone would wait for every comparison.
    for (let i: usize = 0; i < half; i += 16) {
      most = f32x4.pmax(most, v128.load(x + i));
      upper = f32x4.pmax(upper, v128.load(x + half + i));
    }
    most = f32x4.pmax(most, upper);
    if (whole & 16) most = f32x4.pmax(most, v128.load(x + whole - 16));
    if (classes & 3) most = f32x4.pmax(most, Rows.last(x + whole, lanes));
    const peak = Rows.most(most);
    let sum = F4.lit(0);
    let lost = F4.lit(0);
    for (let i: usize = 0; i < whole; i += 16) {
      const value = Exp.nonPositive(F4.sub(v128.load(x + i), F4.lit(peak)));
      v128.store(e + i, value);
      const added = F4.add(sum, value);
      lost = F4.add(lost, Rows.lost(sum, added, value));
      sum = added;
    }
    if (classes & 3) {
      const value = Exp.nonPositive(F4.sub(Rows.last(x + whole, lanes), F4.lit(peak)));
      v128.store(e + whole, value);
      const added = F4.add(sum, value);
      lost = F4.add(lost, Rows.lost(sum, added, value));
      sum = added;
    }
    store<f32>(peaks + at, peak);
    store<f32>(sums + at, Rows.total(sum, lost));
    x += length;
    e += length;
  }
}

/** The negated margin of two rows: v = k (peak - logit of the label) + log(sum). */
class Gap {
  @inline static log(sum: v128): v128 {
    // The logarithm takes at most 1: 2^-32 sum, and 32 ln 2 back.
    return F2.add(Wide.log(F2.mul(sum, F2.lit(2.3283064365386963e-10))), F2.lit(22.18070977791825));
  }
  @inline static of(peak: v128, own: v128, log: v128, k: f64): v128 {
    return f64x2.pmax(F2.lit(-3.4028234663852886e38), F2.madd(F2.sub(peak, own), F2.lit(k), log));
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
    const v = f32x4.pmin(F4.lit(3.4028234663852886e38), F2.narrow(low, high));
    const left = F2.narrow(F2.sub(low, F2.low(v)), F2.sub(high, F2.high(v)));
    const isSmall = F4.lt(F4.abs(v), F4.lit(256));
    const isCut = f32x4.eq(v, F4.lit(3.4028234663852886e38));
    v128.store(near + i, v);
    v128.store(ahead + i, F4.add(v, F4.lit(0.0009765625)));
    v128.store(rest + i, F4.and(F4.or(isSmall, isCut), left));
    v128.store(logs + i, F2.narrow(lowLog, highLog));
    bad = v128.or(bad, f32x4.ne(sum, sum));
  }
  return v128.any_true(bad) ? 1 : 0;
}

/**
 * Brings losses and slopes of a binary loss from near to v = near + rest: f(v) = f(near) + rest f'(near), and f' on the
 * line to its value 2^-10 ahead. Writes the slope in place and slope / sum to `scale`.
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
    const settled = F4.madd(steps, left, first);
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
