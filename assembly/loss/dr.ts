import { Grid } from "../drive/grid";
import { F2 } from "../lane/f64x2";
import { Fixed } from "../lane/fixed";
import { Wide } from "../math/wide";

/** 1.5 * 2^52: adding and subtracting it rounds to a whole number; the biased one leaves an exponent field. */
const WHOLE: f64 = 6755399441055744;
const BIASED: f64 = 6755399441056767;
/** Powers of two in a bucket, from 2^-20 to 2^20. */
const WIDTH: f64 = 40;
/** Grids of the two parts of a sum: 2^13 numbers, below 2^21 and then below 2^-28, stay below 2^62 units. */
const COARSE: i32 = -28;
const FINE: i32 = -77;

/**
 * DR loss of logits: every score p = sigmoid(x) is a positive or a negative.
 *
 *   P  = sum q p / sum q               q = e^(-p / lambda+) of the positives, q = e^(p / lambda-) of the negatives
 *   L  = tau / scale softplus(scale (P- - P+ + margin))
 *   L' = s c q (1 + s (p - P) / lambda) p (1 - p)        s = -1 and 1, c = tau sigmoid(scale (P- - P+ + margin))
 *
 * A side has one factor, s log2(e) / lambda, and q = 2^v with v = factor p. Since v may span thousands of octaves, q
 * is held as 2^(v - 40 b) in bucket b, the whole number next to v / 40.
 *
 * Domain: finite logits; -Infinity is an element that is not there.
 * Error: 2^-42 for p, and 2^-43 + 2^-42 |v| for q, relative; an element enters a sum to 2^-78 (test/dr.test.ts).
 * Source: Qian et al. 2019, arXiv 1907.10156; gradient: docs/dr-loss.md.
 */
class Dr {
  /** Four absent elements behind the last. */
  @inline static end(n: i32, x: usize): void {
    v128.store(x + ((<usize>n) << 2), f32x4.splat(-Infinity));
  }

  @inline static decay(x: v128): v128 {
    return Wide.exp(F2.neg(F2.abs(x)));
  }

  /** The larger of sigmoid(x) and sigmoid(-x); `e` = e^-|x| times it is the other. */
  @inline static larger(e: v128): v128 {
    return F2.div(F2.lit(1), F2.add(F2.lit(1), e));
  }

  @inline static score(x: v128, e: v128, larger: v128): v128 {
    return F2.pick(F2.lt(x, F2.lit(0)), F2.mul(e, larger), larger);
  }

  /** The whole number next to v, ties to even. */
  @inline static whole(v: v128): v128 {
    return F2.sub(F2.add(v, F2.lit(WHOLE)), F2.lit(WHOLE));
  }

  /** 2^k times a value, for a whole k that leaves it normal. */
  @inline static lift(value: v128, k: v128): v128 {
    return F2.mul(F2.pow2(F2.add(k, F2.lit(BIASED))), value);
  }
}

/**
 * e^-|x| of n logits as float64. A loop of its own: the shorter a loop, the more of its rounds a processor has in flight.
 */
export function drDecays(n: i32, x: usize, e: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 8)
    v128.store(e + (i << 1), Dr.decay(F2.low(v128.load64_zero(x + i))));
}

/** 2^(v - k) with k the whole number next to v = factor p, in a loop of its own for the same reason. */
export function drPowers(n: i32, p: usize, factor: f64, power: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 3; i < end; i += 16) {
    const v = F2.mul(v128.load(p + i), F2.lit(factor));
    v128.store(power + i, Wide.mantissa(F2.mul(F2.sub(v, Dr.whole(v)), F2.lit(0.6931471805599453)))); // 0x1.62e42fefa39efp-1
  }
}

/**
 * p = sigmoid(x) as float64, -1 for an element that is not there and for the three behind the last.
 *
 * @param report two float64: the largest and the smallest v = factor p, -Infinity and Infinity if there is none
 */
export function drScores(n: i32, x: usize, factor: f64, p: usize, report: usize): void {
  Dr.end(n, x);
  drDecays((n + 3) & ~3, x, p);
  let most = F2.lit(-Infinity);
  let least = F2.lit(Infinity);
  for (let i: usize = 0, end = (<usize>((n + 3) & ~3)) << 2; i < end; i += 8) {
    const logit = F2.low(v128.load64_zero(x + i));
    const e = v128.load(p + (i << 1));
    const score = Dr.score(logit, e, Dr.larger(e));
    const absent = f64x2.eq(logit, F2.lit(-Infinity));
    const v = F2.mul(score, F2.lit(factor));
    most = f64x2.pmax(most, F2.pick(absent, F2.lit(-Infinity), v));
    least = f64x2.pmin(least, F2.pick(absent, F2.lit(Infinity), v));
    v128.store(p + (i << 1), F2.pick(absent, F2.lit(-1), score));
  }
  store<f64>(report, max<f64>(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1)));
  store<f64>(report, min<f64>(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1)), 8);
}

