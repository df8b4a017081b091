import { Tile } from "../drive/tile";
import { F4 } from "../lane/f32x4";
import { Exp } from "../math/exp";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";

/**
 * Per row, over the classes that are not the label: the sum of p^gamma l with l = -log p, and h = p^gamma (1 - gamma l)
 * with its sum. An excluded class has no share in any of them.
 *
 * @param h logits as tiles; then h
 * @param levels log-sum-exp of the row less its peak, which is where -log p of the peak is
 */
export function tailRows(
  rows: i32,
  classes: i32,
  h: usize,
  gamma: f32,
  peaks: usize,
  levels: usize,
  terms: usize,
  turns: usize,
): void {
  const bytes = (<usize>(classes - 1)) << 4;
  const largest = F4.lit(3.4028234663852886e38);
  const most = gamma ? largest : F4.lit(Infinity);
  for (let at: usize = 0, end = Tile.count(rows) << 4; at < end; at += 16) {
    // A level that is the largest float32 was more, and has been cut.
    const whole = v128.load(levels + at);
    const level = F4.pick(f32x4.eq(whole, largest), F4.lit(Infinity), whole);
    const peak = v128.load(peaks + at);
    let sum = F4.lit(0);
    let lost = F4.lit(0);
    let sumTurn = F4.lit(0);
    let lostTurn = F4.lit(0);
    for (let i: usize = 0; i < bytes; i += 16) {
      const logit = v128.load(h + i);
      const present = f32x4.ge(logit, Tile.lowest());
      // At most the largest float32 where a power of p makes it 0; gamma l is cut where that has long been so.
      const l = F4.and(present, f32x4.pmin(most, F4.add(level, F4.sub(peak, logit))));
      const steep = f32x4.pmin(F4.lit(1000), F4.mul(F4.lit(gamma), l));
      const fade = F4.and(present, Exp.nonPositive(F4.neg(steep)));
      // The derivative of p^gamma l with respect to l.
      const turn = F4.mul(fade, F4.sub(F4.lit(1), steep));
      v128.store(h + i, turn);
      const term = F4.mul(fade, l);
      const added = F4.add(sum, term);
      lost = F4.add(lost, Tile.lost(sum, added, term));
      sum = added;
      const turned = F4.add(sumTurn, turn);
      lostTurn = F4.add(lostTurn, Tile.lost(sumTurn, turned, turn));
      sumTurn = turned;
    }
    v128.store(terms + at, F4.add(sum, lost));
    v128.store(turns + at, F4.add(sumTurn, lostTurn));
    h += bytes;
  }
}

/** log-sum-exp of the row less its peak: log(sum) + softplus(-v). Both terms are >= 0 where another class is there. */
export function levelRows(rows: i32, near: usize, decay: usize, logs: usize, levels: usize): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const v = v128.load(near + i);
    const tail = F4.add(F4.relu(F4.neg(v)), Log1p.unit(v128.load(decay + i)));
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
  decay: usize,
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
    const e = v128.load(decay + i);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const turn = Logistic.exchange(v, larger, smaller);
    const q = F4.xor(larger, turn);
    const p = F4.xor(smaller, turn);
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
