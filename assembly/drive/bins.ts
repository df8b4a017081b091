import { Fixed } from "../lane/fixed";
import { Grid, SINGLE } from "./grid";
import { Edges, Floor, Regions, Rounded } from "./regions";
import { ALL, CELL, Tables } from "./tables";

/** Samples between two flushes: 512 in each table, of at most 2^21 units, keep a lane of 32 bits below 2^30. */
const BLOCK: i32 = 4096;
/** Bytes of `band` and `rest` in the scratch memory, behind the tables. */
const ROOM: usize = <usize>BLOCK * 4 + 64;
/** Bits that three parts hold: the coarsest has one less, so that sums have room. */
const BITS: i32 = 3 * SINGLE - 1;
/** Exponents of a band below its largest one: with the 24 bits of the smallest value, as many bits as that. */
const BAND: u32 = BITS - 24;
/** The finest grid may not be above it: the constant of the coarsest must be a float32. */
const TOP: i32 = 125 - 3 * SINGLE;

export class Bins {
  /** The finest of three grids for losses in a range. */
  @inline static grid(range: u64): i32 {
    return min<i32>(Grid.finest(range), TOP);
  }

  @inline static fits(range: u64): bool {
    return <i32>(Grid.most(range) >> 23) - 126 - Bins.grid(range) <= BITS;
  }

  /** Losses of at least a threshold in size to `band`, the others to `rest`; zeros in their places. */
  static split(n: i32, loss: usize, threshold: u32, band: usize, rest: usize): void {
    const least = f32x4.splat(reinterpret<f32>(threshold));
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(loss + i);
      const isBelow = f32x4.lt(f32x4.abs(v), least);
      v128.store(band + i, v128.andnot(v, isBelow));
      v128.store(rest + i, v128.and(v, isBelow));
    }
  }

  /** Counts and losses one by one, for losses near the end of float32, where the coarsest grid would be beyond it. */
  static slow(n: i32, bytes: usize, loss: usize, cells: usize): void {
    for (let i: i32 = 0; i < n; i++) {
      const cell = cells + <usize>load<u8>(bytes + i) * CELL;
      store<i64>(cell, load<i64>(cell) + 1);
      Fixed.deposit(cell + 8, load<f32>(loss + ((<usize>i) << 2)));
    }
  }

  /** One block whose regions are known: losses too far apart for three parts go band by band, the largest first. */
  static block(n: i32, bytes: usize, loss: usize, range: u64, bins: i32, scratch: usize, cells: usize): void {
    const band = scratch + ALL;
    const rest = band + ROOM;
    if (Grid.most(range) >> 23 > <u32>(126 + TOP + BITS)) {
      Bins.slow((n + 3) & ~3, bytes, loss, cells);
      return;
    }
    let isFirst = true;
    for (; !Bins.fits(range); range = Grid.range(n, rest)) {
      const threshold = ((Grid.most(range) >> 23) - BAND) << 23;
      Bins.split(n, loss, threshold, band, rest);
      Bins.add(n, bytes, band, Grid.range(n, band), bins, scratch, cells, isFirst);
      isFirst = false;
      loss = rest;
    }
    Bins.add(n, bytes, loss, range, bins, scratch, cells, isFirst);
  }

  /** Losses that fit two or three parts. */
  static add(
    n: i32,
    bytes: usize,
    loss: usize,
    range: u64,
    bins: i32,
    tables: usize,
    cells: usize,
    isNew: bool,
  ): void {
    const size = Tables.size(bins);
    if (Grid.fits(range, 2)) {
      const grid = Grid.finest(range);
      Tables.scatterTwo(n, bytes, loss, grid, tables, size);
      Tables.flush(bins, tables, grid + SINGLE, false, cells, isNew);
    } else {
      const grid = Bins.grid(range);
      Tables.scatterThree(n, bytes, loss, grid, tables, size);
      Tables.flush(bins, tables, grid + 2 * SINGLE, true, cells, isNew);
    }
  }

  /**
   * Adds counts and exact loss sums of one chunk to the cells, and leaves the regions at `bytes`.
   *
   * @param n any; the padding of `g` and `loss` up to the next multiple of four is set to 0
   * @param bounds 0, or the address of two vectors with the range of all losses, see `Residual.near`: wider is as good
   * @param scratch tables (32 kB, zeros), then room for one block (33 kB)
   * @returns the largest bit pattern of a loss; at or above 0x7f800000 not all was added
   */
  @inline static tally<E extends Edges>(
    n: i32,
    g: usize,
    loss: usize,
    bins: i32,
    scratch: usize,
    bytes: usize,
    cells: usize,
    bounds: usize,
  ): u32 {
    if (n & 3) {
      v128.store(g + ((<usize>n) << 2), i32x4.splat(0));
      v128.store(loss + ((<usize>n) << 2), i32x4.splat(0));
    }
    const whole = bounds ? Grid.join(v128.load(bounds), v128.load(bounds, 16)) : 0;
    const isKnown = bounds && Grid.most(whole) < 0x7f800000 && Bins.fits(whole);
    let most: u32 = 0;
    for (let from: i32 = 0; from < n; from += BLOCK) {
      const m = min(n - from, BLOCK);
      const at = (<usize>from) << 2;
      const range = isKnown ? whole : Grid.range(m, loss + at);
      most = max<u32>(most, Grid.most(range));
      if (most >= 0x7f800000) return most;
      Regions.index<E>(m, g + at, <f32>bins, bytes + from);
      Bins.block(m, bytes + from, loss + at, range, bins, scratch, cells);
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
  bounds: usize,
): u32 {
  return Bins.tally<Floor>(n, g, loss, bins, scratch, bytes, cells, bounds);
}

export function tallyRounded(
  n: i32,
  g: usize,
  loss: usize,
  bins: i32,
  scratch: usize,
  bytes: usize,
  cells: usize,
  bounds: usize,
): u32 {
  return Bins.tally<Rounded>(n, g, loss, bins, scratch, bytes, cells, bounds);
}

export function indexFloor(n: i32, g: usize, bins: f32, bytes: usize): void {
  Regions.index<Floor>(n, g, bins, bytes);
}

export function indexRounded(n: i32, g: usize, bins: f32, bytes: usize): void {
  Regions.index<Rounded>(n, g, bins, bytes);
}
