import { Stages } from "./stages";

/** For each set of eight elements, bit k for the k-th: bytes from the first to those of the set. Empty until `ready`. */
const TABLE: usize = memory.data(256 * 16, 16);

/**
 * Some float32 of a block moved together, and dealt out again, by a list of where they are: bytes from the beginning of
 * the block, 16 bits for each. Lists are made of sets of eight by look-up; the moves themselves are scalar, as that takes
 * fewer instructions than to shuffle vectors, of which the elements that stay behind would have their share.
 */
export class Places {
  /** Makes the table, unless it is there. */
  static ready(): void {
    if (load<u8>(TABLE, 16 * 2)) return;
    for (let set: usize = 0; set < 256; set++) {
      let to = TABLE + (set << 4);
      for (let k: usize = 0; k < 8; k++) {
        store<u16>(to, <u16>(k << 2));
        to += ((set >> k) & 1) << 1;
      }
    }
  }

  /** Puts a set of eight elements that begin at `from` on the list that ends at `to`; returns its new end. */
  @inline static append(to: usize, set: usize, from: usize): usize {
    v128.store(to, i16x8.add(i16x8.splat(<i16>from), v128.load(set << 4, TABLE)));
    return to + ((<usize>popcnt(set)) << 1);
  }

  /**
   * Takes off the list what is not below `size`, and fills up its last four with the last of all.
   *
   * @returns how many bytes of values are on it
   */
  @inline static finish(list: usize, to: usize, size: usize): usize {
    while (to > list && <usize>load<u16>(to - 2) >= size) to -= 2;
    v128.store(to, i16x8.splat(load<i16>(to - 2)));
    return (to - list) << 1;
  }

  /** Moves so many bytes of values of two arrays to a room each. */
  static gather(bytes: usize, list: usize, a: usize, b: usize, to: usize): void {
    for (const end = to + bytes; to < end; to += 16) {
      const at0 = <usize>load<u16>(list, 0);
      const at1 = <usize>load<u16>(list, 2);
      const at2 = <usize>load<u16>(list, 4);
      const at3 = <usize>load<u16>(list, 6);
      store<u32>(to, load<u32>(a + at0), 0);
      store<u32>(to, load<u32>(b + at0), Stages.ROOM + 0);
      store<u32>(to, load<u32>(a + at1), 4);
      store<u32>(to, load<u32>(b + at1), Stages.ROOM + 4);
      store<u32>(to, load<u32>(a + at2), 8);
      store<u32>(to, load<u32>(b + at2), Stages.ROOM + 8);
      store<u32>(to, load<u32>(a + at3), 12);
      store<u32>(to, load<u32>(b + at3), Stages.ROOM + 12);
      list += 8;
    }
  }

  /** Deals values out among zeros. What fills up the last four is the last of all once more: it may be written again. */
  static scatter(bytes: usize, list: usize, from: usize, to: usize, size: usize): void {
    memory.fill(to, 0, size);
    for (const end = from + bytes; from < end; from += 16) {
      store<u32>(to + <usize>load<u16>(list, 0), load<u32>(from, 0));
      store<u32>(to + <usize>load<u16>(list, 2), load<u32>(from, 4));
      store<u32>(to + <usize>load<u16>(list, 4), load<u32>(from, 8));
      store<u32>(to + <usize>load<u16>(list, 6), load<u32>(from, 12));
      list += 8;
    }
  }
}
