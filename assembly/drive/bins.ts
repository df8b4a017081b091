import { Fixed } from "../lane/fixed";
import { Grid, SINGLE, sum } from "./sum";

/** Adding it rounds 0 <= v < 2^22 to a whole number, which stands in the low bits of the pattern then. */
const ROUND: f32 = 8388608;

/** Where the unit regions of [0, 1] meet. Used as a type argument only. */
@unmanaged
export abstract class Edges {
  /** The regions of four values in [0, 1], from 0 to bins - 1, in the low bits of the lanes. */
  abstract region(g: v128, bins: v128): v128;
}

/** The paper's regions: floor(g bins) of the exact product, the last region closed at 1. */
@unmanaged
@final
export class Floor extends Edges {
  @inline region(g: v128, bins: v128): v128 {
    const rounded = f32x4.add(f32x4.mul(g, bins), f32x4.splat(ROUND));
    const near = f32x4.sub(rounded, f32x4.splat(ROUND));
    // g bins - near with the right sign: both partial products are exact, as is the first difference.
    const head = v128.and(g, i32x4.splat(~0x1ff));
    const rest = f32x4.add(f32x4.sub(f32x4.mul(head, bins), near), f32x4.mul(f32x4.sub(g, head), bins));
    return Bins.below(rounded, i32x4.shr_s(rest, 31), bins);
  }
}

/** mmdetection's regions: between the float32 values of j / bins. */
@unmanaged
@final
export class Rounded extends Edges {
  @inline region(g: v128, bins: v128): v128 {
    const rounded = f32x4.add(f32x4.mul(g, bins), f32x4.splat(ROUND));
    const near = f32x4.sub(rounded, f32x4.splat(ROUND));
    return Bins.below(rounded, f32x4.lt(g, f32x4.div(near, bins)), bins);
  }
}

/** Elements between two flushes: 512 in each table, of at most 2^21 units, keep a lane of 32 bits below 2^30. */
const BLOCK: i32 = 4096;
/**
 * Private tables. Most samples of imbalanced data fall into one region: with a single table each would wait for the
 * store of the one before it.
 */
const TABLES: usize = 8;
/** An entry of a table: [coarse patterns, fine patterns, count, 0]. A cell: count and ten words of an exact sum. */
const ENTRY: usize = 16;
const CELL: usize = 88;
/** Bytes of `first` and `rest` in the scratch memory, behind the tables; and of the tables for 256 regions. */
const ROOM: usize = <usize>BLOCK * 4 + 64;
const ALL: usize = TABLES * 256 * ENTRY;

export class Bins {
  /** The region `near` or the one before it, at most bins - 1, in the low bits of each lane. */
  @inline static below(rounded: v128, less: v128, bins: v128): v128 {
    return i32x4.min_s(i32x4.add(rounded, less), f32x4.add(bins, f32x4.splat(ROUND - 1)));
  }

