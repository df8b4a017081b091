import { Fine } from "./histogram";
import { Window } from "./window";

/** What a histogram knows about ranks. */
class Rank {
  /** Four cumulative counts. */
  @inline static gather(cumulative: usize, bins: v128): v128 {
    let four = v128.load32_zero(cumulative + ((<usize>i32x4.extract_lane(bins, 0)) << 2));
    four = v128.load32_lane(cumulative + ((<usize>i32x4.extract_lane(bins, 1)) << 2), four, 1);
    four = v128.load32_lane(cumulative + ((<usize>i32x4.extract_lane(bins, 2)) << 2), four, 2);
    return v128.load32_lane(cumulative + ((<usize>i32x4.extract_lane(bins, 3)) << 2), four, 3);
  }

  @inline static high(four: v128): v128 {
    return i32x4.shuffle(four, four, 2, 3, 2, 3);
  }

  /** The rank at x (in bins), read off the straight line between the two ends of its bin. */
  @inline static between(x: v128, bin: v128, from: v128, to: v128): v128 {
    const beyond = f64x2.sub(x, f64x2.convert_low_i32x4_u(bin));
    const share = f64x2.pmin(f64x2.splat(1), f64x2.pmax(f64x2.splat(0), beyond));
    const rise = f64x2.sub(f64x2.convert_low_i32x4_u(to), f64x2.convert_low_i32x4_u(from));
    return f64x2.add(f64x2.convert_low_i32x4_u(from), f64x2.mul(share, rise));
  }

  @inline static clamp(x: v128, lower: v128, upper: v128): v128 {
    return f64x2.pmin(f64x2.convert_low_i32x4_u(upper), f64x2.pmax(f64x2.convert_low_i32x4_u(lower), x));
  }
}

/**
 * Bounds and an estimate of every sample's window count, from the prefix sums of a fine histogram that holds the samples.
 *
 * Domain: as `windowCounts`; `cumulative` is `prefixSum` of a `fineHistogram` made with the same `scale` and `K`, of
 * these samples and any others.
 * Error: none: lower <= exact count <= upper for every width, scale and K (test/kernels.density.test.ts, bracket rows).
 * Method: let v be the float32 where a window begins or ends and u the float32 before v; with bins b(.) that never
 * decrease, C[b(v)] <= #{g < v} <= C[b(u) + 1], for who is below v is at most u. Estimates are linear within a bin.
 * Source: theorem T5 of docs/density.md, carried from whole bins to any width.
 */
export function bracket(
  n: i32,
  g: usize,
  width: f64,
  scale: f64,
  K: i32,
  cumulative: usize,
  lower: usize,
  upper: usize,
  estimate: usize,
): void {
  const half = Window.half(width),
    h = f64x2.splat(half),
    shut = i32x4.splat(Window.closed(half));
  const scales = f64x2.splat(scale),
    last = f64x2.splat(<f64>(K - 1)),
    size = (<usize>n) << 2;
  for (let i: usize = 0; i < size; i += 16) {
    // Padding may hold anything: brought into [0, 1] like everything else.
    const bits = v128.and(v128.load(g + i), i32x4.splat(0x7fffffff));
    const c = i32x4.min_s(bits, i32x4.splat(0x3f800000)),
      closed = i32x4.ge_s(c, shut);
    const v = Window.low(c, h),
      w = Window.high(c, h, shut);
    const before = Fine.four(i32x4.max_s(i32x4.sub(v, i32x4.splat(1)), i32x4.splat(0)), scales, last);
    const within = Fine.four(i32x4.sub(w, i32x4.splat(1)), scales, last);
    const end = v128.bitselect(i32x4.splat(K), Fine.four(w, scales, last), closed);
    const lowFrom = Rank.gather(cumulative, before),
      highFrom = Rank.gather(cumulative, within);
    // A window that begins at 0 has nobody below it.
    const lowTo = v128.and(Rank.gather(cumulative + 4, before), i32x4.gt_s(v, i32x4.splat(0)));
    const highTo = Rank.gather(cumulative + 4, within);
    const atLeast = Rank.gather(cumulative, end);
    const least = v128.and(i32x4.sub(atLeast, lowTo), i32x4.gt_u(atLeast, lowTo));
    const most = i32x4.sub(highTo, Rank.gather(cumulative, Fine.four(v, scales, last)));
    const some = i32x4.max_u(least, i32x4.splat(1)); // the sample itself
    v128.store(lower + i, some);
    v128.store(upper + i, most);
    const c0 = f64x2.promote_low_f32x4(c),
      c1 = f64x2.promote_low_f32x4(Rank.high(c));
    const top = f64x2.splat(Infinity);
    const y0 = v128.bitselect(top, f64x2.mul(f64x2.add(c0, h), scales), i64x2.extend_low_i32x4_s(closed));
    const y1 = v128.bitselect(top, f64x2.mul(f64x2.add(c1, h), scales), i64x2.extend_high_i32x4_s(closed));
    const a0 = Rank.between(f64x2.mul(f64x2.sub(c0, h), scales), before, lowFrom, lowTo);
    const a1 = Rank.between(
      f64x2.mul(f64x2.sub(c1, h), scales),
      Rank.high(before),
      Rank.high(lowFrom),
      Rank.high(lowTo),
    );
    const b0 = Rank.between(y0, within, highFrom, highTo);
    const b1 = Rank.between(y1, Rank.high(within), Rank.high(highFrom), Rank.high(highTo));
    v128.store(estimate + (i << 1), Rank.clamp(f64x2.sub(b0, a0), some, most));
    v128.store(estimate + (i << 1) + 16, Rank.clamp(f64x2.sub(b1, a1), Rank.high(some), Rank.high(most)));
  }
}
