import { Fixed } from "../lane/fixed";

/** Deposits between two carries: 2^12 elements fill a lane to 2^62 at the most. */
const BLOCK: i32 = 4096;
/** 1.5 * 2^52 units of the grids 2^-24, 2^-75 and 2^-126: adding one rounds to its grid, in float64. */
const COARSE: f64 = 402653184;
const MIDDLE: f64 = 1.7881393432617188e-7;
const FINE: f64 = 7.940933880509066e-23;
/** 2^27: elements of this size and above do not fit the coarse grid. */
const LARGE: u32 = 0x4d000000;

/**
 * The largest bit pattern of |values[i]|: at or above 0x7f800000 where one of them is not finite. Sets the
 * padding up to the next multiple of four to 0.
 */
export function peak(n: i32, values: usize): u32 {
  if (n & 3) v128.store(values + (<usize>n << 2), i32x4.splat(0));
  let most = i32x4.splat(0);
  for (let i: usize = 0, end = <usize>n << 2; i < end; i += 16) {
    most = i32x4.max_u(most, v128.and(v128.load(values + i), i32x4.splat(0x7fffffff)));
  }
  return max<u32>(
    max<u32>(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
    max<u32>(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
  );
}

/**
 * Adds n finite float32 values to an exact sum.
 *
 * Each value is split by three float64 additions onto the grids 2^-24, 2^-75 and 2^-126. The bit patterns of
 * the three rounded parts are added up as integers, and the patterns of the constants taken off at the end.
 *
 * @param words ten i64 words in canonical form, see `Fixed`; canonical again afterwards
 * @returns the largest bit pattern of |values[i]|; at or above 0x7f800000 nothing was added
 */
export function sum(n: i32, values: usize, words: usize): u32 {
  const most = peak(n, values);
  if (most >= 0x7f800000) return most;
  if (most >= LARGE) {
    for (let i: usize = 0, end = <usize>n << 2; i < end; i += 4) Fixed.deposit(words, load<f32>(values + i));
    return most;
  }
  for (let from: i32 = 0; from < n; from += BLOCK) {
    block(min(n - from, BLOCK), values + (<usize>from << 2), words);
    Fixed.carry(words);
  }
  return most;
}

function block(n: i32, values: usize, words: usize): void {
  let coarse = i64x2.splat(0);
  let middle = i64x2.splat(0);
  let fine = i64x2.splat(0);
  for (let i: usize = 0, end = <usize>n << 2; i < end; i += 16) {
    const v = v128.load(values + i);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1));
    const a1 = f64x2.add(a, f64x2.splat(COARSE));
    const b1 = f64x2.add(b, f64x2.splat(COARSE));
    const ar = f64x2.sub(a, f64x2.sub(a1, f64x2.splat(COARSE)));
    const br = f64x2.sub(b, f64x2.sub(b1, f64x2.splat(COARSE)));
    const a2 = f64x2.add(ar, f64x2.splat(MIDDLE));
    const b2 = f64x2.add(br, f64x2.splat(MIDDLE));
    const a3 = f64x2.add(f64x2.sub(ar, f64x2.sub(a2, f64x2.splat(MIDDLE))), f64x2.splat(FINE));
    const b3 = f64x2.add(f64x2.sub(br, f64x2.sub(b2, f64x2.splat(MIDDLE))), f64x2.splat(FINE));
    coarse = i64x2.add(coarse, i64x2.add(a1, b1));
    middle = i64x2.add(middle, i64x2.add(a2, b2));
    fine = i64x2.add(fine, i64x2.add(a3, b3));
  }
  const deposits = <i64>((n + 3) >> 2) << 1;
  spill(words, coarse, deposits * reinterpret<i64>(COARSE), 3, 6);
  spill(words, middle, deposits * reinterpret<i64>(MIDDLE), 1, 19);
  spill(words, fine, deposits * reinterpret<i64>(FINE), 0, 0);
}

function spill(words: usize, lanes: v128, constants: i64, word: usize, shift: i64): void {
  Fixed.add(words, i64x2.extract_lane(lanes, 0) - constants, word, shift);
  Fixed.add(words, i64x2.extract_lane(lanes, 1) - constants, word, shift);
}

/** The exact sum as a float64, rounded once. */
export function total(words: usize): f64 {
  return Fixed.read(words);
}
