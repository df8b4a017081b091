import { F4 } from "../lane/f32x4";
import { F2 } from "../lane/f64x2";

/**
 * Where one output cell looks: byte offsets of the four corners in a map of cells, their weights, and the fractions
 * (a, b, 1 - a, 1 - b), a to the right and b down. A corner outside the map is the cell behind its last one, which
 * holds zeros: it adds nothing, and what is scattered to it is lost.
 */
@unmanaged
export class Corners {
  v00: u32;
  v01: u32;
  v10: u32;
  v11: u32;
  w00: f32;
  w01: f32;
  w10: f32;
  w11: f32;
  a: f32;
  b: f32;
  restA: f32;
  restB: f32;
}

/**
 * The corners of n points of a grid (x, y), normalised so that the map spans [-1, 1] in both.
 *
 * Column = x scaleX + (width - 1) / 2, in float64: with scaleX = width / 2 the ends are the outer edges of the outer
 * cells, with (width - 1) / 2 their centres. Every weight is that of the float64 fractions, rounded once.
 *
 * @param stride bytes of one cell: all its channels
 */
export function corners(
  n: i32,
  grid: usize,
  width: f64,
  height: f64,
  scaleX: f64,
  scaleY: f64,
  stride: f64,
  out: usize,
): void {
  const scale = f64x2.replace_lane(f64x2.splat(scaleX), 1, scaleY);
  const last = f64x2.replace_lane(f64x2.splat(width - 1), 1, height - 1);
  const one = F2.lit(1);
  for (let i: usize = 0, end = (<usize>n) << 3; i < end; i += 8) {
    const point = f64x2.promote_low_f32x4(v128.load64_zero(grid + i));
    const place = F2.madd(point, scale, F2.mul(last, F2.lit(0.5)));
    const first = f64x2.floor(place);
    const next = F2.add(first, one);
    const fraction = F2.sub(place, first);
    const rest = F2.sub(one, fraction);
    // From pairs (x, y) to pairs (left, right) and (upper, upper), (lower, lower).
    const columns = v128.shuffle<i64>(first, next, 0, 2);
    const across = v128.shuffle<i64>(rest, fraction, 0, 2);
    const isIn = F2.and(Corner.inside(first, last), one);
    const isNextIn = F2.and(Corner.inside(next, last), one);
    const columnIn = v128.shuffle<i64>(isIn, isNextIn, 0, 2);
    const upper = Corner.cells(
      columns,
      columnIn,
      v128.shuffle<i64>(first, first, 1, 1),
      v128.shuffle<i64>(isIn, isIn, 1, 1),
      width,
      height,
    );
    const lower = Corner.cells(
      columns,
      columnIn,
      v128.shuffle<i64>(next, next, 1, 1),
      v128.shuffle<i64>(isNextIn, isNextIn, 1, 1),
      width,
      height,
    );
    const offsets = v128.shuffle<i32>(Corner.whole(upper, stride), Corner.whole(lower, stride), 0, 2, 4, 6);
    v128.store(out, offsets);
    v128.store(
      out,
      F2.narrow(
        F2.mul(v128.shuffle<i64>(rest, rest, 1, 1), across),
        F2.mul(v128.shuffle<i64>(fraction, fraction, 1, 1), across),
      ),
      16,
    );
    v128.store(out, F2.narrow(fraction, rest), 32);
    out += offsetof<Corners>();
  }
}

class Corner {
  /** All ones where 0 <= place <= last. */
  @inline static inside(place: v128, last: v128): v128 {
    return F2.and(f64x2.ge(place, F2.lit(0)), f64x2.le(place, last));
  }

  /** Numbers of two cells of one row, or that of the cell behind the last. `columnIn` and `rowIn` are 0 or 1. */
  @inline static cells(columns: v128, columnIn: v128, row: v128, rowIn: v128, width: f64, height: f64): v128 {
    const inside = f64x2.ne(F2.mul(columnIn, rowIn), F2.lit(0));
    const cell = F2.madd(row, F2.lit(width), columns);
    return F2.pick(inside, cell, F2.lit(width * height));
  }

  /** cell * stride as integers in the low halves of the lanes: 2^52 added, they stand at the end of the fraction. */
  @inline static whole(cell: v128, stride: f64): v128 {
    return F2.madd(cell, F2.lit(stride), F2.lit(4503599627370496));
  }
}

