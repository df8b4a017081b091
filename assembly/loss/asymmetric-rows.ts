import { Rows } from "../drive/rows";
import { F4 } from "../lane/f32x4";
import { Exp } from "../math/exp";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";

/** The terms of the classes that are not the label: see `tailRows`. */
class Tail {
  /** l = -log p = level + (peak - x), at most the largest float32; 0 for a class that is not there. */
  @inline static miss(x: v128, level: f32, peak: f32): v128 {
    const l = F4.add(F4.lit(level), F4.sub(F4.lit(peak), x));
    return F4.and(Rows.present(x), f32x4.pmin(F4.lit(3.4028234663852886e38), l));
  }
  /** gamma l, cut where its exponential has long been 0. */
  @inline static steep(l: v128, gamma: f32): v128 {
    return f32x4.pmin(F4.lit(1000), F4.mul(F4.lit(gamma), l));
  }
  /** p^gamma, 0 for a class that is not there. */
  @inline static fade(x: v128, steep: v128): v128 {
    return F4.and(Rows.present(x), Exp.nonPositive(F4.neg(steep)));
  }
  /** p^gamma (1 - gamma l): the derivative of p^gamma l with respect to l. */
  @inline static turn(fade: v128, steep: v128): v128 {
    return F4.mul(fade, F4.sub(F4.lit(1), steep));
  }
}

/**
 * Per row, over the classes that are not the label: the sum of p^gamma l with l = -log p, and h = p^gamma (1 - gamma l)
 * with its sum. An excluded class has no share in any of them.
 *
 * @param levels log-sum-exp of the row less its peak, which is where -log p of the peak is
 */
export function tailRows(
  rows: i32,
  classes: i32,
  x: usize,
  h: usize,
  gamma: f32,
  peaks: usize,
  levels: usize,
  terms: usize,
  turns: usize,
): void {
  const whole = Rows.whole(classes);
  const lanes = Rows.lanes(classes);
  const length = (<usize>classes) << 2;
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    const level = load<f32>(levels + at);
    const peak = load<f32>(peaks + at);
    let sum = F4.lit(0);
    let lost = F4.lit(0);
    let sumTurn = F4.lit(0);
    let lostTurn = F4.lit(0);
    for (let i: usize = 0; i < whole; i += 16) {
      const logits = v128.load(x + i);
      const l = Tail.miss(logits, level, peak);
      const steep = Tail.steep(l, gamma);
      const fade = Tail.fade(logits, steep);
      const turn = Tail.turn(fade, steep);
      v128.store(h + i, turn);
      const term = F4.mul(fade, l);
      const added = F4.add(sum, term);
      lost = F4.add(lost, Rows.lost(sum, added, term));
      sum = added;
      const turned = F4.add(sumTurn, turn);
      lostTurn = F4.add(lostTurn, Rows.lost(sumTurn, turned, turn));
      sumTurn = turned;
    }
    if (classes & 3) {
      const logits = Rows.last(x + whole, lanes);
      const l = Tail.miss(logits, level, peak);
      const steep = Tail.steep(l, gamma);
      const fade = Tail.fade(logits, steep);
      const turn = Tail.turn(fade, steep);
      v128.store(h + whole, turn);
      const term = F4.mul(fade, l);
      const added = F4.add(sum, term);
      lost = F4.add(lost, Rows.lost(sum, added, term));
      sum = added;
      const turned = F4.add(sumTurn, turn);
      lostTurn = F4.add(lostTurn, Rows.lost(sumTurn, turned, turn));
      sumTurn = turned;
    }
    store<f32>(terms + at, Rows.total(sum, lost));
    store<f32>(turns + at, Rows.total(sumTurn, lostTurn));
    x += length;
    h += length;
  }
}

/** log-sum-exp of the row less its peak: log(sum) + softplus(-v). Both terms are >= 0 where another class is there. */
export function levelRows(rows: i32, near: usize, logs: usize, levels: usize): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const v = v128.load(near + i);
    const tail = F4.add(F4.relu(F4.neg(v)), Log1p.unit(Logistic.decay(v)));
    v128.store(levels + i, F4.add(f32x4.pmax(F4.lit(0), v128.load(logs + i)), tail));
  }
}

/**
 * Joins the label's term, a focal loss of the margin with weighted `loss` and `slope`, to those of the other classes,
 * each of which has the weight c = part w:
 *
 *   L = f(v) + c sum_k p_k^gamma l_k
 *   dL/dx_k = p_k (f'(v) / q + c H) - c h_k,   dL/dx_t = -f'(v) + p_t c H,   H = sum_k h_k
 *
 * Source: Ridnik et al. 2021, equation 5, on softmax probabilities; the gradient is that of formula and weights.
 */
export function settleTail(
  rows: i32,
  part: f32,
  w: usize,
  near: usize,
  rest: usize,
  sums: usize,
  terms: usize,
  turns: usize,
  loss: usize,
  slope: usize,
  scale: usize,
  second: usize,
): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const v = v128.load(near + i);
    const e = Logistic.decay(v);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const turn = Logistic.exchange(v, larger, smaller);
    const miss = F4.xor(larger, turn);
    const hit = F4.xor(smaller, turn);
    const shift = F4.mul(F4.mul(miss, hit), v128.load(rest + i));
    const p = F4.sub(hit, shift);
    const q = F4.add(miss, shift);
    const c = F4.mul(F4.lit(part), v128.load(w + i));
    const pull = F4.mul(c, v128.load(turns + i));
    v128.store(loss + i, F4.madd(c, v128.load(terms + i), v128.load(loss + i)));
    const own = v128.load(slope + i);
    const others = F4.div(F4.madd(q, pull, own), f32x4.pmax(F4.lit(1), v128.load(sums + i)));
    v128.store(scale + i, others);
    v128.store(second + i, F4.neg(c));
    v128.store(slope + i, F4.sub(own, F4.mul(p, pull)));
  }
}
