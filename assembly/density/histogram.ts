/** The bin of a value: min(floor(fl64(v * scale)), last). Never decreasing in v: all that the bracket needs. */
export class Fine {
  /** Bins of two float64 values >= 0, as i64 lanes. Floor by a magic sum; NaN gives `last`. */
  @inline static pair(v: v128, scale: v128, last: v128): v128 {
    const magic = f64x2.splat(4503599627370496);
    const x = f64x2.pmin(last, f64x2.mul(v, scale));
    const sum = f64x2.add(x, magic);
    return i64x2.add(sum, f64x2.gt(f64x2.sub(sum, magic), x));
  }

  /** Bins of four float32 values >= 0. */
  @inline static four(v: v128, scale: v128, last: v128): v128 {
    const first = Fine.pair(f64x2.promote_low_f32x4(v), scale, last);
    const second = Fine.pair(f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3)), scale, last);
    return i32x4.shuffle(first, second, 0, 2, 4, 6);
  }

  @inline static tally(counts: usize, bin: i32): void {
    const slot = counts + ((<usize>bin) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
}

/**
 * Adds n samples to the u32 counts of K equal bins of width 1 / scale; the last bin takes the rest.
 *
 * Domain: float32 values in [0, 1]; 1 <= K <= 2^30; scale > 0. Counts add up over chunks and shards.
 * Error: none in the counts; a value within 2^-53 (relative) of a border may be binned on the wrong side of it,
 * which keeps the order of bins and so every bracket.
 */
export function fineHistogram(n: i32, g: usize, scale: f64, K: i32, counts: usize): void {
  const scales = f64x2.splat(scale),
    last = f64x2.splat(<f64>(K - 1));
  let i = 0;
  for (; i <= n - 4; i += 4) {
    const bins = Fine.four(v128.load(g + ((<usize>i) << 2)), scales, last);
    Fine.tally(counts, i32x4.extract_lane(bins, 0));
    Fine.tally(counts, i32x4.extract_lane(bins, 1));
    Fine.tally(counts, i32x4.extract_lane(bins, 2));
    Fine.tally(counts, i32x4.extract_lane(bins, 3));
  }
  for (; i < n; i++) {
    const bins = Fine.four(v128.load32_zero(g + ((<usize>i) << 2)), scales, last);
    Fine.tally(counts, i32x4.extract_lane(bins, 0));
  }
}

/** cumulative[j] = counts[0] + ... + counts[j - 1], K + 1 of them. */
export function prefixSum(K: i32, counts: usize, cumulative: usize): void {
  let sum: u32 = 0;
  for (let j = 0; j < K; j++) {
    const count = load<u32>(counts + ((<usize>j) << 2));
    store<u32>(cumulative + ((<usize>j) << 2), sum);
    sum += count;
  }
  store<u32>(cumulative + ((<usize>K) << 2), sum);
}
