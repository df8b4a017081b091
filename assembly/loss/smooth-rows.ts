import { Gaps } from "../drive/rows";
import { Tile } from "../drive/tile";
import { F4 } from "../lane/f32x4";
import { F2 } from "../lane/f64x2";
import { Wide } from "../math/wide";

/** Two rows, float64. */
class Smooth {
  /** What turns exp(x_k - peak) into p_k, from what the peak is above the label and the sum of the others. */
  @inline static scale(gap: v128, sum: v128): v128 {
    const power = Wide.exp(F2.neg(F2.abs(gap)));
    const isAbove = F2.lt(F2.lit(0), gap);
    const others = F2.pick(isAbove, F2.lit(1), power);
    return F2.div(others, F2.madd(sum, others, F2.pick(isAbove, power, F2.lit(1))));
  }

  /** w (T (power + rest) scale - part). */
  @inline static gradient(power: v128, rest: v128, scale: v128, part: v128): v128 {
    return F2.sub(F2.mul(F2.add(power, rest), scale), part);
  }

  /** `value` where a class is there: none is -Infinity below the peak in float64. */
  @inline static kept(gap: v128, value: v128): v128 {
    return F2.and(F2.lt(F2.lit(-Infinity), gap), value);
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
  const one = F2.lit(1);
  for (let at: usize = 0, end = Tile.count(rows) << 4; at < end; at += 16) {
    const peak = v128.load(peaks + at);
    const peakLow = F2.low(peak);
    const peakHigh = F2.high(peak);
    let sumLow = F2.lit(0);
    let sumHigh = sumLow;
    let gapsLow = sumLow;
    let gapsHigh = sumLow;
    let countLow = sumLow;
    let countHigh = sumLow;
    for (let i: usize = 0; i < bytes; i += 16) {
      const logit = v128.load(h + i);
      const low = F2.sub(F2.low(logit), peakLow);
      const high = F2.sub(F2.high(logit), peakHigh);
      const powerLow = Wide.exp(low);
      const powerHigh = Wide.exp(high);
      const power = F2.narrow(powerLow, powerHigh);
      const rest = F2.narrow(F2.sub(powerLow, F2.low(power)), F2.sub(powerHigh, F2.high(power)));
      v128.store(e + i, power);
      // -Infinity stays with a class that is not there: the power of another may be 0 as well.
      v128.store(h + i, F4.pick(f32x4.ge(logit, Gaps.lowest()), rest, logit));
      sumLow = F2.add(sumLow, powerLow);
      sumHigh = F2.add(sumHigh, powerHigh);
      gapsLow = F2.add(gapsLow, Smooth.kept(low, low));
      gapsHigh = F2.add(gapsHigh, Smooth.kept(high, high));
      countLow = F2.add(countLow, Smooth.kept(low, one));
      countHigh = F2.add(countHigh, Smooth.kept(high, one));
    }
    const mine = v128.load(own + at);
    const scaleLow = Smooth.scale(F2.sub(peakLow, F2.low(mine)), sumLow);
    const scaleHigh = Smooth.scale(F2.sub(peakHigh, F2.high(mine)), sumHigh);
    const weight = v128.load(w + at);
    const partLow = F2.mul(F2.low(weight), F2.lit(part));
    const partHigh = F2.mul(F2.high(weight), F2.lit(part));
    const wholeLow = F2.madd(countLow, partLow, F2.mul(F2.low(weight), F2.lit(share)));
    const wholeHigh = F2.madd(countHigh, partHigh, F2.mul(F2.high(weight), F2.lit(share)));
    const pullLow = F2.mul(wholeLow, scaleLow);
    const pullHigh = F2.mul(wholeHigh, scaleHigh);
    for (let i: usize = 0; i < bytes; i += 16) {
      const power = v128.load(e + i);
      const rest = v128.load(h + i);
      const low = Smooth.gradient(F2.low(power), F2.low(rest), pullLow, partLow);
      const high = Smooth.gradient(F2.high(power), F2.high(rest), pullHigh, partHigh);
      v128.store(e + i, F4.and(f32x4.ge(rest, Gaps.lowest()), F2.narrow(low, high)));
    }
    const level = v128.load(levels + at);
    const labels = v128.load(loss + at);
    const lostLow = F2.sub(F2.mul(countLow, F2.low(level)), gapsLow);
    const lostHigh = F2.sub(F2.mul(countHigh, F2.high(level)), gapsHigh);
    v128.store(
      loss + at,
      F2.narrow(F2.madd(partLow, lostLow, F2.low(labels)), F2.madd(partHigh, lostHigh, F2.high(labels))),
    );
    v128.store(
      slope + at,
      F2.narrow(
        F2.sub(F2.mul(pullLow, sumLow), F2.mul(countLow, partLow)),
        F2.sub(F2.mul(pullHigh, sumHigh), F2.mul(countHigh, partHigh)),
      ),
    );
    e += bytes;
    h += bytes;
  }
}
