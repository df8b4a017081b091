import { F4 } from "../lane/f32x4";
import { I4 } from "../lane/i32x4";
import { Exp } from "../math/exp";
import { Tile } from "./tile";

/**
 * Looks the labels of some rows over. A row that is ignored, by its label or by its mask byte, gets the label -1 and the
 * weight 0.
 *
 * @param mask one byte per row, 0 = ignored
 * @param report three words: not 0 if a label or a weight is outside the domain; rows that are left; those of them with
 *   a label above 0
 */
export function admitRows(
  rows: i32,
  classes: i32,
  labels: usize,
  ignored: i32,
  mask: usize,
  w: usize,
  report: usize,
): void {
  store<u32>(mask + <usize>rows, 0);
  let bad = i32x4.splat(0);
  let valid = i32x4.splat(0);
  let positives = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const label = v128.load(labels + i);
    const weight = v128.load(w + i);
    const bytes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(mask + (i >> 2))));
    const kept = v128.and(i32x4.ne(label, i32x4.splat(ignored)), i32x4.gt_s(bytes, i32x4.splat(0)));
    const isForeign = i32x4.ge_u(label, i32x4.splat(classes));
    const isGood = v128.and(f32x4.ge(weight, F4.lit(0)), F4.lt(weight, F4.lit(Infinity)));
    bad = v128.or(bad, v128.and(kept, v128.or(isForeign, v128.not(isGood))));
    valid = i32x4.sub(valid, kept);
    positives = i32x4.sub(positives, v128.and(kept, i32x4.gt_s(label, i32x4.splat(0))));
    v128.store(labels + i, F4.pick(kept, v128.andnot(label, isForeign), i32x4.splat(-1)));
    v128.store(w + i, v128.and(weight, kept));
  }
  // Rows that only fill up the last four.
  v128.store(labels + ((<usize>rows) << 2), F4.lit(0));
  store<i32>(report, i32(v128.any_true(bad)));
  store<i32>(report, I4.sum(valid), 4);
  store<i32>(report, I4.sum(positives), 8);
}

/**
 * The rows with a label above 0, or -1 if a label is `ignored` or no class: then `admitRows` says more. Most batches have
 * neither mask nor weights nor such a label, and need no more than this.
 */
export function countLabels(rows: i32, classes: i32, labels: usize, ignored: i32): i32 {
  const end = (<usize>rows) << 2;
  // Rows that only fill up the last four.
  v128.store(labels + end, F4.lit(0));
  let others = i32x4.splat(0);
  let positives = i32x4.splat(0);
  for (let i: usize = 0; i < end; i += 16) {
    const label = v128.load(labels + i);
    const isForeign = i32x4.ge_u(label, i32x4.splat(classes));
    others = v128.or(others, v128.or(isForeign, i32x4.eq(label, i32x4.splat(ignored))));
    positives = i32x4.sub(positives, i32x4.gt_s(label, i32x4.splat(0)));
  }
  return v128.any_true(others) ? -1 : I4.sum(positives);
}

/** Makes ignored rows, whose logits may be anything, harmless: logits and label 0. */
export function blankRows(rows: i32, classes: i32, x: usize, labels: usize): void {
  const length = (<usize>classes) << 2;
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 4) {
    if (load<i32>(labels + i) < 0) {
      memory.fill(x, 0, length);
      store<i32>(labels + i, 0);
    }
    x += length;
  }
}

/**
 * Takes the labels' logits out of their rows: to `own`, and the last class takes their place, so that what follows sees
 * `classes - 1` others and nothing else.
 *
 * @returns not 0 if the logit of a label is not finite
 */
export function enterRows(rows: i32, classes: i32, x: usize, labels: usize, own: usize): i32 {
  const length = (<usize>classes) << 2;
  let most = 0;
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 4) {
    const place = x + ((<usize>load<i32>(labels + i)) << 2);
    const logit = load<i32>(place);
    most = max(most, logit & 0x7fffffff);
    store<i32>(own + i, logit);
    store<i32>(place, load<i32>(x + length - 4));
    x += length;
  }
  return i32(most >= 0x7f800000);
}

/** Multiplies the weights of rows by those of their labels' classes. */
export function weighLabels(rows: i32, labels: usize, alpha: usize, w: usize): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 4) {
    const label = (<usize>load<i32>(labels + i)) << 2;
    store<f32>(w + i, load<f32>(w + i) * load<f32>(alpha + label));
  }
}

/**
 * exp(x_k - peak) of tiles, or of rows; an excluded class has 0. A function of its own, as its loop has other copies than
 * those around it.
 *
 * @param bytes of each; the next begins `stride` bytes behind it, and the last vector may reach into it
 * @param peaks one vector for each
 */
export function decayRows(count: usize, bytes: usize, stride: usize, x: usize, peaks: usize, e: usize): void {
  for (let end = peaks + (count << 4); peaks < end; peaks += 16) {
    const peak = v128.load(peaks);
    for (let i: usize = 0; i < bytes; i += 16) v128.store(e + i, Exp.term(F4.sub(v128.load(x + i), peak)));
    x += stride;
    e += stride;
  }
}

/**
 * Per row the peak m of the others' logits, and as tiles x_k and e_k = exp(x_k - m), with the sum of those: 0 for a row
 * without logits above -Infinity, else in [1, classes); NaN if a logit is NaN or +Infinity.
 *
 * @param logits room for x_k; may be `e`, which then overwrites them
 */
export function liftRows(
  rows: i32,
  classes: i32,
  x: usize,
  logits: usize,
  e: usize,
  peaks: usize,
  sums: usize,
): void {
  const length = (<usize>classes) << 4;
  const bytes = length - 16;
  const tiles = Tile.count(rows);
  const step = max<usize>(Tile.BLOCK / length, 1);
  for (let from: usize = 0; from < tiles; from += step) {
    const end = min(from + step, tiles);
    for (let t = from; t < end; t++)
      v128.store(peaks + (t << 4), Tile.gather(classes, x + t * length, logits + t * bytes));
    decayRows(end - from, bytes, bytes, logits + from * bytes, peaks + (from << 4), e + from * bytes);
    for (let t = from; t < end; t++) v128.store(sums + (t << 4), Tile.sum(e + t * bytes, bytes, F4.lit(0)));
  }
}
