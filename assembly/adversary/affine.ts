import { F2 } from "../lane/f64x2";
import { Turn } from "../math/turn";

/** A column of a [2, 3] matrix of float32, as the pair that belongs to (x, y). */
class Column {
  @inline static pair(theta: usize, column: usize): v128 {
    const upper = f64x2.splat(<f64>load<f32>(theta + (column << 2)));
    return f64x2.replace_lane(upper, 1, <f64>load<f32>(theta + (column << 2) + 12));
  }
}

/**
 * The grid [height, width, 2] of an affine map: (x, y)' = theta (x, y, 1), in float64, rounded once.
 *
 * @param xs, ys the normalised centres of columns and rows, float64
 */
export function affineGrid(height: i32, width: i32, xs: usize, ys: usize, theta: usize, grid: usize): void {
  const alongX = Column.pair(theta, 0);
  const alongY = Column.pair(theta, 1);
  const shift = Column.pair(theta, 2);
  const row = (<usize>width) << 3;
  for (let r = 0; r < height; r++) {
    const base = F2.madd(f64x2.splat(load<f64>(ys + ((<usize>r) << 3))), alongY, shift);
    for (let i: usize = 0; i < row; i += 16) {
      const two = v128.load(xs + i);
      const first = F2.madd(v128.shuffle<i64>(two, two, 0, 0), alongX, base);
      const second = F2.madd(v128.shuffle<i64>(two, two, 1, 1), alongX, base);
      v128.store(grid + i, F2.narrow(first, second));
    }
    grid += row;
  }
}

/** The transpose: six float64 sums over the grid's gradient, column by column of theta. Rows first, then their sums. */
export function affineGridBackward(
  height: i32,
  width: i32,
  xs: usize,
  ys: usize,
  grad: usize,
  sums: usize,
): void {
  let alongX = F2.lit(0);
  let alongY = F2.lit(0);
  let shift = F2.lit(0);
  for (let r = 0; r < height; r++) {
    let rowX = F2.lit(0);
    let row = F2.lit(0);
    for (let c = 0; c < width; c++) {
      const g = f64x2.promote_low_f32x4(v128.load64_zero(grad));
      rowX = F2.madd(g, f64x2.splat(load<f64>(xs + ((<usize>c) << 3))), rowX);
      row = F2.add(row, g);
      grad += 8;
    }
    alongX = F2.add(alongX, rowX);
    alongY = F2.madd(row, f64x2.splat(load<f64>(ys + ((<usize>r) << 3))), alongY);
    shift = F2.add(shift, row);
  }
  v128.store(sums, alongX);
  v128.store(sums, alongY, 16);
  v128.store(sums, shift, 32);
}

/** Sine and cosine of n angles, each rounded once to float32. Writes up to three values behind the last. */
export function turns(n: i32, angles: usize, sines: usize, cosines: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 8) {
    const x = f64x2.promote_low_f32x4(v128.load64_zero(angles + i));
    const quarters = Turn.quarters(x);
    const r = Turn.rest(x, Turn.whole(quarters));
    const sine = Turn.sineOf(r);
    const cosine = Turn.cosineOf(r);
    v128.store(sines + i, f32x4.demote_f64x2_zero(Turn.sine(quarters, sine, cosine)));
    v128.store(cosines + i, f32x4.demote_f64x2_zero(Turn.cosine(quarters, sine, cosine)));
  }
}
