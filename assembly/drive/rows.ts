import { F4 } from "../lane/f32x4";
import { F2 } from "../lane/f64x2";
import { Exp } from "../math/exp";

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