  /** The regions of |g| as bytes. */
  @inline static index<E extends Edges>(n: i32, g: usize, bins: f32, bytes: usize): void {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const region = changetype<E>(0).region(f32x4.abs(v128.load(g + i)), f32x4.splat(bins));
      v128.store32_lane(
        bytes,
        i8x16.shuffle(region, region, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12),
        0,
      );
      bytes += 4;
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

  @inline static count(table: usize, region: usize, entry: v128): void {
    const at = table + region * ENTRY;
    v128.store(at, i32x4.add(v128.load(at), entry));
  }

  /** Four samples into four tables, `size` bytes apart. */
  @inline static four(bytes: usize, loss: usize, coarse: v128, fine: v128, tables: usize, size: usize): void {
    const one = i32x4(1, 0, 0, 0);
    const v = v128.load(loss);
    const high = f32x4.add(v, coarse);
    const low = f32x4.add(Grid.rest(v, high, coarse), fine);
    const a = i32x4.shuffle(high, low, 0, 4, 1, 5);
    const b = i32x4.shuffle(high, low, 2, 6, 3, 7);
    Bins.count(tables, load<u8>(bytes), i64x2.shuffle(a, one, 0, 2));
    Bins.count(tables + size, load<u8>(bytes, 1), i64x2.shuffle(a, one, 1, 2));
    Bins.count(tables + 2 * size, load<u8>(bytes, 2), i64x2.shuffle(b, one, 0, 2));
    Bins.count(tables + 3 * size, load<u8>(bytes, 3), i64x2.shuffle(b, one, 1, 2));
  }

  /** Adds counts and losses, split onto two grids, to the tables: see `Grid`. */
  static scatter(n: i32, bytes: usize, loss: usize, grid: i32, bins: i32, tables: usize): void {
    const coarse = f32x4.splat(Grid.single(grid + SINGLE));
    const fine = f32x4.splat(Grid.single(grid));
    const size = <usize>bins * ENTRY;
    let i: i32 = 0;
    for (; i < n - 4; i += 8) {
      Bins.four(bytes, loss, coarse, fine, tables, size);
      Bins.four(bytes + 4, loss + 16, coarse, fine, tables + 4 * size, size);
      bytes += 8;
      loss += 32;
    }
    if (i < n) Bins.four(bytes, loss, coarse, fine, tables, size);
  }

  /** The tables into the cells, exactly; leaves the tables empty. */
  static flush(bins: i32, tables: usize, grid: i32, cells: usize): void {
    const patterns = i32x4.replace_lane(
      i32x4.splat(reinterpret<i32>(Grid.single(grid + SINGLE))),
      1,
      reinterpret<i32>(Grid.single(grid)),
    );
    const size = <usize>bins * ENTRY;
    for (let cell = cells, end = cells + <usize>bins * CELL; cell < end; cell += CELL) {
      let units = i64x2.splat(0);
      let total: i32 = 0;
      for (let table = tables; table < tables + TABLES * size; table += size) {
        const entry = v128.load(table);
        const count = i32x4.extract_lane(entry, 2);
        total += count;
        const own = i32x4.sub(entry, i32x4.mul(patterns, i32x4.splat(count)));
        units = i64x2.add(units, i64x2.extend_low_i32x4_s(own));
        v128.store(table, i64x2.splat(0));
      }
      tables += ENTRY;
      if (!total) continue;
      store<i64>(cell, load<i64>(cell) + total);
      Grid.spill(cell + 8, i64x2.extract_lane(units, 0), grid + SINGLE);
      Grid.spill(cell + 8, i64x2.extract_lane(units, 1), grid);
      Fixed.carry(cell + 8);
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
    const first = scratch + ALL;
    const rest = first + ROOM;
    if (!Grid.fits(range, 2)) {
      Bins.split(n, bytes, loss, first, rest);
      range = Grid.range(n, rest);
      if (!Grid.fits(range, 2)) {
        Bins.slow((n + 3) & ~3, bytes, loss, cells);
        return;
      }
      sum(n, first, cells + 8);
      loss = rest;
    }
    const grid = Grid.finest(range);
    Bins.scatter(n, bytes, loss, grid, bins, scratch);
    Bins.flush(bins, scratch, grid, cells);
  }

  /**
   * Adds counts and exact loss sums of one chunk to the cells, and leaves the regions at `bytes`.
   *
   * @param n any; the padding of `g` and `loss` up to the next multiple of four is set to 0
   * @param scratch tables (32 kB, zeros), then room for one block (33 kB)
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

/**
 * Reads cells: counts and loss sums as float64, each rounded once. Leaves the sum over all cells at `words`.
 *
 * @returns that sum, rounded once
 */
export function readCells(bins: i32, cells: usize, counts: usize, sums: usize, words: usize): f64 {
  memory.fill(words, 0, 80);
  for (let end = cells + <usize>bins * CELL; cells < end; cells += CELL) {
    store<f64>(counts, <f64>load<i64>(cells));
    store<f64>(sums, load<i64>(cells) ? Fixed.read(cells + 8) : 0);
    for (let i: usize = 0; i < 80; i += 8)
      store<i64>(words + i, load<i64>(words + i) + load<i64>(cells + 8 + i));
    counts += 8;
    sums += 8;
  }
  return Fixed.read(words);
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