/**
 * The exact sums of q and of q p over one bucket, in its units: added to two sums of ten words, see `Fixed`.
 *
 * @param n at most 16384
 * @param power what `drPowers` has left
 */
export function drSums(n: i32, p: usize, factor: f64, bucket: f64, power: usize, words: usize): void {
  const coarse = F2.lit(Grid.double(COARSE));
  const fine = F2.lit(Grid.double(FINE));
  let q1 = i64x2.splat(0);
  let q0 = i64x2.splat(0);
  let p1 = i64x2.splat(0);
  let p0 = i64x2.splat(0);
  for (let i: usize = 0, end = (<usize>((n + 1) & ~1)) << 3; i < end; i += 16) {
    const score = v128.load(p + i);
    const v = F2.mul(score, F2.lit(factor));
    const k = Dr.whole(v);
    const own = f64x2.eq(Dr.whole(F2.mul(v, F2.lit(1 / WIDTH))), F2.lit(bucket));
    const there = F2.and(own, f64x2.ge(score, F2.lit(0)));
    const q = F2.and(there, Dr.lift(v128.load(power + i), F2.sub(k, F2.lit(WIDTH * bucket))));
    const a = F2.add(q, coarse);
    q1 = i64x2.add(q1, a);
    q0 = i64x2.add(q0, F2.add(Grid.restDouble(q, a, coarse), fine));
    const qp = F2.mul(q, score);
    const b = F2.add(qp, coarse);
    p1 = i64x2.add(p1, b);
    p0 = i64x2.add(p0, F2.add(Grid.restDouble(qp, b, coarse), fine));
  }
  const count = <i64>((n + 1) >> 1);
  Grid.spillDouble(words, q1, count, COARSE);
  Grid.spillDouble(words, q0, count, FINE);
  Grid.spillDouble(words + 80, p1, count, COARSE);
  Grid.spillDouble(words + 80, p0, count, FINE);
  Fixed.carry(words);
  Fixed.carry(words + 80);
}

/**
 * Gradients of one side, +0 where an element is not there.
 *
 * @param base 40 times the highest bucket of the side
 * @param inverse 1 over the sum of q in its units
 * @param mean P
 * @param slope s / lambda
 * @param scale s c
 * @param p room for n float64, as `power` and `local`
 * @param grad may be `x`
 * @returns the largest share q / sum q of any element: above 1 if it is not in the sum
 */
export function drGrad(
  n: i32,
  x: usize,
  factor: f64,
  base: f64,
  inverse: f64,
  mean: f64,
  slope: f64,
  scale: f64,
  p: usize,
  power: usize,
  local: usize,
  grad: usize,
): f64 {
  Dr.end(n, x);
  drDecays(n, x, local);
  for (let i: usize = 0, end = (<usize>n) << 3; i < end; i += 16) {
    const logit = F2.low(v128.load64_zero(x + (i >> 1)));
    const e = v128.load(local + i);
    const larger = Dr.larger(e);
    v128.store(p + i, Dr.score(logit, e, larger));
    v128.store(local + i, F2.mul(F2.mul(e, larger), larger));
  }
  drPowers(n, p, factor, power);
  let most = F2.lit(0);
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 8) {
    const absent = f64x2.eq(F2.low(v128.load64_zero(x + i)), F2.lit(-Infinity));
    const score = v128.load(p + (i << 1));
    const k = Dr.whole(F2.mul(score, F2.lit(factor)));
    const above = f64x2.pmax(F2.lit(-1000), f64x2.pmin(F2.lit(1000), F2.sub(k, F2.lit(base))));
    const share = F2.mul(Dr.lift(v128.load(power + (i << 1)), above), F2.lit(inverse));
    most = f64x2.pmax(most, F2.clear(absent, share));
    const turn = F2.madd(F2.sub(score, F2.lit(mean)), F2.lit(slope), F2.lit(1));
    const product = F2.mul(F2.mul(share, turn), F2.mul(v128.load(local + (i << 1)), F2.lit(scale)));
    v128.store64_lane(grad + i, f32x4.demote_f64x2_zero(F2.clear(absent, product)), 0);
  }
  return max<f64>(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
}

/** softplus(u) and sigmoid(u): two float64 at `out`. */
export function drLink(u: f64, out: usize): void {
  const x = F2.lit(u);
  const e = Dr.decay(x);
  const softplus = F2.add(F2.relu(x), Wide.log1p(e));
  const sigmoid = Dr.score(x, e, Dr.larger(e));
  v128.store(out, v128.shuffle<i64>(softplus, sigmoid, 0, 2));
}
