import { Rows } from "../drive/rows";
import { F4 } from "../lane/f32x4";
import { Exp } from "../math/exp";
import { Logistic } from "../math/logistic";

/**
 * The rivals of softmax(-k x): per row the lowest logit m of the other classes, h_k = exp(-k (x_k - m)), and the
 * sum of those. An excluded class has no share: h_k = 0.
 */
export function rivalRows(
  rows: i32,
  classes: i32,
  x: usize,
  h: usize,
  k: f32,
  lows: usize,
  sums: usize,
): void {
  const whole = Rows.whole(classes);
  const lanes = Rows.lanes(classes);
  const length = (<usize>classes) << 2;
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    let least = F4.lit(-3.4028234663852886e38);
    for (let i: usize = 0; i < whole; i += 16) least = f32x4.pmax(least, Rival.negated(v128.load(x + i)));
    if (classes & 3) least = f32x4.pmax(least, Rival.negated(Rows.last(x + whole, lanes)));
    const low = -Rows.most(least);
    let sum = F4.lit(0);
    let lost = F4.lit(0);
    for (let i: usize = 0; i < whole; i += 16) {
      const value = Rival.share(v128.load(x + i), low, k);
      v128.store(h + i, value);
      const added = F4.add(sum, value);
      lost = F4.add(lost, Rows.lost(sum, added, value));
      sum = added;
    }
    if (classes & 3) {
      const value = Rival.share(Rows.last(x + whole, lanes), low, k);
      v128.store(h + whole, value);
      const added = F4.add(sum, value);
      lost = F4.add(lost, Rows.lost(sum, added, value));
      sum = added;
    }
    store<f32>(lows + at, low);
    store<f32>(sums + at, Rows.total(sum, lost));
    x += length;
    h += length;
  }
}

class Rival {
  /** -x, and the lowest of all for a class that is not there. */
  @inline static negated(x: v128): v128 {
    return F4.pick(Rows.present(x), F4.neg(x), F4.lit(-Infinity));
  }
  @inline static share(x: v128, low: f32, k: f32): v128 {
    const gap = F4.mul(F4.sub(F4.lit(low), x), F4.lit(k));
    return F4.and(Rows.present(x), Exp.nonPositive(F4.and(Rows.present(x), gap)));
  }
}

/**
 * The rival form, L = r_t l with r = softmax(-k x), from cross-entropies l and slopes q (weighted) of the rows and the
 * negated margins u of -k x, r_t = sigmoid(-u).
 *
 *   dL/dx_j = r_t (p_j + k l r_j),   dL/dx_t = -r_t (q + k l (1 - r_t))
 */
export function settleRival(
  rows: i32,
  k: f32,
  u: usize,
  sums: usize,
  loss: usize,
  slope: usize,
  scale: usize,
  second: usize,
): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const v = v128.load(u + i);
    const e = Logistic.decay(v);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const turn = Logistic.exchange(v, larger, smaller);
    const rivals = F4.xor(larger, turn);
    const share = F4.xor(smaller, turn);
    const ce = v128.load(loss + i);
    const push = F4.mul(F4.mul(share, F4.mul(F4.lit(k), rivals)), ce);
    v128.store(loss + i, F4.mul(share, ce));
    v128.store(slope + i, F4.madd(share, v128.load(slope + i), push));
    v128.store(scale + i, F4.mul(share, v128.load(scale + i)));
    v128.store(second + i, F4.div(push, f32x4.pmax(F4.lit(1), v128.load(sums + i))));
  }
}
