import { I4 } from "../lane/i32x4";

/** uint8 targets as float32. `bytes` is read up to the next multiple of four. */
export function widen(n: i32, bytes: usize, t: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    v128.store(
      t + i,
      f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes)))),
    );
    bytes += 4;
  }
}

/**
 * Makes masked elements harmless: where the mask byte is 0 the logit, the target and the weight become 0.
 *
 * @returns how many mask bytes are not 0
 */
export function blank(n: i32, mask: usize, x: usize, t: usize, w: usize): i32 {
  if (n & 3) store<u32>(mask + n, 0);
  let out = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const masked = I4.zeros(mask);
    v128.store(x + i, v128.andnot(v128.load(x + i), masked));
    v128.store(t + i, v128.andnot(v128.load(t + i), masked));
    v128.store(w + i, v128.andnot(v128.load(w + i), masked));
    out = i32x4.sub(out, masked);
    mask += 4;
  }
  return ((n + 3) & ~3) - I4.sum(out);
}

/** Weights of target 1 and of target 0 for each element: w1 = w a1, w0 = w a0, from arrays (stride -1) or one vector (0). */
export function weigh(n: i32, w: usize, a1: usize, a0: usize, stride: usize, w1: usize, w0: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    v128.store(w1 + i, f32x4.mul(v128.load(w + i), v128.load(a1 + (i & stride))));
    v128.store(w0 + i, f32x4.mul(v128.load(w + i), v128.load(a0 + (i & stride))));
  }
}

/** w a1 where the target is above 0, else w a0: the weights of hard targets, in place. */
export function choose(n: i32, t: usize, a1: usize, a0: usize, w: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const isPositive = f32x4.gt(v128.load(t + i), f32x4.splat(0));
    const a = v128.bitselect(v128.load(a1 + i), v128.load(a0 + i), isPositive);
    v128.store(w + i, f32x4.mul(v128.load(w + i), a));
  }
}

/** values / divisor in float64, rounded to float32: for a divisor that is not a float32 itself. */
export function divide(n: i32, values: usize, divisor: f64): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const v = v128.load(values + i);
    const low = f32x4.demote_f64x2_zero(f64x2.div(f64x2.promote_low_f32x4(v), f64x2.splat(divisor)));
    const high = f32x4.demote_f64x2_zero(
      f64x2.div(f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1)), f64x2.splat(divisor)),
    );
    v128.store(values + i, i64x2.shuffle(low, high, 0, 2));
  }
}

/** The largest bit pattern as unsigned: above 0x7f7fffff where a weight is negative, infinite or NaN. */
export function gauge(n: i32, w: usize): u32 {
  if (n & 3) v128.store(w + ((<usize>n) << 2), i32x4.splat(0));
  let most = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    most = i32x4.max_u(most, f32x4.add(v128.load(w + i), f32x4.splat(0))); // -0 becomes 0
  }
  return max<u32>(
    max<u32>(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
    max<u32>(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
  );
}

/**
 * Moves |values| to `out`, leaving out those whose mask byte is 0. No mask (address 0): all of them.
 *
 * @returns how many were moved
 */
export function magnitudes(n: i32, values: usize, mask: usize, out: usize): i32 {
  if (!mask) {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      v128.store(out + i, f32x4.abs(v128.load(values + i)));
    }
    return n;
  }
  let at = out;
  for (let i: usize = 0; i < <usize>n; i++) {
    store<f32>(at, abs<f32>(load<f32>(values + (i << 2))));
    at += load<u8>(mask + i) ? 4 : 0;
  }
  return <i32>((at - out) >> 2);
}
