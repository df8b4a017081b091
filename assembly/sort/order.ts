/** Sorts pairs, see `select.ts`, from the hardest to the easiest: least significant digit first. */
class Order {
  /** Whether equal losses come in the order of their indices already, so that the losses alone need sorting. */
  static isIndexed(n: i32, pairs: usize): bool {
    for (let at = pairs + 8, end = pairs + ((<usize>n) << 3); at < end; at += 8) {
      if (load<u32>(at) >= load<u32>(at - 8)) return false;
    }
    return true;
  }

  /** Few pairs: each moves up to its place among those before it. */
  static insert(n: i32, pairs: usize): void {
    for (let at = pairs + 8, end = pairs + ((<usize>n) << 3); at < end; at += 8) {
      const pair = load<u64>(at);
      let to = at;
      for (; to > pairs && load<u64>(to - 8) < pair; to -= 8) store<u64>(to, load<u64>(to - 8));
      store<u64>(to, pair);
    }
  }

  @inline static slot(table: usize, pair: u64, shift: u64, mask: usize): usize {
    return table + ((<usize>(pair >> shift) & mask) << 2);
  }

  /** Moves all pairs by one digit; false where all share it and nothing moved. */
  static pass(n: i32, from: usize, to: usize, shift: u64, mask: usize, table: usize): bool {
    const end = from + ((<usize>n) << 3);
    memory.fill(table, 0, (mask + 1) << 2);
    for (let at = from; at < end; at += 8) {
      const slot = Order.slot(table, load<u64>(at), shift, mask);
      store<u32>(slot, load<u32>(slot) + 1);
    }
    if (load<u32>(Order.slot(table, load<u64>(from), shift, mask)) === n) return false;
    let next = to;
    for (let slot = table + (mask << 2); slot >= table; slot -= 4) {
      const count = <usize>load<u32>(slot);
      store<u32>(slot, <u32>next);
      next += count << 3;
    }
    for (let at = from; at < end; at += 8) {
      const pair = load<u64>(at);
      const slot = Order.slot(table, pair, shift, mask);
      const place = load<u32>(slot);
      store<u64>(<usize>place, pair);
      store<u32>(slot, place + 8);
    }
    return true;
  }
}

/**
 * Sorts pairs downwards: losses from the highest, equal ones by ascending index.
 *
 * @param spare room for n pairs
 * @param table 8192 bytes
 * @returns where the sorted pairs are: `pairs` or `spare`
 */
export function orderPairs(n: i32, pairs: usize, spare: usize, table: usize): usize {
  // Few pairs do not pay for tables, nor some more of them for long ones.
  if (n <= 32) {
    Order.insert(n, pairs);
    return pairs;
  }
  const bits: u64 = n < 4096 ? 8 : 11;
  const mask = ((<usize>1) << (<usize>bits)) - 1;
  let from = pairs;
  for (let shift: u64 = Order.isIndexed(n, pairs) ? 32 : 0; shift < 64; shift += bits) {
    const to = from === pairs ? spare : pairs;
    if (Order.pass(n, from, to, shift, mask, table)) from = to;
  }
  return from;
}
