import { Fixed } from "../lane/fixed";
import { Grid, sum } from "./sum";

/** Where the unit regions of [0, 1] meet. Used as a type argument only. */
@unmanaged
export abstract class Edges {
  /** The region of four values in [0, 1] as whole float32 numbers from 0 to bins - 1. */
  abstract region(g: v128, bins: v128): v128;
}

/** Rounds to the nearest whole number for 0 <= v < 2^22. */
const ROUND: f32 = 8388608;

/** The paper's regions: floor(g bins) of the exact product, the last region closed at 1. */
@unmanaged
@final
export class Floor extends Edges {
  @inline region(g: v128, bins: v128): v128 {
    const near = f32x4.sub(f32x4.add(f32x4.mul(g, bins), f32x4.splat(ROUND)), f32x4.splat(ROUND));
    // g bins - near with the right sign: both partial products are exact, as is the first difference.
    const head = v128.and(g, i32x4.splat(~0x1ff));
    const rest = f32x4.add(f32x4.sub(f32x4.mul(head, bins), near), f32x4.mul(f32x4.sub(g, head), bins));
    return Bins.below(near, f32x4.lt(rest, f32x4.splat(0)), bins);
  }
}

/** mmdetection's regions: between the float32 values of j / bins. */
@unmanaged
@final
export class Rounded extends Edges {
  @inline region(g: v128, bins: v128): v128 {
    const near = f32x4.sub(f32x4.add(f32x4.mul(g, bins), f32x4.splat(ROUND)), f32x4.splat(ROUND));
    return Bins.below(near, f32x4.lt(g, f32x4.div(near, bins)), bins);
  }
}

/** Elements that go through the scratch memory at a time. */
const BLOCK: i32 = 4096;
/** Private tables, so that equal neighbours do not wait for each other's store. */
const TABLES: usize = 4;
/** A table: 256 entries of [sum of patterns, count]. A cell: count and ten words of an exact sum. */
const TABLE: usize = 4096;
const CELL: usize = 88;
/** Bytes of `first` and `rest` in the scratch memory, behind the tables; the patterns follow. */
const ROOM: usize = <usize>BLOCK * 4 + 64;

export class Bins {
  @inline static below(near: v128, less: v128, bins: v128): v128 {
    const one = f32x4.splat(1);
    return f32x4.pmin(f32x4.sub(bins, one), f32x4.sub(near, v128.and(less, one)));
  }

  /** Four whole numbers below 256 as four bytes in lane 0. */
  @inline static pack(region: v128): v128 {
    const low = f32x4.add(region, f32x4.splat(ROUND));
    return i8x16.shuffle(low, low, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  }

  /** The regions of |g| as bytes. */
  @inline static index<E extends Edges>(n: i32, g: usize, bins: f32, bytes: usize): void {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const region = changetype<E>(0).region(f32x4.abs(v128.load(g + i)), f32x4.splat(bins));
      v128.store32_lane(bytes, Bins.pack(region), 0);
      bytes += 4;
    }
  }