/** One weighted sum of four corners per output cell and channel: (w00 v00 + w01 v01) + (w10 v10 + w11 v11). */
export function blend(n: i32, row: usize, table: usize, cells: usize, out: usize): void {
  for (let q = 0; q < n; q++) {
    const at = changetype<Corners>(table);
    const v00 = cells + at.v00;
    const v01 = cells + at.v01;
    const v10 = cells + at.v10;
    const v11 = cells + at.v11;
    const w00 = F4.lit(at.w00);
    const w01 = F4.lit(at.w01);
    const w10 = F4.lit(at.w10);
    const w11 = F4.lit(at.w11);
    for (let k: usize = 0; k < row; k += 16) {
      const upper = F4.madd(w00, v128.load(v00 + k), F4.mul(w01, v128.load(v01 + k)));
      const lower = F4.madd(w10, v128.load(v10 + k), F4.mul(w11, v128.load(v11 + k)));
      v128.store(out + k, F4.add(upper, lower));
    }
    table += offsetof<Corners>();
    out += row;
  }
}

/** The transpose of `blend`: adds each gradient to the four cells it came from, output cells in rising order. */
export function scatter(n: i32, row: usize, table: usize, grad: usize, cells: usize): void {
  for (let q = 0; q < n; q++) {
    const at = changetype<Corners>(table);
    Scatter.add(row, F4.lit(at.w00), grad, cells + at.v00);
    Scatter.add(row, F4.lit(at.w01), grad, cells + at.v01);
    Scatter.add(row, F4.lit(at.w10), grad, cells + at.v10);
    Scatter.add(row, F4.lit(at.w11), grad, cells + at.v11);
    table += offsetof<Corners>();
    grad += row;
  }
}

class Scatter {
  static add(row: usize, weight: v128, grad: usize, cell: usize): void {
    for (let k: usize = 0; k < row; k += 16) {
      v128.store(cell + k, F4.madd(weight, v128.load(grad + k), v128.load(cell + k)));
    }
  }
}

/**
 * Adds, for each output cell, sum_c g_c dv_c/dx and sum_c g_c dv_c/dy to a float64 pair, per unit of the grid.
 * Terms are float32, sums float64; channels in rising order by lane pairs, then the two lanes.
 */
export function slopes(
  n: i32,
  row: usize,
  table: usize,
  cells: usize,
  grad: usize,
  scaleX: f64,
  scaleY: f64,
  sums: usize,
): void {
  for (let q = 0; q < n; q++) {
    const at = changetype<Corners>(table);
    const v00 = cells + at.v00;
    const v01 = cells + at.v01;
    const v10 = cells + at.v10;
    const v11 = cells + at.v11;
    const a = F4.lit(at.a);
    const b = F4.lit(at.b);
    const restA = F4.lit(at.restA);
    const restB = F4.lit(at.restB);
    let x = F2.lit(0);
    let y = F2.lit(0);
    for (let k: usize = 0; k < row; k += 16) {
      const g = v128.load(grad + k);
      const c00 = v128.load(v00 + k);
      const c01 = v128.load(v01 + k);
      const c10 = v128.load(v10 + k);
      const c11 = v128.load(v11 + k);
      const across = F4.madd(restB, F4.sub(c01, c00), F4.mul(b, F4.sub(c11, c10)));
      const down = F4.madd(restA, F4.sub(c10, c00), F4.mul(a, F4.sub(c11, c01)));
      const gx = F4.mul(g, across);
      const gy = F4.mul(g, down);
      x = F2.add(x, F2.add(F2.low(gx), F2.high(gx)));
      y = F2.add(y, F2.add(F2.low(gy), F2.high(gy)));
    }
    store<f64>(sums, load<f64>(sums) + (f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1)) * scaleX);
    store<f64>(
      sums + 8,
      load<f64>(sums + 8) + (f64x2.extract_lane(y, 0) + f64x2.extract_lane(y, 1)) * scaleY,
    );
    table += offsetof<Corners>();
    grad += row;
    sums += 16;
  }
}

/** float64 to float32, one rounding. */
export function narrow(n: i32, wide: usize, out: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const from = wide + (i << 1);
    v128.store(out + i, F2.narrow(v128.load(from), v128.load(from + 16)));
  }
}
