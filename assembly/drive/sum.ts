import { Fixed } from "../lane/fixed";

/** Elements between two carries: a lane then holds at most 2^11 deposits of 2^51 units. */
const BLOCK: i32 = 4096;
/** Bits that one part of an exact sum holds: a float64 rounded by a magic constant has 51 and a sign. */
const PART: i32 = 51;

/**
 * The grids of an exact sum. Values whose highest and lowest bits are at most 51 apart are whole multiples of one
 * grid, and adding 1.5 * 2^52 units of it turns a value into an integer within the bit pattern of a float64.
 * Values further apart are split onto two or three grids, 51 bits apart.
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

  /** The finest grid, as an exponent of 2: that of the lowest bit of the smallest value, at least -126. */
  @inline static finest(range: u64): i32 {
    return max<i32>(<i32>(<u32>range >> 23) - 150, -126);
  }

  /** Parts that the values need; more than 3 if they do not fit. */
  @inline static parts(range: u64): i32 {
    const top = <i32>(Grid.most(range) >> 23) - 126;
    return (top - Grid.finest(range) + PART - 1) / PART;
  }

  /** 1.5 * 2^52 units of the grid: adding it rounds to the grid, ties to even. */
  @inline static magic(grid: i32): f64 {
    return reinterpret<f64>(((<u64>(grid + 52 + 1023)) << 52) | ((<u64>1) << 51));
  }

  /** Adds a sum of bit patterns, `count` of them, to an exact sum. */
  @inline static spill(words: usize, patterns: i64, count: i64, grid: i32): void {
    const position = grid + 126;
    const value = patterns - count * reinterpret<i64>(Grid.magic(grid));
    Fixed.add(words, value, <usize>(position >> 5), <i64>(position & 31));
  }

  static spillLanes(words: usize, lanes: v128, count: i64, grid: i32): void {
    Grid.spill(words, i64x2.extract_lane(lanes, 0), count, grid);
    Grid.spill(words, i64x2.extract_lane(lanes, 1), count, grid);
  }

  @inline static high(v: v128): v128 {
    return f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1));
  }

  /** What a value leaves after its part on a grid: v - (rounded - magic), exact. */
  @inline static rest(v: v128, rounded: v128, magic: v128): v128 {
    return f64x2.sub(v, f64x2.sub(rounded, magic));
  }

  static one(n: i32, values: usize, words: usize, grid: i32): void {
    const magic = f64x2.splat(Grid.magic(grid));
    let sum = i64x2.splat(0);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(values + i);
      sum = i64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(v), magic));
      sum = i64x2.add(sum, f64x2.add(Grid.high(v), magic));
    }
    Grid.spillLanes(words, sum, (<i64>((n + 3) >> 2)) << 1, grid);
  }

  static two(n: i32, values: usize, words: usize, grid: i32): void {
    const coarse = f64x2.splat(Grid.magic(grid + PART));
    const fine = f64x2.splat(Grid.magic(grid));
    let sum1 = i64x2.splat(0);
    let sum0 = i64x2.splat(0);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(values + i);
      const a = f64x2.promote_low_f32x4(v);
      const b = Grid.high(v);
      const a1 = f64x2.add(a, coarse);
      const b1 = f64x2.add(b, coarse);
      const a0 = f64x2.add(Grid.rest(a, a1, coarse), fine);
      const b0 = f64x2.add(Grid.rest(b, b1, coarse), fine);
      sum1 = i64x2.add(sum1, i64x2.add(a1, b1));
      sum0 = i64x2.add(sum0, i64x2.add(a0, b0));
    }
    const count = (<i64>((n + 3) >> 2)) << 1;
    Grid.spillLanes(words, sum1, count, grid + PART);
    Grid.spillLanes(words, sum0, count, grid);
  }

  static three(n: i32, values: usize, words: usize, grid: i32): void {
    const coarse = f64x2.splat(Grid.magic(grid + 2 * PART));
    const middle = f64x2.splat(Grid.magic(grid + PART));
    const fine = f64x2.splat(Grid.magic(grid));
    let sum2 = i64x2.splat(0);
    let sum1 = i64x2.splat(0);
    let sum0 = i64x2.splat(0);
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const v = v128.load(values + i);
      const a = f64x2.promote_low_f32x4(v);
      const b = Grid.high(v);
      const a2 = f64x2.add(a, coarse);
      const b2 = f64x2.add(b, coarse);
      const ar = Grid.rest(a, a2, coarse);
      const br = Grid.rest(b, b2, coarse);
      const a1 = f64x2.add(ar, middle);
      const b1 = f64x2.add(br, middle);
      const a0 = f64x2.add(Grid.rest(ar, a1, middle), fine);
      const b0 = f64x2.add(Grid.rest(br, b1, middle), fine);
      sum2 = i64x2.add(sum2, i64x2.add(a2, b2));
      sum1 = i64x2.add(sum1, i64x2.add(a1, b1));
      sum0 = i64x2.add(sum0, i64x2.add(a0, b0));
    }
    const count = (<i64>((n + 3) >> 2)) << 1;
    Grid.spillLanes(words, sum2, count, grid + 2 * PART);
    Grid.spillLanes(words, sum1, count, grid + PART);
    Grid.spillLanes(words, sum0, count, grid);
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
  const parts = Grid.parts(range);
  const grid = Grid.finest(range);
  for (let from: i32 = 0; from < n; from += BLOCK) {
    const m = min(n - from, BLOCK);
    const at = values + ((<usize>from) << 2);
    if (parts == 1) Grid.one(m, at, words, grid);
    else if (parts == 2) Grid.two(m, at, words, grid);
    else if (parts == 3) Grid.three(m, at, words, grid);
    else for (let i = at, end = at + ((<usize>m) << 2); i < end; i += 4) Fixed.deposit(words, load<f32>(i));
    Fixed.carry(words);
  }
  return most;
}

/** The exact sum as a float64, rounded once. */
export function total(words: usize): f64 {
  return Fixed.read(words);
}