  /** Losses as integers within the bit patterns of float64: see `Grid`. */
  static lift(n: i32, loss: usize, grid: i32, patterns: usize): void {
    const magic = f64x2.splat(Grid.magic(grid));
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(loss + i);
      v128.store(patterns, f64x2.add(f64x2.promote_low_f32x4(v), magic));
      v128.store(patterns, f64x2.add(Grid.high(v), magic), 16);
      patterns += 32;
    }
  }

  /** Losses of the first region to `first`, all others to `rest`; zeros in their places. */
  static split(n: i32, bytes: usize, loss: usize, first: usize, rest: usize): void {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const region = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes)));
      const easy = i32x4.eq(region, i32x4.splat(0));
      const v = v128.load(loss + i);
      v128.store(first + i, v128.and(v, easy));
      v128.store(rest + i, v128.andnot(v, easy));
      bytes += 4;
    }
  }

  @inline static count(table: usize, entry: v128): void {
    v128.store(table, i64x2.add(v128.load(table), entry));
  }

  static scatter(n: i32, bytes: usize, patterns: usize, tables: usize): void {
    const one = i64x2.splat(1);
    for (let end = bytes + n; bytes < end; bytes += 4) {
      const a = v128.load(patterns);
      const b = v128.load(patterns, 16);
      Bins.count(tables + ((<usize>load<u8>(bytes)) << 4), i64x2.shuffle(a, one, 0, 2));
      Bins.count(tables + TABLE + ((<usize>load<u8>(bytes, 1)) << 4), i64x2.shuffle(a, one, 1, 2));
      Bins.count(tables + 2 * TABLE + ((<usize>load<u8>(bytes, 2)) << 4), i64x2.shuffle(b, one, 0, 2));
      Bins.count(tables + 3 * TABLE + ((<usize>load<u8>(bytes, 3)) << 4), i64x2.shuffle(b, one, 1, 2));
      patterns += 32;
    }
  }

  /** The tables into the cells, exactly; leaves the tables empty. */
  static flush(bins: i32, tables: usize, grid: i32, cells: usize): void {
    for (let cell = cells, end = cells + <usize>bins * CELL; cell < end; cell += CELL) {
      for (let table = tables; table < tables + TABLES * TABLE; table += TABLE) {
        const count = load<i64>(table, 8);
        if (!count) continue;
        store<i64>(cell, load<i64>(cell) + count);
        Grid.spill(cell + 8, load<i64>(table), count, grid);
        v128.store(table, i64x2.splat(0));
      }
      Fixed.carry(cell + 8);
      tables += 16;
    }
  }

  /** Counts and losses one by one, for losses too far apart for any grid. */
  static slow(n: i32, bytes: usize, loss: usize, cells: usize): void {
    for (let i: i32 = 0; i < n; i++) {
      const cell = cells + <usize>load<u8>(bytes + i) * CELL;
      store<i64>(cell, load<i64>(cell) + 1);
      Fixed.deposit(cell + 8, load<f32>(loss + ((<usize>i) << 2)));
    }
  }

  /**
   * One block whose regions are known. The easy samples of the first region have losses down to nothing; where
   * these keep the block from fitting one grid, they are summed by themselves, and the others fit.
   */
  static block(n: i32, bytes: usize, loss: usize, range: u64, bins: i32, scratch: usize, cells: usize): void {
    const first = scratch + TABLES * TABLE;
    const rest = first + ROOM;
    const patterns = rest + ROOM;
    if (Grid.parts(range) > 1) {
      Bins.split(n, bytes, loss, first, rest);
      range = Grid.range(n, rest);
      if (Grid.parts(range) > 1) {
        Bins.slow((n + 3) & ~3, bytes, loss, cells);
        return;
      }
      sum(n, first, cells + 8);
      loss = rest;
    }
    const grid = Grid.finest(range);
    Bins.lift(n, loss, grid, patterns);
    Bins.scatter(n, bytes, patterns, scratch);
    Bins.flush(bins, scratch, grid, cells);
  }

  /**
   * Adds counts and exact loss sums of one chunk to the cells, and leaves the regions at `bytes`.
   *
   * @param n any; the padding of `g` and `loss` up to the next multiple of four is set to 0
   * @param scratch tables (16 kB, zeros), then room for one block (66 kB)
   * @returns the largest bit pattern of a loss; at or above 0x7f800000 nothing was added
   */
  @inline static tally<E extends Edges>(
    n: i32,
    g: usize,
    loss: usize,
    bins: i32,
    scratch: usize,
    bytes: usize,
    cells: usize,
  ): u32 {
    if (n & 3) v128.store(g + ((<usize>n) << 2), i32x4.splat(0));
    const range = Grid.range(n, loss);
    const most = Grid.most(range);
    if (most >= 0x7f800000) return most;
    Bins.index<E>(n, g, <f32>bins, bytes);
    for (let from: i32 = 0; from < n; from += BLOCK) {
      Bins.block(
        min(n - from, BLOCK),
        bytes + from,
        loss + ((<usize>from) << 2),
        range,
        bins,
        scratch,
        cells,
      );
    }
    store<i64>(cells, load<i64>(cells) - (-n & 3)); // the padding counted as easy samples
    return most;
  }
}

/** @returns see `Bins.tally` */
export function tallyFloor(
  n: i32,
  g: usize,
  loss: usize,
  bins: i32,
  scratch: usize,
  bytes: usize,
  cells: usize,
): u32 {
  return Bins.tally<Floor>(n, g, loss, bins, scratch, bytes, cells);
}

export function tallyRounded(
  n: i32,
  g: usize,
  loss: usize,
  bins: i32,
  scratch: usize,
  bytes: usize,
  cells: usize,
): u32 {
  return Bins.tally<Rounded>(n, g, loss, bins, scratch, bytes, cells);
}

export function indexFloor(n: i32, g: usize, bins: f32, bytes: usize): void {
  Bins.index<Floor>(n, g, bins, bytes);
}

export function indexRounded(n: i32, g: usize, bins: f32, bytes: usize): void {
  Bins.index<Rounded>(n, g, bins, bytes);
}
