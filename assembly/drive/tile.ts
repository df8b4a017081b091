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

  /** Four vectors of four, turned: row and column change places. */
  @inline static turn(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize): void {
    const ac = Tile.low(a, c);
    const bd = Tile.low(b, d);
    const ca = Tile.high(a, c);
    const db = Tile.high(b, d);
    v128.store(to, Tile.low(ac, bd));
    v128.store(to + stride, Tile.high(ac, bd));
    v128.store(to + 2 * stride, Tile.low(ca, db));
    v128.store(to + 3 * stride, Tile.high(ca, db));
  }

  /**
   * Four rows to their tile. Behind the last vector up to three are written that belong to nobody.
   */
  @inline static gather(classes: i32, x: usize, tile: usize): void {
    const length = (<usize>classes) << 2;
    for (let i: usize = 0; i < length - 4; i += 16) {
      const at = x + i;
      Tile.turn(
        v128.load(at),
        v128.load(at + length),
        v128.load(at + 2 * length),
        v128.load(at + 3 * length),
        tile + (i << 2),
        16,
      );
    }
  }

  /** What `sum + value` lost in rounding, exact where |sum| >= |value|. */
  @inline static lost(sum: v128, added: v128, value: v128): v128 {
    return F4.add(F4.sub(sum, added), value);
  }

  /**
   * The sums of four rows, which keep what they lose in rounding: good to 1.5 ulp for any number of classes. Two
   * chains, over the halves of a row: one alone would wait for every addition.
   */
  @inline static sum(e: usize, bytes: usize): v128 {
    const half = (bytes >> 5) << 4;
    let sum = F4.lit(0);
    let lost = sum;
    let other = sum;
    if (bytes & 16) other = v128.load(e + bytes - 16);
    for (let i: usize = 0; i < half; i += 16) {
      const value = v128.load(e + i);
      const added = F4.add(sum, value);
      lost = F4.add(lost, Tile.lost(sum, added, value));
      sum = added;
      const upper = v128.load(e + half + i);
      const raised = F4.add(other, upper);
      lost = F4.add(lost, Tile.lost(other, raised, upper));
      other = raised;
    }
    const total = F4.add(sum, other);
    const back = F4.sub(total, sum);
    const rest = F4.add(F4.sub(sum, F4.sub(total, back)), F4.sub(other, back));
    return F4.add(total, F4.add(lost, rest));
  }
}
