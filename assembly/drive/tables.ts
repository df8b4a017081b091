import { Fixed } from "../lane/fixed";
import { Grid, SINGLE } from "./grid";

/**
 * Private tables. Most samples of imbalanced data fall into one region: with a single table each would wait for the
 * store of the one before it.
 */
const TABLES: usize = 8;
/**
 * An entry of a table: patterns on two grids, a count, and patterns on a third grid or 0. A cell: count and ten words of
 * an exact sum.
 */
const ENTRY: usize = 16;
export const CELL: usize = 88;
/** Bytes of the tables for 256 regions. */
export const ALL: usize = TABLES * 256 * ENTRY;

/** Counts and losses by region, on the way to the cells: at most 4096 samples between two flushes. */
export class Tables {
  @inline static count(table: usize, region: usize, entry: v128): void {
    const at = table + region * ENTRY;
    v128.store(at, i32x4.add(v128.load(at), entry));
  }

  /** Four samples into four tables, `size` bytes apart: their losses on two grids. */
  @inline static two(bytes: usize, loss: usize, coarse: v128, fine: v128, tables: usize, size: usize): void {
    const one = i32x4(1, 0, 0, 0);
    const v = v128.load(loss);
    const high = f32x4.add(v, coarse);
    const low = f32x4.add(Grid.rest(v, high, coarse), fine);
    const a = i32x4.shuffle(high, low, 0, 4, 1, 5);
    const b = i32x4.shuffle(high, low, 2, 6, 3, 7);
    Tables.count(tables, load<u8>(bytes), i64x2.shuffle(a, one, 0, 2));
    Tables.count(tables + size, load<u8>(bytes, 1), i64x2.shuffle(a, one, 1, 2));
    Tables.count(tables + 2 * size, load<u8>(bytes, 2), i64x2.shuffle(b, one, 0, 2));
    Tables.count(tables + 3 * size, load<u8>(bytes, 3), i64x2.shuffle(b, one, 1, 2));
  }

  /**
   * The lower, and the upper, halves of two vectors. Shuffles in all but name: JavaScriptCore has one instruction or two
   * for these, and three for a shuffle.
   */
  @inline static lower(a: v128, b: v128): v128 {
    return f64x2.replace_lane(a, 1, f64x2.extract_lane(b, 0));
  }
  @inline static upper(a: v128, b: v128): v128 {
    return f64x2.replace_lane(b, 0, f64x2.extract_lane(a, 1));
  }

  /** The same on three. */
  @inline static three(
    bytes: usize,
    loss: usize,
    coarse: v128,
    middle: v128,
    fine: v128,
    tables: usize,
    size: usize,
  ): void {
    const one = i32x4.splat(1);
    const v = v128.load(loss);
    const high = f32x4.add(v, coarse);
    const rest = Grid.rest(v, high, coarse);
    const next = f32x4.add(rest, middle);
    const low = f32x4.add(Grid.rest(rest, next, middle), fine);
    const a = i32x4.shuffle(high, next, 0, 4, 1, 5);
    const b = i32x4.shuffle(one, low, 0, 4, 1, 5);
    const c = i32x4.shuffle(high, next, 2, 6, 3, 7);
    const d = i32x4.shuffle(one, low, 2, 6, 3, 7);
    Tables.count(tables, load<u8>(bytes), Tables.lower(a, b));
    Tables.count(tables + size, load<u8>(bytes, 1), Tables.upper(a, b));
    Tables.count(tables + 2 * size, load<u8>(bytes, 2), Tables.lower(c, d));
    Tables.count(tables + 3 * size, load<u8>(bytes, 3), Tables.upper(c, d));
  }

  /** Adds counts and losses to the tables: see `Grid`. */
  static scatterTwo(n: i32, bytes: usize, loss: usize, grid: i32, tables: usize, size: usize): void {
    const coarse = f32x4.splat(Grid.single(grid + SINGLE));
    const fine = f32x4.splat(Grid.single(grid));
    let i: i32 = 0;
    for (; i < n - 4; i += 8) {
      Tables.two(bytes, loss, coarse, fine, tables, size);
      Tables.two(bytes + 4, loss + 16, coarse, fine, tables + 4 * size, size);
      bytes += 8;
      loss += 32;
    }
    if (i < n) Tables.two(bytes, loss, coarse, fine, tables, size);
  }

  static scatterThree(n: i32, bytes: usize, loss: usize, grid: i32, tables: usize, size: usize): void {
    const coarse = f32x4.splat(Grid.single(grid + 2 * SINGLE));
    const middle = f32x4.splat(Grid.single(grid + SINGLE));
    const fine = f32x4.splat(Grid.single(grid));
    let i: i32 = 0;
    for (; i < n - 4; i += 8) {
      Tables.three(bytes, loss, coarse, middle, fine, tables, size);
      Tables.three(bytes + 4, loss + 16, coarse, middle, fine, tables + 4 * size, size);
      bytes += 8;
      loss += 32;
    }
    if (i < n) Tables.three(bytes, loss, coarse, middle, fine, tables, size);
  }

  /**
   * The tables into the cells, exactly; leaves the tables empty.
   *
   * @param grid that of the first pattern
   * @param third whether there is a third one
   * @param isNew whether the samples are to be counted
   */
  static flush(bins: i32, tables: usize, grid: i32, third: bool, cells: usize, isNew: bool): void {
    const fine = grid - 2 * SINGLE;
    let patterns = i32x4.splat(reinterpret<i32>(Grid.single(grid)));
    patterns = i32x4.replace_lane(patterns, 1, reinterpret<i32>(Grid.single(grid - SINGLE)));
    patterns = i32x4.replace_lane(patterns, 3, third ? reinterpret<i32>(Grid.single(fine)) : 0);
    const size = Tables.size(bins);
    for (let cell = cells, end = cells + <usize>bins * CELL; cell < end; cell += CELL) {
      let high = i64x2.splat(0);
      let low = i64x2.splat(0);
      let total: i32 = 0;
      for (let table = tables; table < tables + TABLES * size; table += size) {
        const entry = v128.load(table);
        const count = i32x4.extract_lane(entry, 2);
        total += count;
        const own = i32x4.sub(entry, i32x4.mul(patterns, i32x4.splat(count)));
        high = i64x2.add(high, i64x2.extend_low_i32x4_s(own));
        low = i64x2.add(low, i64x2.extend_high_i32x4_s(own));
        v128.store(table, i64x2.splat(0));
      }
      tables += ENTRY;
      if (!total) continue;
      if (isNew) store<i64>(cell, load<i64>(cell) + total);
      Grid.spill(cell + 8, i64x2.extract_lane(high, 0), grid);
      Grid.spill(cell + 8, i64x2.extract_lane(high, 1), grid - SINGLE);
      if (third) Grid.spill(cell + 8, i64x2.extract_lane(low, 1), fine);
      Fixed.carry(cell + 8);
    }
  }

  /** Bytes of one table. */
  @inline static size(bins: i32): usize {
    return <usize>bins * ENTRY;
  }
}
