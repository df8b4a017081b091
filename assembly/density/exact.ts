import { Radix } from "../sort/radix";
import { Window } from "./window";

/** Ranks in an ascending array of keys that ends in eight keys above every threshold. */
class Ranks {
  /** One key against four thresholds: -1 where the key is below. */
  @inline static below(at: usize, thresholds: v128): v128 {
    return i32x4.lt_s(v128.load32_splat(at), thresholds);
  }

  /**
   * How many keys lie below each of four ascending thresholds, given that the first `known` keys do.
   * Eight keys a step; a step more than one per call is paid by eight keys left behind for good, so a whole
   * array costs O(n) however its values are tied.
   */
  @inline static of(keys: usize, known: i32, thresholds: v128): v128 {
    let at = keys + ((<usize>known) << 2),
      ranks = i32x4.splat(known);
    for (;;) {
      const a = i32x4.add(Ranks.below(at, thresholds), Ranks.below(at + 4, thresholds));
      const b = i32x4.add(Ranks.below(at + 8, thresholds), Ranks.below(at + 12, thresholds));
      const c = i32x4.add(Ranks.below(at + 16, thresholds), Ranks.below(at + 20, thresholds));
      const d = i32x4.add(Ranks.below(at + 24, thresholds), Ranks.below(at + 28, thresholds));
      const found = i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
      ranks = i32x4.sub(ranks, found);
      if (i32x4.extract_lane(found, 3) !== -8) break;
      at += 32;
    }
    return ranks;
  }
}

class Counts {
  /** Bytes of `n` pairs and the padding behind them. */
  @inline static pairs(n: i32): usize {
    return ((<usize>n + 17) & ~1) << 3;
  }

  /** Copies the keys out of the sorted pairs; both get their padding, whose counts go behind the last one. */
  static split(n: i32, pairs: usize, keys: usize): void {
    const end = pairs + ((<usize>n) << 3);
    for (let j = 0; j < 12; j++)
      store<u64>(end + ((<usize>j) << 3), ((<u64>(n + (j & 3))) << 32) | 0x7fffffff);
    for (let i = 0; i < n + 8; i += 4) {
      const at = pairs + ((<usize>i) << 3);
      v128.store(keys + ((<usize>i) << 2), i32x4.shuffle(v128.load(at), v128.load(at + 16), 0, 2, 4, 6));
    }
  }

  /** Four keys; padding is lowered to 1 so that thresholds ascend. */
  @inline static keys(at: usize): v128 {
    return i32x4.min_s(v128.load(at), i32x4.splat(0x3f800000));
  }

  /** Takes four counts back to where their samples came from. */
  @inline static put(counts: usize, pairs: usize, four: v128): void {
    store<i32>(counts + ((<usize>load<u32>(pairs, 4)) << 2), i32x4.extract_lane(four, 0));
    store<i32>(counts + ((<usize>load<u32>(pairs, 12)) << 2), i32x4.extract_lane(four, 1));
    store<i32>(counts + ((<usize>load<u32>(pairs, 20)) << 2), i32x4.extract_lane(four, 2));
    store<i32>(counts + ((<usize>load<u32>(pairs, 28)) << 2), i32x4.extract_lane(four, 3));
  }

  /** Three stretches of the sorted keys: windows that begin at 0, windows inside, windows that end at 1. */
  static rank(n: i32, pairs: usize, keys: usize, width: f64, counts: usize): void {
    const half = Window.half(width),
      h = f64x2.splat(half),
      open = Window.open(half),
      shut = Window.closed(half);
    const closed = i32x4.splat(shut);
    let i = 0,
      low = 0,
      high = 0;
    for (; i < n && load<i32>(keys + ((<usize>i) << 2), 12) < open; i += 4) {
      const c = Counts.keys(keys + ((<usize>i) << 2)),
        ends = Ranks.of(keys, high, Window.high(c, h, closed));
      high = i32x4.extract_lane(ends, 3);
      Counts.put(counts, pairs + ((<usize>i) << 3), ends);
    }
    for (; i < n && load<i32>(keys + ((<usize>i) << 2)) < shut; i += 4) {
      const c = Counts.keys(keys + ((<usize>i) << 2)),
        ends = Ranks.of(keys, high, Window.high(c, h, closed));
      const begins = Ranks.of(keys, low, Window.low(c, h));
      high = i32x4.extract_lane(ends, 3);
      low = i32x4.extract_lane(begins, 3);
      Counts.put(counts, pairs + ((<usize>i) << 3), i32x4.sub(ends, begins));
    }
    for (; i < n; i += 4) {
      const c = Counts.keys(keys + ((<usize>i) << 2)),
        begins = Ranks.of(keys, low, Window.low(c, h));
      low = i32x4.extract_lane(begins, 3);
      Counts.put(counts, pairs + ((<usize>i) << 3), i32x4.sub(i32x4.splat(n), begins));
    }
  }
}

/** Bytes of scratch that `windowCounts` of n samples needs, an unsigned number. */
export function windowScratch(n: i32): i32 {
  return <i32>(Radix.tables() + (Counts.pairs(n) << 1));
}

/**
 * How many samples lie in each sample's window [c - width / 2, c + width / 2), closed at 1 where it reaches 1.
 *
 * Domain: n float32 values in [0, 1], 0 < width <= 1. `counts` gets n u32 in the order of `g`; 64 bytes behind it
 * may be written.
 * Error: none: membership is that of exact arithmetic on the float32 values and the float64 width.
 * Method: radix sort of (value, index), exact thresholds, ranks by a sliding window, back to the old order.
 * Source: Li et al. 2018 (arXiv 1811.05181), gradient density, the sum of delta_eps.
 */
export function windowCounts(n: i32, g: usize, width: f64, counts: usize, scratch: usize): void {
  if (n <= 0) return;
  const a = scratch + Radix.tables(),
    b = a + Counts.pairs(n);
  const pairs = Radix.sort(n, g, scratch, a, b);
  if (!pairs) {
    for (let i = 0; i < n; i += 4) v128.store(counts + ((<usize>i) << 2), i32x4.splat(n));
    return;
  }
  const keys = pairs === a ? b : a;
  Counts.split(n, pairs, keys);
  Counts.rank(n, pairs, keys, width, counts);
}
