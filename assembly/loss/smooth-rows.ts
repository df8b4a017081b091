import { Tile } from "../drive/tile";
import { F2 } from "../lane/f64x2";
import { Wide } from "../math/wide";

/** Two rows, half a tile, in float64. */
class Half {
  @inline static load(at: usize): v128 {
    return F2.low(v128.load64_zero(at));
  }
  @inline static store(at: usize, value: v128): void {
    v128.store64_lane(at, f32x4.demote_f64x2_zero(value), 0);
  }

  /** All ones where a class is there: what is not is -Infinity, and nothing else is in float64. */
  @inline static isThere(value: v128): v128 {
    return F2.lt(F2.lit(-Infinity), value);
  }

  /** What turns exp(x_k - peak) into p_k, from what the peak is above the label and the sum of the others. */
  @inline static scale(gap: v128, sum: v128): v128 {
    const power = Wide.exp(F2.neg(F2.abs(gap)));
    const isAbove = F2.lt(F2.lit(0), gap);
    const others = F2.pick(isAbove, F2.lit(1), power);
    return F2.div(others, F2.madd(sum, others, F2.pick(isAbove, power, F2.lit(1))));
  }

  /** From exponentials, in two float32 each, to gradients pull exp(x_k - peak) - part. */
  @inline static deal(e: usize, h: usize, end: usize, pull: v128, part: v128): void {
    for (; e < end; e += 16, h += 16) {
      const rest = Half.load(h);
      const gradient = F2.sub(F2.mul(F2.add(Half.load(e), rest), pull), part);
      Half.store(e, F2.and(Half.isThere(rest), gradient));
    }
  }
}

/**
 * The part of the smoothed target that is not the label's, for cross-entropy: each class that is there has the target
 * `part`, the label `share`, T in all.
 *
 *   L = share softplus(v) + part sum_k (-log p_k)
 *   dL/dx_k = T p_k - part,   dL/dx_t = T p_t - share = part n - T (1 - p_t)
 *
 * Differences of numbers that may be as near to each other as one likes: they are made in float64, with exponentials
 * good to 2^-40, and rounded once. What is missing of p_t comes from the sum of the others, never from 1 - p_t.
 *
 * @param e room for tiles; then dL/dx_k
 * @param h logits as tiles; then nothing
 * @param levels log-sum-exp of the row less its peak
 * @param loss share w softplus(v); then L
 * @param slope then -dL/dx_t
 */
export function smoothRows(
  rows: i32,
  classes: i32,
  e: usize,
  h: usize,
  peaks: usize,
  own: usize,
  levels: usize,
  share: f64,
  part: f64,
  w: usize,
  loss: usize,
  slope: usize,
): void {
  const bytes = (<usize>(classes - 1)) << 4;
  for (let at: usize = 0, end = Tile.count(rows) << 4; at < end; at += 8) {
    const from = (at >> 4) * bytes + (at & 8);
    const peak = Half.load(peaks + at);
    let sum = F2.lit(0);
    let gaps = F2.lit(0);
    let count = F2.lit(0);
    for (let i = from; i < from + bytes; i += 16) {
      const gap = F2.sub(Half.load(h + i), peak);
      const isThere = Half.isThere(gap);
      const power = Wide.exp(gap);
      const high = f32x4.demote_f64x2_zero(power);
      v128.store64_lane(e + i, high, 0);
      // -Infinity stays with a class that is not there: the power of another may be 0 as well.
      Half.store(h + i, F2.pick(isThere, F2.sub(power, F2.low(high)), F2.lit(-Infinity)));
      sum = F2.add(sum, power);
      gaps = F2.add(gaps, F2.and(isThere, gap));
      count = F2.add(count, F2.and(isThere, F2.lit(1)));
    }
    const weight = Half.load(w + at);
    const each = F2.mul(weight, F2.lit(part));
    const whole = F2.madd(count, each, F2.mul(weight, F2.lit(share)));
    const pull = F2.mul(whole, Half.scale(F2.sub(peak, Half.load(own + at)), sum));
    Half.deal(e + from, h + from, e + from + bytes, pull, each);
    // A label that is further above all others than float32 reaches: the level is that gap.
    const lead = F2.sub(Half.load(own + at), peak);
    const isFar = F2.lt(F2.lit(3.4028234663852886e38), lead);
    const level = F2.pick(isFar, lead, Half.load(levels + at));
    const lost = F2.sub(F2.mul(count, level), gaps);
    Half.store(loss + at, F2.madd(each, lost, Half.load(loss + at)));
    Half.store(slope + at, F2.sub(F2.mul(pull, sum), F2.mul(count, each)));
  }
}
