import { F4 } from "../lane/f32x4";

/**
 * Four rows side by side: vector k of a tile holds one class of four rows that follow each other, the label left out,
 * whose place the last class has taken. What is added or compared along a row then stays in its lane, whatever the
 * number of classes.
 */
export class Tile {
  /** Bytes of tiles that are worked on together: they stay in a first-level cache. */
  static readonly BLOCK: usize = 8192;

  /** The tiles of so many rows; the last may be filled up with rows that are not there. */
  @inline static count(rows: i32): usize {
    return <usize>(rows + 3) >> 2;
  }

  @inline static low(a: v128, b: v128): v128 {
    return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  }
  @inline static high(a: v128, b: v128): v128 {
    return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  }

  /** Four vectors of four, turned: row and column change places. Returns the largest of the new ones, lane by lane. */
  @inline static turn(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize): v128 {
    const ac = Tile.low(a, c);
    const bd = Tile.low(b, d);
    const ca = Tile.high(a, c);
    const db = Tile.high(b, d);
    const first = Tile.low(ac, bd);
    const second = Tile.high(ac, bd);
    const third = Tile.low(ca, db);
    const fourth = Tile.high(ca, db);
    v128.store(to, first);
    v128.store(to + stride, second);
    v128.store(to + 2 * stride, third);
    v128.store(to + 3 * stride, fourth);
    return f32x4.pmax(f32x4.pmax(first, second), f32x4.pmax(third, fourth));
  }

  /** The least finite float32. */
  @inline static lowest(): v128 {
    return F4.lit(-3.4028234663852886e38);
  }

  /** Four vectors of four rows, turned. */
  @inline static four(x: usize, length: usize, to: usize): v128 {
    const third = x + 2 * length;
    return Tile.turn(
      v128.load(x),
      v128.load(x + length),
      v128.load(third),
      v128.load(third + length),
      to,
      16,
    );
  }

  /**
   * Four rows to their tile. Behind the last vector of fewer than five classes, up to three are written that belong to
   * nobody.
   *
   * @returns the largest of each row, at least the least finite float32
   */
  @inline static gather(classes: i32, x: usize, tile: usize): v128 {
    const length = (<usize>classes) << 2;
    let most = Tile.lowest();
    if (classes < 5) {
      Tile.four(x, length, tile);
      for (let i: usize = 16; i < length << 2; i += 16) most = f32x4.pmax(most, v128.load(tile + i - 16));
      return most;
    }
    const last = length - 20;
    for (let i: usize = 0; i < last; i += 16)
      most = f32x4.pmax(most, Tile.four(x + i, length, tile + (i << 2)));
    // Once more the last four, whatever is left of them.
    return f32x4.pmax(most, Tile.four(x + last, length, tile + (last << 2)));
  }

  /** What `sum + value` lost in rounding, exact where |sum| >= |value|. */
  @inline static lost(sum: v128, added: v128, value: v128): v128 {
    return F4.add(F4.sub(sum, added), value);
  }

  /**
   * The sums of four rows, good to 2.5 ulp for up to 2^25 classes: four vectors at a time in two roundings, and what
   * the sum of those loses is kept.
   *
   * @param sum where it begins
   */
  @inline static sum(e: usize, bytes: usize, sum: v128): v128 {
    let lost = F4.lit(0);
    let i: usize = 0;
    for (const whole = bytes & ~63; i < whole; i += 64) {
      const at = e + i;
      const lower = F4.add(v128.load(at), v128.load(at, 16));
      const value = F4.add(lower, F4.add(v128.load(at, 32), v128.load(at, 48)));
      const added = F4.add(sum, value);
      lost = F4.add(lost, Tile.lost(sum, added, value));
      sum = added;
    }
    for (; i < bytes; i += 16) {
      const value = v128.load(e + i);
      const added = F4.add(sum, value);
      lost = F4.add(lost, Tile.lost(sum, added, value));
      sum = added;
    }
    return F4.add(sum, lost);
  }
}
