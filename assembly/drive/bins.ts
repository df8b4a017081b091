import { Fixed } from "../lane/fixed";
import { peak, sum } from "./sum";

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
    const rest = f32x4.add(
      f32x4.sub(f32x4.mul(head, bins), near),
      f32x4.mul(f32x4.sub(g, head), bins),
    );
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

/** 1.5 * 2^52 units of 2^-32: every cross-entropy outside the first of at most 256 regions is a multiple. */
const GRID: f64 = 1572864;
/** 2^18 as a bit pattern: a loss of this size and above does not fit the grid. */
const LARGE: u32 = 0x48800000;
/** Elements that go through the scratch memory at a time. */
const BLOCK: i32 = 2048;
/** Private tables, so that equal neighbours do not wait for each other's store. */
const TABLES: usize = 4;
/** A table: 256 entries of [sum of patterns, count]. A cell: count and ten words of an exact sum. */
const TABLE: usize = 4096;
const CELL: usize = 88;

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
    for (let i: usize = 0, end = <usize>n << 2; i < end; i += 16) {
      const region = changetype<E>(0).region(f32x4.abs(v128.load(g + i)), f32x4.splat(bins));
      v128.store32_lane(bytes, Bins.pack(region), 0);
      bytes += 4;
    }
  }

  /**
   * Splits losses by region: those of the first region to `first`, the others, rounded to the grid, as bit
   * patterns to `patterns`. The first region holds the easy samples, whose losses reach down to nothing: they
   * need every digit of the exact sum. The others share a few exponents, and one integer holds them.
   */
  @inline static sift<E extends Edges>(
    n: i32, g: usize, loss: usize, bins: f32, bytes: usize, first: usize, patterns: usize,
  ): void {
    for (let i: usize = 0, end = <usize>n << 2; i < end; i += 16) {
      const region = changetype<E>(0).region(f32x4.abs(v128.load(g + i)), f32x4.splat(bins));
      const easy = f32x4.eq(region, f32x4.splat(0));
      const value = v128.load(loss + i);
      const rest = v128.andnot(value, easy);
      v128.store32_lane(bytes, Bins.pack(region), 0);
      v128.store(first + i, v128.and(value, easy));
      v128.store(patterns, f64x2.add(f64x2.promote_low_f32x4(rest), f64x2.splat(GRID)));
      v128.store(patterns, f64x2.add(f64x2.promote_low_f32x4(i64x2.shuffle(rest, rest, 1, 1)), f64x2.splat(GRID)), 16);
      bytes += 4;
      patterns += 32;
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
      Bins.count(tables + (<usize>load<u8>(bytes) << 4), i64x2.shuffle(a, one, 0, 2));
      Bins.count(tables + TABLE + (<usize>load<u8>(bytes, 1) << 4), i64x2.shuffle(a, one, 1, 2));
      Bins.count(tables + 2 * TABLE + (<usize>load<u8>(bytes, 2) << 4), i64x2.shuffle(b, one, 0, 2));
      Bins.count(tables + 3 * TABLE + (<usize>load<u8>(bytes, 3) << 4), i64x2.shuffle(b, one, 1, 2));
      patterns += 32;
    }
  }

  /** The tables into the cells, exactly; leaves the tables empty. */
  static flush(bins: i32, tables: usize, cells: usize): void {
    for (let cell = cells, end = cells + <usize>bins * CELL; cell < end; cell += CELL) {
      for (let table = tables; table < tables + TABLES * TABLE; table += TABLE) {
        const count = load<i64>(table, 8);
        store<i64>(cell, load<i64>(cell) + count);
        Fixed.add(cell + 8, load<i64>(table) - count * reinterpret<i64>(GRID), 2, 30);
        v128.store(table, i64x2.splat(0));
      }
      Fixed.carry(cell + 8);
      tables += 16;
    }
  }

  /** Losses too large for the grid, one by one. */
  static slow(n: i32, bytes: usize, loss: usize, cells: usize): void {
    for (let i: i32 = 0; i < n; i++) {
      const cell = cells + <usize>load<u8>(bytes + i) * CELL;
      store<i64>(cell, load<i64>(cell) + 1);
      Fixed.deposit(cell + 8, load<f32>(loss + (<usize>i << 2)));
    }
  }

  /**
   * Adds counts and exact loss sums of one chunk to the cells.
   *
   * @param n at most 16384
   * @param scratch tables (16 kB, zeros), then room for one block of `first` and `patterns` (24 kB)
   * @returns the largest bit pattern of a loss; at or above 0x7f800000 nothing was added
   */
  @inline static tally<E extends Edges>(
    n: i32, g: usize, loss: usize, bins: i32, scratch: usize, bytes: usize, cells: usize,
  ): u32 {
    const most = peak(n, loss);
    if (n & 3) v128.store(g + (<usize>n << 2), i32x4.splat(0));
    if (most >= 0x7f800000) return most;
    if (most >= LARGE) {
      Bins.index<E>(n, g, <f32>bins, bytes);
      Bins.slow(n, bytes, loss, cells);
      return most;
    }
    const first = scratch + TABLES * TABLE;
    const patterns = first + (BLOCK << 2) + 64;
    for (let from: i32 = 0; from < n; from += BLOCK) {
      const m = min(n - from, BLOCK);
      const at = <usize>from << 2;
      Bins.sift<E>(m, g + at, loss + at, <f32>bins, bytes + from, first, patterns);
      sum(m, first, cells + 8);
      Bins.scatter(m, bytes + from, patterns, scratch);
    }
    Bins.flush(bins, scratch, cells);
    store<i64>(cells, load<i64>(cells) - (-n & 3)); // the padding counted as easy samples
    return most;
  }
}

/** @returns see `Bins.tally` */
export function tallyFloor(n: i32, g: usize, loss: usize, bins: i32, scratch: usize, bytes: usize, cells: usize): u32 {
  return Bins.tally<Floor>(n, g, loss, bins, scratch, bytes, cells);
}

export function tallyRounded(n: i32, g: usize, loss: usize, bins: i32, scratch: usize, bytes: usize, cells: usize): u32 {
  return Bins.tally<Rounded>(n, g, loss, bins, scratch, bytes, cells);
}

export function indexFloor(n: i32, g: usize, bins: f32, bytes: usize): void {
  Bins.index<Floor>(n, g, bins, bytes);
}

export function indexRounded(n: i32, g: usize, bins: f32, bytes: usize): void {
  Bins.index<Rounded>(n, g, bins, bytes);
}
