import { Fixed } from "../lane/fixed";
import { I4 } from "../lane/i32x4";

/** Bits of one part of a sum in the patterns of float32. */
export const SINGLE: i32 = 22;

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
    return Grid.join(most, least);
  }

  /** The range of the lanes of both. */
  static join(most: v128, least: v128): u64 {
    const high = I4.most(most);
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

  /** The largest value is below 2 to that. */
  @inline static top(range: u64): i32 {
    return <i32>(Grid.most(range) >> 23) - 126;
  }

  /** Bits from the finest grid to the highest bit of the largest value. */
  @inline static bits(range: u64): i32 {
    return Grid.top(range) - Grid.finest(range);
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
}
