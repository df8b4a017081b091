/**
 * The hardest B of a stream of losses.
 *
 * A candidate is one u64, a pair: above, the loss as an integer that orders like it; below, the complement of its
 * index. So the larger pair is the harder example, equal losses go to the lower index, and no two pairs are equal:
 * the hardest B are one set, whatever the order in which they came.
 */
class Pairs {
  @inline static bytes(n: i32): usize {
    return (<usize>n) << 3;
  }

  /** The bits in which the pairs are not all the same. */
  static spread(n: i32, pairs: usize): u64 {
    const first = i64x2.splat(load<u64>(pairs));
    if (n & 1) store<u64>(pairs + Pairs.bytes(n), load<u64>(pairs));
    let differ = i64x2.splat(0);
    for (let i: usize = 0, end = Pairs.bytes(n); i < end; i += 16) {
      differ = v128.or(differ, v128.xor(v128.load(pairs + i), first));
    }
    return i64x2.extract_lane(differ, 0) | i64x2.extract_lane(differ, 1);
  }

  static count(n: i32, pairs: usize, shift: u64, mask: usize, table: usize): void {
    memory.fill(table, 0, (mask + 1) << 2);
    for (let at = pairs, end = pairs + Pairs.bytes(n); at < end; at += 8) {
      const slot = table + ((<usize>(load<u64>(at) >> shift) & mask) << 2);
      store<u32>(slot, load<u32>(slot) + 1);
    }
  }

  /** Moves the pairs with a digit to `to`, which may be where they are; returns how many. */
  static pick(n: i32, pairs: usize, shift: u64, mask: usize, digit: usize, to: usize): i32 {
    let end = to;
    for (let at = pairs, last = pairs + Pairs.bytes(n); at < last; at += 8) {
      const pair = load<u64>(at);
      store<u64>(end, pair);
      end += (<usize>(pair >> shift) & mask) === digit ? 8 : 0;
    }
    return <i32>((end - to) >> 3);
  }

  /**
   * The pair of a rank, 1 for the largest. Digits are taken from the highest bit that differs: losses of one binade,
   * or all tied, cost no more rounds than others. Few pairs do not pay for long tables.
   */
  static ranked(n: i32, pairs: usize, rank: u32, spare: usize, table: usize): u64 {
    let differ = Pairs.spread(n, pairs);
    while (differ) {
      const bits: i64 = n < 4096 ? 8 : 11;
      const mask = ((<usize>1) << (<usize>bits)) - 1;
      const shift = <u64>max<i64>(64 - bits - <i64>clz(differ), 0);
      Pairs.count(n, pairs, shift, mask, table);
      let digit = mask;
      let held = load<u32>(table + (digit << 2));
      while (held < rank) {
        rank -= held;
        digit--;
        held = load<u32>(table + (digit << 2));
      }
      n = Pairs.pick(n, pairs, shift, mask, digit, spare);
      pairs = spare;
      differ = Pairs.spread(n, pairs);
    }
    return load<u64>(pairs);
  }

  /** Keeps the pairs from `cut` up, in the order in which they are. */
  static keep(n: i32, pairs: usize, cut: u64): i32 {
    let end = pairs;
    for (let at = pairs, last = pairs + Pairs.bytes(n); at < last; at += 8) {
      const pair = load<u64>(at);
      store<u64>(end, pair);
      end += pair >= cut ? 8 : 0;
    }
    return <i32>((end - pairs) >> 3);
  }
}

class Keys {
  /** Floats as signed integers in the same order; -0 is 0. */
  @inline static of(v: v128): v128 {
    const bits = f32x4.add(v, f32x4.splat(0));
    return v128.xor(bits, i32x4.shr_u(i32x4.shr_s(bits, 31), 1));
  }

  @inline static largest(lanes: v128): u32 {
    return max<u32>(
      max<u32>(i32x4.extract_lane(lanes, 0), i32x4.extract_lane(lanes, 1)),
      max<u32>(i32x4.extract_lane(lanes, 2), i32x4.extract_lane(lanes, 3)),
    );
  }

  /** Sixteen keys against a threshold: one bit each. */
  @inline static above(keys: usize, threshold: v128): i32 {
    return i8x16.bitmask(
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(
          i32x4.gt_s(v128.load(keys), threshold),
          i32x4.gt_s(v128.load(keys, 16), threshold),
        ),
        i16x8.narrow_i32x4_s(
          i32x4.gt_s(v128.load(keys, 32), threshold),
          i32x4.gt_s(v128.load(keys, 48), threshold),
        ),
      ),
    );
  }
}

/**
 * Losses as integers that order like them, -0 as 0. Masked elements (byte 0; no mask: address 0) and the fifteen
 * behind the last get the lowest integer, which is that of no loss.
 *
 * @returns the largest bit pattern of a valid |loss|: at or above 0x7f800000 where one is not finite
 */
export function lossKeys(n: i32, losses: usize, mask: usize, keys: usize): u32 {
  const end = (<usize>n) << 2;
  if (n & 3) v128.store(losses + end, i32x4.splat(0));
  let most = i32x4.splat(0);
  if (mask) {
    for (let i: usize = 0; i < end; i += 16) {
      const bytes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(mask)));
      const masked = i32x4.eq(bytes, i32x4.splat(0));
      const v = v128.andnot(v128.load(losses + i), masked);
      most = i32x4.max_u(most, f32x4.abs(v));
      v128.store(keys + i, v128.bitselect(i32x4.splat(0x80000000), Keys.of(v), masked));
      mask += 4;
    }
  } else {
    for (let i: usize = 0; i < end; i += 16) {
      const v = v128.load(losses + i);
      most = i32x4.max_u(most, f32x4.abs(v));
      v128.store(keys + i, Keys.of(v));
    }
  }
  for (let i: usize = 0; i < 64; i += 16) v128.store(keys + end + i, i32x4.splat(0x80000000));
  return Keys.largest(most);
}

/**
 * Writes the pairs of all elements whose key is above a threshold, in order.
 *
 * @param first the index of the first element
 * @param pairs room for n of them
 * @returns how many there are
 */
export function gather(n: i32, keys: usize, first: u32, above: i32, pairs: usize): i32 {
  const threshold = i32x4.splat(above);
  let end = pairs;
  for (let i: i32 = 0; i < n; i += 16) {
    const at = keys + ((<usize>i) << 2);
    for (let bits = Keys.above(at, threshold); bits; bits &= bits - 1) {
      const lane = ctz(bits);
      store<u32>(end, ~(first + i + lane));
      store<u32>(end, load<u32>(at + ((<usize>lane) << 2)) ^ 0x80000000, 4);
      end += 8;
    }
  }
  return <i32>((end - pairs) >> 3);
}

/**
 * Keeps the largest `budget` pairs, in the order in which they are, and leaves the smallest of them at `table`.
 *
 * Domain: 0 < budget < n; a room of n pairs at `spare`, of 8192 bytes at `table`.
 * Method: radix select by digits of 8 or 11 bits, then one compaction.
 */
export function cutPairs(n: i32, pairs: usize, budget: i32, spare: usize, table: usize): void {
  const cut = Pairs.ranked(n, pairs, budget, spare, table);
  const kept = Pairs.keep(n, pairs, cut);
  if (kept > budget) {
    // Only where an index came twice with the same loss: the copies stand for one another.
    const held = Pairs.keep(kept, pairs, cut + 1);
    for (let i = held; i < budget; i++) store<u64>(pairs + Pairs.bytes(i), cut);
  }
  store<u64>(table, cut);
}
