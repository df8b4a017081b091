import { Fine } from "./histogram";
import { Window } from "./window";

/** One end of two windows, in bins: where it lies, and what the prefix sums say of the ranks around it. */
class End {
  @inline static value(bits: v128): v128 {
    return f64x2.promote_low_f32x4(bits);
  }

  /** The float32 before, at least 0. */
  @inline static before(bits: v128): v128 {
    return i32x4.sub(i32x4.max_s(bits, i32x4.splat(1)), i32x4.splat(1));
  }

  /** Whether y lies beyond the bin: nothing is between the float32 before an end and the end itself. */
  @inline static starts(y: v128, bins: v128, last: v128): v128 {
    return f64x2.ge(f64x2.pmin(last, y), f64x2.sub(bins, f64x2.sub(Fine.magic(), f64x2.splat(1))));
  }

  /** How far into its bin an end lies. */
  @inline static share(y: v128, bins: v128): v128 {
    return f64x2.sub(y, f64x2.sub(bins, Fine.magic()));
  }

  /** C[bin] and C[bin + 1] of both lanes. */
  @inline static pair(cumulative: usize, bins: v128): v128 {
    const first = v128.load64_zero(cumulative + ((<usize>i64x2.extract_lane(bins, 0)) << 2));
    return v128.load64_lane(cumulative + ((<usize>i64x2.extract_lane(bins, 1)) << 2), first, 1);
  }

  @inline static from(pair: v128): v128 {
    return f64x2.convert_low_i32x4_u(i32x4.shuffle(pair, pair, 0, 2, 0, 2));
  }

  @inline static to(pair: v128): v128 {
    return f64x2.convert_low_i32x4_u(i32x4.shuffle(pair, pair, 1, 3, 1, 3));
  }

  /** Stores two whole float64 as u32. */
  @inline static put(at: usize, counts: v128): void {
    const sum = f64x2.add(counts, Fine.magic());
    v128.store64_lane(at, i32x4.shuffle(sum, sum, 0, 2, 0, 2), 0);
  }
}

/**
 * Bounds and an estimate of every sample's window count, from the prefix sums of a fine histogram that holds them.
 *
 * Domain: as `windowCounts`; `cumulative` is `prefixSum` of a `fineHistogram` made with the same `scale` and `K`, of
 * these samples and any others.
 * Error: none: lower <= exact count <= upper for every width, scale and K (test/kernels.density.test.ts, bracket rows).
 * Method: let v be the first float32 not below a window's end and u the one before v. Bins b(.) never decrease, so
 * C[b(v)] <= #{g < v} <= C[b(u) + 1], for who is below v is at most u; if b(v) > b(u), both are C[b(u) + 1]. A window
 * that reaches 0 or 1 has an exact end there. Estimates are linear within a bin.
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
  const half = Window.half(width);
  const h = f64x2.splat(half);
  const scales = f64x2.splat(scale);
  const last = f64x2.splat(<f64>(K - 1));
  const all = f64x2.splat(<f64>load<u32>(cumulative + ((<usize>K) << 2)));
  const shut = f64x2.splat(<f64>reinterpret<f32>(Window.closed(half)));
  for (let i: usize = 0, size = (<usize>n) << 2; i < size; i += 8) {
    const c = f64x2.promote_low_f32x4(v128.load64_zero(g + i));
    const closed = f64x2.ge(c, shut);
    const begin = Window.lowPair(c, h);
    const end = Window.highPair(c, h);
    const v = End.value(begin);
    const first = Fine.bins(f64x2.mul(End.value(End.before(begin)), scales), last);
    const final = Fine.bins(f64x2.mul(End.value(End.before(end)), scales), last);
    const low = End.pair(cumulative, first);
    const high = End.pair(cumulative, final);
    const lowFrom = End.from(low);
    const lowTo = v128.and(End.to(low), f64x2.gt(v, f64x2.splat(0)));
    const highFrom = v128.bitselect(all, End.from(high), closed);
    const highTo = End.to(high); // all of them where closed: nobody is beyond 1
    const lowStarts = End.starts(f64x2.mul(v, scales), first, last);
    const highStarts = End.starts(f64x2.mul(End.value(end), scales), final, last);
    const known = f64x2.sub(v128.bitselect(highTo, highFrom, highStarts), lowTo);
    const least = f64x2.pmax(f64x2.splat(1), known); // 1: the sample itself
    const most = f64x2.sub(highTo, v128.bitselect(lowTo, lowFrom, lowStarts));
    const x = f64x2.mul(f64x2.sub(c, h), scales);
    const y = f64x2.mul(f64x2.add(c, h), scales);
    const below = f64x2.add(lowFrom, f64x2.mul(End.share(x, first), f64x2.sub(lowTo, lowFrom)));
    const ahead = f64x2.add(highFrom, f64x2.mul(End.share(y, final), f64x2.sub(highTo, highFrom)));
    End.put(lower + i, least);
    End.put(upper + i, most);
    v128.store(estimate + (i << 1), f64x2.pmin(most, f64x2.pmax(least, f64x2.sub(ahead, below))));
  }
}
