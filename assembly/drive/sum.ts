import { F2 } from "../lane/f64x2";
import { Fixed } from "../lane/fixed";

/** Elements between two carries: 512 deposits of at most 2^21 units keep a lane of 32 bits below 2^30. */
const BLOCK: i32 = 2048;
/** Bits of one part of a sum: in the patterns of float32 and of float64. */
export const SINGLE: i32 = 22;
const DOUBLE: i32 = 51;

/**
 * The grids of an exact sum.
 *
 * Adding 1.5 * 2^23 units of a grid rounds a float32 to that grid and leaves the number of units in the low bits of
 * its pattern: patterns can be added up as integers, and those of the constant taken off at the end. What the
 * rounding left goes to the next finer grid, exactly. So many parts as the values have bits between the highest of
 * the largest and the lowest of the smallest make the sum exact.
 */
export class Grid {
  /** The largest and the smallest non-zero bit pattern of |values[i]|: (largest << 32) | (smallest - 1). */
  static range(n: i32, values: usize): u64 {
    if (n & 3) v128.store(values + ((<usize>n) << 2), i32x4.splat(0));
    let most = i32x4.splat(0);
    let least = i32x4.splat(-1);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const bits = v128.and(v128.load(values + i), i32x4.splat(0x7fffffff));
      most = i32x4.max_u(most, bits);
      least = i32x4.min_u(least, i32x4.sub(bits, i32x4.splat(1)));
    }
    const high = max<u32>(
      max<u32>(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
      max<u32>(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
    );
    const low = min<u32>(
      min<u32>(i32x4.extract_lane(least, 0), i32x4.extract_lane(least, 1)),
      min<u32>(i32x4.extract_lane(least, 2), i32x4.extract_lane(least, 3)),
    );
    return ((<u64>high) << 32) | low;
  }

  /** The largest bit pattern: at or above 0x7f800000 where a value is not finite. */
  @inline static most(range: u64): u32 {
    return <u32>(range >> 32);
  }

  /** The finest grid, as an exponent of 2: at most that of the lowest bit of the smallest value, at least -126. */
  @inline static finest(range: u64): i32 {
    return max<i32>(<i32>min<u32>(<u32>range >> 23, 230) - 150, -126);
  }

  /** Bits from the finest grid to the highest bit of the largest value. */
  @inline static bits(range: u64): i32 {
    return <i32>(Grid.most(range) >> 23) - 126 - Grid.finest(range);
  }

  /**
   * Whether `parts` parts in float32 hold the values. The coarsest part has one bit less, so that sums have room,
   * and its constant must be a float32 itself.
   */
  @inline static fits(range: u64, parts: i32): bool {
    return Grid.bits(range) < SINGLE * parts && Grid.finest(range) + SINGLE * parts <= 125;
  }

  /** 1.5 * 2^23 units of a grid, for grids up to 2^103. */
  @inline static single(grid: i32): f32 {
    return reinterpret<f32>(((grid + 23 + 127) << 23) | 0x400000);
  }

  /** 1.5 * 2^52 units of a grid. */
  @inline static double(grid: i32): f64 {
    return reinterpret<f64>(((<u64>(grid + 52 + 1023)) << 52) | ((<u64>1) << 51));
  }

  /** Adds so many units of a grid to an exact sum. */
  @inline static spill(words: usize, units: i64, grid: i32): void {
    Fixed.add(words, units, <usize>((grid + 126) >> 5), <i64>((grid + 126) & 31));
  }

  /** Four lanes of added patterns of float32, `count` in each, to an exact sum. */
  static spillSingle(words: usize, lanes: v128, count: i32, grid: i32): void {
    const units = i32x4.sub(lanes, i32x4.splat(count * reinterpret<i32>(Grid.single(grid))));
    const pairs = i64x2.add(i64x2.extend_low_i32x4_s(units), i64x2.extend_high_i32x4_s(units));
    Grid.spill(words, i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1), grid);
  }

