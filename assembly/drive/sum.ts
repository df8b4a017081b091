import { Fixed } from "../lane/fixed";
import { Pack } from "../lane/pack";
import { Grid, SINGLE } from "./grid";

/** Elements between two carries: 512 deposits of at most 2^21 units keep a lane of 32 bits below 2^30. */
const BLOCK: i32 = 2048;
/** Room for what the parts of one block leave, and a vector more. */
const REST: usize = memory.data(BLOCK * 4 + 16, 16);

/** Blocks of values in parts, see `Grid`, to an exact sum; `grid` is the finest. */
class Sum {
  static two(n: i32, values: usize, words: usize, grid: i32): void {
    const coarse = f32x4.splat(Grid.single(grid + SINGLE));
    const fine = f32x4.splat(Grid.single(grid));
    let sum1 = i32x4.splat(0);
    let sum0 = i32x4.splat(0);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(values + i);
      const part = f32x4.add(v, coarse);
      sum1 = i32x4.add(sum1, part);
      sum0 = i32x4.add(sum0, f32x4.add(Grid.rest(v, part, coarse), fine));
    }
    const count = (n + 3) >> 2;
    Grid.spillSingle(words, sum1, count, grid + SINGLE);
    Grid.spillSingle(words, sum0, count, grid);
  }

  /**
   * Three parts of values, and what those leave, which is exact.
   *
   * @param leaves whether they leave anything; a literal
   * @param rest where that is packed; may be `values`
   * @returns how many are left
   */
  @inline static three(n: i32, values: usize, words: usize, grid: i32, leaves: bool, rest: usize): i32 {
    const magic2 = f32x4.splat(Grid.single(grid + 2 * SINGLE));
    const magic1 = f32x4.splat(Grid.single(grid + SINGLE));
    const magic0 = f32x4.splat(Grid.single(grid));
    let sum2 = i32x4.splat(0);
    let sum1 = i32x4.splat(0);
    let sum0 = i32x4.splat(0);
    let to = rest;
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(values + i);
      const part2 = f32x4.add(v, magic2);
      const rest1 = Grid.rest(v, part2, magic2);
      const part1 = f32x4.add(rest1, magic1);
      const rest0 = Grid.rest(rest1, part1, magic1);
      const part0 = f32x4.add(rest0, magic0);
      sum2 = i32x4.add(sum2, part2);
      sum1 = i32x4.add(sum1, part1);
      sum0 = i32x4.add(sum0, part0);
      if (leaves) {
        const left = Grid.rest(rest0, part0, magic0);
        const lanes = i32x4.bitmask(f32x4.ne(left, f32x4.splat(0)));
        v128.store(to, Pack.together(left, lanes));
        to += Pack.bytes(lanes);
      }
    }
    const count = (n + 3) >> 2;
    Grid.spillSingle(words, sum2, count, grid + 2 * SINGLE);
    Grid.spillSingle(words, sum1, count, grid + SINGLE);
    Grid.spillSingle(words, sum0, count, grid);
    return <i32>((to - rest) >> 2);
  }

  static four(n: i32, values: usize, words: usize, grid: i32): void {
    const magic3 = f32x4.splat(Grid.single(grid + 3 * SINGLE));
    const magic2 = f32x4.splat(Grid.single(grid + 2 * SINGLE));
    const magic1 = f32x4.splat(Grid.single(grid + SINGLE));
    const magic0 = f32x4.splat(Grid.single(grid));
    let sum3 = i32x4.splat(0);
    let sum2 = i32x4.splat(0);
    let sum1 = i32x4.splat(0);
    let sum0 = i32x4.splat(0);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(values + i);
      const part3 = f32x4.add(v, magic3);
      const rest2 = Grid.rest(v, part3, magic3);
      const part2 = f32x4.add(rest2, magic2);
      const rest1 = Grid.rest(rest2, part2, magic2);
      const part1 = f32x4.add(rest1, magic1);
      sum3 = i32x4.add(sum3, part3);
      sum2 = i32x4.add(sum2, part2);
      sum1 = i32x4.add(sum1, part1);
      sum0 = i32x4.add(sum0, f32x4.add(Grid.rest(rest1, part1, magic1), magic0));
    }
    const count = (n + 3) >> 2;
    Grid.spillSingle(words, sum3, count, grid + 3 * SINGLE);
    Grid.spillSingle(words, sum2, count, grid + 2 * SINGLE);
    Grid.spillSingle(words, sum1, count, grid + SINGLE);
    Grid.spillSingle(words, sum0, count, grid);
  }

  /** Values that are further apart than four parts: the highest bits of all, then those of what is left. */
  static far(n: i32, values: usize, words: usize, range: u64): void {
    if (Grid.top(range) >= 125) {
      // Beyond the constants of the grids.
      for (let i: i32 = 0; i < n; i++) Fixed.deposit(words, load<f32>(values + ((<usize>i) << 2)));
      return;
    }
    const grid = max<i32>(Grid.top(range) + 1 - 3 * SINGLE, -126);
    const left = Sum.three(n, values, words, grid, true, REST);
    if (!left || grid === -126) return;
    Fixed.carry(words);
    Sum.far(left, REST, words, Grid.range(left, REST));
  }
}

/**
 * Adds n finite float32 values to an exact sum. Sets the padding up to the next multiple of four to 0, unless the range
 * is known: it is 0 already then.
 *
 * Which path is taken changes no bit: every path adds the same integers.
 *
 * @param words ten i64 words in canonical form, see `Fixed`; canonical again afterwards
 * @param bounds 0, or the address of two vectors with the range of all values, see `Residual.near`: wider is as good
 * @returns the largest bit pattern of |values[i]|; at or above 0x7f800000 nothing was added
 */
export function sum(n: i32, values: usize, words: usize, bounds: usize): u32 {
  const range = bounds ? Grid.join(v128.load(bounds), v128.load(bounds, 16)) : Grid.range(n, values);
  const most = Grid.most(range);
  if (most >= 0x7f800000 || most == 0) return most;
  const grid = Grid.finest(range);
  const isTwo = Grid.fits(range, 2);
  const isThree = Grid.fits(range, 3);
  const isFour = Grid.fits(range, 4);
  if (!isFour) Pack.ready();
  for (let from: i32 = 0; from < n; from += BLOCK) {
    const m = min(n - from, BLOCK);
    const at = values + ((<usize>from) << 2);
    if (isTwo) Sum.two(m, at, words, grid);
    else if (isThree) Sum.three(m, at, words, grid, false, 0);
    else if (isFour) Sum.four(m, at, words, grid);
    else Sum.far(m, at, words, range);
    Fixed.carry(words);
  }
  return most;
}

/** The exact sum as a float64, rounded once. */
export function total(words: usize): f64 {
  return Fixed.read(words);
}
