/**
 * Where a sample's window begins and ends, decided exactly on the float32 grid.
 *
 * A float32 g lies in [c - h, c + h), h = width / 2, if and only if low(c) <= g < high(c), where low and high are
 * the smallest float32 values that are not below c - h and c + h. Both are made as bits: non-negative floats are
 * ordered as their bits are.
 * Method: s = fl64(c -+ h) and its rounding error e (Dekker, Knuth); t = fl32(s) is one step too small exactly if
 * t - s < e, and t - s is exact.
 */
export class Window {
  /** width / 2, exactly; widths below the float32 grid all hold one value, so the tiniest are raised to halve exactly. */
  @inline static half(width: f64): f64 {
    return max(width, 1e-300) * 0.5;
  }

  /** fl32(s), one step up where it lies below s + e, as bits in the low two lanes. */
  @inline static above(s: v128, e: v128): v128 {
    const t = f32x4.demote_f64x2_zero(s);
    const short = f64x2.lt(f64x2.sub(f64x2.promote_low_f32x4(t), s), e);
    return i32x4.sub(t, i32x4.shuffle(short, short, 0, 2, 0, 2));
  }

  @inline static lowPair(c: v128, h: v128): v128 {
    const s = f64x2.sub(c, h);
    // Exact for c >= h; below that the window begins at 0 whatever e is.
    return Window.above(s, f64x2.sub(f64x2.sub(c, s), h));
  }

  @inline static highPair(c: v128, h: v128): v128 {
    const s = f64x2.add(c, h),
      b = f64x2.sub(s, c);
    return Window.above(s, f64x2.add(f64x2.sub(c, f64x2.sub(s, b)), f64x2.sub(h, b)));
  }

  @inline static promoteHigh(keys: v128): v128 {
    return f64x2.promote_low_f32x4(i32x4.shuffle(keys, keys, 2, 3, 2, 3));
  }

  /** Bits of the smallest float32 >= max(c - h, 0). */
  @inline static low(keys: v128, h: v128): v128 {
    const first = Window.lowPair(f64x2.promote_low_f32x4(keys), h);
    const second = Window.lowPair(Window.promoteHigh(keys), h);
    return i32x4.max_s(i32x4.shuffle(first, second, 0, 1, 4, 5), i32x4.splat(0));
  }

  /** Bits of the smallest float32 >= c + h; above 1 where c >= `closed`: there the window holds 1 too. */
  @inline static high(keys: v128, h: v128, closed: v128): v128 {
    const first = Window.highPair(f64x2.promote_low_f32x4(keys), h);
    const second = Window.highPair(Window.promoteHigh(keys), h);
    return i32x4.sub(i32x4.shuffle(first, second, 0, 1, 4, 5), i32x4.ge_s(keys, closed));
  }

  /** Bits of the smallest float32 c with c + h >= 1. */
  @inline static closed(half: f64): i32 {
    return i32x4.extract_lane(Window.low(f32x4.splat(1), f64x2.splat(half)), 0);
  }

  /** Bits of the smallest float32 c >= h: below it a window begins at 0. */
  @inline static open(half: f64): i32 {
    return i32x4.extract_lane(Window.above(f64x2.splat(half), f64x2.splat(0)), 0);
  }
}