  /** Two lanes of added patterns of float64, `count` in each, to an exact sum. */
  static spillDouble(words: usize, lanes: v128, count: i64, grid: i32): void {
    const constants = count * reinterpret<i64>(Grid.double(grid));
    Grid.spill(words, i64x2.extract_lane(lanes, 0) - constants, grid);
    Grid.spill(words, i64x2.extract_lane(lanes, 1) - constants, grid);
  }

  /** What a value leaves after its part on a grid: exact. */
  @inline static rest(v: v128, rounded: v128, magic: v128): v128 {
    return f32x4.sub(v, f32x4.sub(rounded, magic));
  }

  @inline static restDouble(v: v128, rounded: v128, magic: v128): v128 {
    return f64x2.sub(v, f64x2.sub(rounded, magic));
  }

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

  /**
   * Three parts of 51 bits, in float64, of the values whose size is below a limit, or of the others: for values up to
   * 2^153 apart.
   *
   * @param others 0, or -1 for those that are not below the limit
   */
  static wide(n: i32, values: usize, words: usize, grid: i32, limit: f32, others: i32): void {
    const below = f32x4.splat(limit);
    const flip = i32x4.splat(others);
    const coarse = f64x2.splat(Grid.double(grid + 2 * DOUBLE));
    const middle = f64x2.splat(Grid.double(grid + DOUBLE));
    const fine = f64x2.splat(Grid.double(grid));
    let sum2 = i64x2.splat(0);
    let sum1 = i64x2.splat(0);
    let sum0 = i64x2.splat(0);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const value = v128.load(values + i);
      const v = v128.and(value, v128.xor(f32x4.lt(f32x4.abs(value), below), flip));
      const a = F2.low(v);
      const b = F2.high(v);
      const a2 = f64x2.add(a, coarse);
      const b2 = f64x2.add(b, coarse);
      const ar = Grid.restDouble(a, a2, coarse);
      const br = Grid.restDouble(b, b2, coarse);
      const a1 = f64x2.add(ar, middle);
      const b1 = f64x2.add(br, middle);
      const a0 = f64x2.add(Grid.restDouble(ar, a1, middle), fine);
      const b0 = f64x2.add(Grid.restDouble(br, b1, middle), fine);
      sum2 = i64x2.add(sum2, i64x2.add(a2, b2));
      sum1 = i64x2.add(sum1, i64x2.add(a1, b1));
      sum0 = i64x2.add(sum0, i64x2.add(a0, b0));
    }
    const count = (<i64>((n + 3) >> 2)) << 1;
    Grid.spillDouble(words, sum2, count, grid + 2 * DOUBLE);
    Grid.spillDouble(words, sum1, count, grid + DOUBLE);
    Grid.spillDouble(words, sum0, count, grid);
  }
}

/**
 * Adds n finite float32 values to an exact sum. Sets the padding up to the next multiple of four to 0.
 *
 * Which path is taken changes no bit: every path adds the same integers.
 *
 * @param words ten i64 words in canonical form, see `Fixed`; canonical again afterwards
 * @returns the largest bit pattern of |values[i]|; at or above 0x7f800000 nothing was added
 */
export function sum(n: i32, values: usize, words: usize): u32 {
  const range = Grid.range(n, values);
  const most = Grid.most(range);
  if (most >= 0x7f800000 || most == 0) return most;
  const grid = Grid.finest(range);
  const isTwo = Grid.fits(range, 2);
  const isFour = Grid.fits(range, 4);
  const isWide = Grid.bits(range) <= 3 * DOUBLE;
  for (let from: i32 = 0; from < n; from += BLOCK) {
    const m = min(n - from, BLOCK);
    const at = values + ((<usize>from) << 2);
    if (isTwo) Grid.two(m, at, words, grid);
    else if (isFour) Grid.four(m, at, words, grid);
    else if (isWide) Grid.wide(m, at, words, grid, Infinity, 0);
    else {
      Grid.wide(m, at, words, -126, 1, 0);
      Fixed.carry(words);
      Grid.wide(m, at, words, -24, 1, -1);
    }
    Fixed.carry(words);
  }
  return most;
}

/** The exact sum as a float64, rounded once. */
export function total(words: usize): f64 {
  return Fixed.read(words);
}
