/**
 * Sorts (key, index) pairs by key: least significant digit first, three digits of 10 bits.
 *
 * Domain: keys below 2^30, that is the bits of float32 values in [0, 1] (the sign of -0 is dropped).
 * A pair is one u64, the key below and the index above, so that a pass moves one word per element.
 * 10 bits and not 11: 2048 write streams do not fit the L1 cache, 1024 nearly do.
 */
export class Radix {
  /** Bytes of the three tables of 1024 counters. */
  @inline static tables(): usize {
    return 12288;
  }

  /**
   * Sorts the float32 values at `g`, stably.
   * @returns the address of the sorted pairs, `a` or `b`; 0 if all keys are equal and nothing was written
   */
  static sort(n: i32, g: usize, table: usize, a: usize, b: usize): usize {
    Radix.count(n, g, table);
    const first = Radix.key(g);
    let from: usize = 0;
    for (let shift: u32 = 0; shift < 30; shift += 10, table += 4096) {
      // A digit that all keys share moves nothing.
      if (load<i32>(Radix.slot(table, first, shift)) === n) continue;
      const to = from === a ? b : a;
      Radix.place(table, to);
      if (from) Radix.scatter(n, from, table, shift);
      else Radix.scatterNorms(n, g, table, shift);
      from = to;
    }
    return from;
  }

  @inline static key(at: usize): u32 {
    return load<u32>(at) & 0x7fffffff;
  }

  @inline static slot(table: usize, key: u32, shift: u32): usize {
    return table + <usize>(((key >> shift) & 1023) << 2);
  }

  @inline static tally(slot: usize): void {
    store<u32>(slot, load<u32>(slot) + 1);
  }

  /** Counts the three digits of every key in one reading. */
  static count(n: i32, g: usize, table: usize): void {
    memory.fill(table, 0, Radix.tables());
    for (let at = g, end = g + ((<usize>n) << 2); at < end; at += 4) {
      const key = Radix.key(at);
      Radix.tally(Radix.slot(table, key, 0));
      Radix.tally(Radix.slot(table, key, 10) + 4096);
      Radix.tally(Radix.slot(table, key, 20) + 8192);
    }
  }

  /** Turns the counts of one digit into the addresses where each bucket begins. */
  static place(table: usize, to: usize): void {
    for (let slot = table, end = table + 4096; slot < end; slot += 4) {
      const count = <usize>load<u32>(slot);
      store<u32>(slot, <u32>to);
      to += count << 3;
    }
  }

  @inline static put(slot: usize, pair: u64): void {
    const to = load<u32>(slot);
    store<u64>(<usize>to, pair);
    store<u32>(slot, to + 8);
  }

  static scatter(n: i32, from: usize, table: usize, shift: u32): void {
    for (let at = from, end = from + ((<usize>n) << 3); at < end; at += 8) {
      const pair = load<u64>(at);
      Radix.put(Radix.slot(table, <u32>pair, shift), pair);
    }
  }

  /** The first pass makes the pairs as it goes. */
  static scatterNorms(n: i32, g: usize, table: usize, shift: u32): void {
    for (let i = 0; i < n; i++) {
      const key = Radix.key(g + ((<usize>i) << 2));
      Radix.put(Radix.slot(table, key, shift), ((<u64>i) << 32) | <u64>key);
    }
  }
}
