import { Keys } from "./keys";

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

class Losses {
  /** Sixteen against the least one that counts: one bit each. */
  @inline static reach(losses: usize, least: v128): i32 {
    return i8x16.bitmask(
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(f32x4.ge(v128.load(losses), least), f32x4.ge(v128.load(losses, 16), least)),
        i16x8.narrow_i32x4_s(f32x4.ge(v128.load(losses, 32), least), f32x4.ge(v128.load(losses, 48), least)),
      ),
    );
  }
}

/**
 * Writes the pairs of elements whose key is above a threshold, in order: of all of them, but for those of the lowest
 * such key that come after a block in which `enough` were reached.
 *
 * @param losses as `admitLosses` leaves them
 * @param first the index of the first element
 * @param pairs room for n of them
 * @param table 256 bytes
 * @returns how many there are
 */
export function gather(
  n: i32,
  losses: usize,
  first: u32,
  above: i32,
  enough: i32,
  pairs: usize,
  table: usize,
): i32 {
  const most = pairs + Pairs.bytes(enough);
  let end = pairs;
  for (let from = 0; from < n; from += 1024) {
    const least = f32x4.splat(Keys.loss(above + i32(end >= most) + 1));
    // Which blocks of sixteen have any, without a branch: then only these are looked at.
    let last = table;
    for (let i = from, to = min(n, from + 1024); i < to; i += 16) {
      const bits = Losses.reach(losses + ((<usize>i) << 2), least);
      store<u32>(last, (i << 16) | bits);
      last += bits ? 4 : 0;
    }
    for (let at = table; at < last; at += 4) {
      const i = <i32>load<u16>(at, 2);
      let bits = <i32>load<u16>(at);
      do {
        const lane = i + ctz(bits);
        store<u32>(end, ~(first + lane));
        store<u32>(end, Keys.word(load<f32>(losses + ((<usize>lane) << 2))), 4);
        end += 8;
        bits &= bits - 1;
      } while (bits);
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
