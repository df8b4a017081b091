import { decay } from "../drive/decay";
import { Tile } from "../drive/tile";
import { F4 } from "../lane/f32x4";
import { Logistic } from "../math/logistic";

/**
 * The rivals of softmax(-k x): per row the lowest logit m of the other classes, as tiles h_k = exp(-k (x_k - m)), and
 * the sum of those. An excluded class has no share: h_k = 0.
 *
 * @param h logits as tiles; then h
 */
export function rivalRows(rows: i32, classes: i32, h: usize, k: f32, lows: usize, sums: usize): void {
  const bytes = (<usize>(classes - 1)) << 4;
  const tiles = Tile.count(rows);
  for (let t: usize = 0; t < tiles; t++) {
    const tile = h + t * bytes;
    let least = Tile.lowest();
    for (let i: usize = 0; i < bytes; i += 16) {
      const logit = v128.load(tile + i);
      const isThere = f32x4.ge(logit, Tile.lowest());
      const turned = F4.pick(isThere, F4.neg(logit), F4.lit(-Infinity));
      v128.store(tile + i, turned);
      least = f32x4.pmax(least, turned);
    }
    for (let i: usize = 0; i < bytes; i += 16)
      v128.store(tile + i, F4.mul(F4.sub(v128.load(tile + i), least), F4.lit(k)));
    v128.store(lows + (t << 4), F4.neg(least));
  }
  decay(0, tiles * bytes, h, h);
  for (let t: usize = 0; t < tiles; t++)
    v128.store(sums + (t << 4), Tile.sum(h + t * bytes, bytes, F4.lit(0)));
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
  decay: usize,
  sums: usize,
  loss: usize,
  slope: usize,
  scale: usize,
  second: usize,
): void {
  for (let i: usize = 0, end = (<usize>rows) << 2; i < end; i += 16) {
    const v = v128.load(u + i);
    const e = v128.load(decay + i);
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
