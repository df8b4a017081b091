import { F4 } from "../lane/f32x4";
import { Own } from "./row-margin";
import { decayRows } from "./rows";
import { Tile } from "./tile";

/** A row of many classes as it lies, four of them in a vector: what is one number of the row is in all lanes. */
class Row {
  /** The halves and then the pairs of a vector change places. */
  @inline static swap(v: v128): v128 {
    return v128.shuffle<i32>(v, v, 2, 3, 0, 1);
  }
  @inline static turn(v: v128): v128 {
    return v128.shuffle<i32>(v, v, 1, 0, 3, 2);
  }

  /** The largest of four vectors, lane by lane. */
  @inline static most(x: usize): v128 {
    const lower = f32x4.pmax(v128.load(x), v128.load(x, 16));
    return f32x4.pmax(lower, f32x4.pmax(v128.load(x, 32), v128.load(x, 48)));
  }

  /** The largest number, at least the least finite float32. */
  @inline static peak(x: usize, bytes: usize): v128 {
    const last = bytes - 64;
    let most = Row.most(x + last);
    for (let i: usize = 0; i < last; i += 64) most = f32x4.pmax(most, Row.most(x + i));
    const half = f32x4.pmax(most, Row.swap(most));
    return f32x4.pmax(Tile.lowest(), f32x4.pmax(half, Row.turn(half)));
  }

  /** The sum, good to 3.5 ulp: two roundings more than in a tile. */
  @inline static sum(e: usize, bytes: usize): v128 {
    const whole = bytes & ~15;
    const isThere = i32x4.gt_s(i32x4.splat(<i32>bytes & 15), i32x4(0, 4, 8, 12));
    const sum = Tile.sum(e, whole, F4.and(isThere, v128.load(e + whole)));
    const half = F4.add(sum, Row.swap(sum));
    return F4.add(half, Row.turn(half));
  }
}

/**
 * As `liftRows`, for rows of so many classes that what is done once a row counts little. Nothing changes places, so e_k
 * is in the place of x_k, and up to three numbers behind a row belong to nobody.
 *
 * @param sums room for one vector more for each row of a block
 */
export function liftLongRows(rows: i32, classes: i32, x: usize, e: usize, peaks: usize, sums: usize): void {
  const length = (<usize>classes) << 2;
  const bytes = length - 4;
  const step = max<usize>(Tile.BLOCK / length, 1);
  for (let from: usize = 0; from < <usize>rows; from += step) {
    const end = min(from + step, <usize>rows);
    const spread = sums + (from << 2);
    for (let r = from; r < end; r++) {
      const most = Row.peak(x + r * length, bytes);
      v128.store32_lane(peaks + (r << 2), most, 0);
      v128.store(spread + ((r - from) << 4), most);
    }
    decayRows(end - from, bytes, length, x + from * length, spread, e + from * length);
    for (let r = from; r < end; r++) v128.store32_lane(sums + (r << 2), Row.sum(e + r * length, bytes), 0);
  }
}

/** As `spreadRows`. What a row writes beyond its end is overwritten by the next one. */
export function spreadLongRows(
  rows: i32,
  classes: i32,
  e: usize,
  scale: usize,
  slope: usize,
  labels: usize,
  divisor: f32,
  grad: usize,
): void {
  const length = (<usize>classes) << 2;
  const by = F4.lit(divisor);
  for (let at: usize = 0, end = (<usize>rows) << 2; at < end; at += 4) {
    const factor = v128.load32_splat(scale + at);
    for (let i: usize = 0; i < length - 4; i += 16)
      v128.store(grad + i, F4.div(F4.mul(v128.load(e + i), factor), by));
    Own.put(load<i32>(labels + at), length, (0 - load<f32>(slope + at)) / divisor, grad);
    e += length;
    grad += length;
  }
}
