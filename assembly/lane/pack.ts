/** One pattern of bytes for each set of lanes: to move them together, and to deal them out. Empty until `ready`. */
const TOGETHER: usize = memory.data(256, 16);
const APART: usize = memory.data(256, 16);
/** Indices that no vector has: a swizzle makes 0 of them. */
const NONE: u32 = 0x80808080;

/**
 * Some lanes of vectors moved together, and dealt out again: one swizzle each, by a pattern that the set of lanes, bit k
 * for lane k, looks up. What lies in between is written and read in whole vectors, 4 bytes further for each lane.
 */
export class Pack {
  /** Makes the patterns, unless they are there. */
  static ready(): void {
    if (load<u8>(APART)) return;
    for (let lanes: u32 = 0; lanes < 16; lanes++) {
      const at = (<usize>lanes) << 4;
      let to: usize = 0;
      v128.store(TOGETHER + at, i32x4.splat(NONE));
      for (let lane: u32 = 0; lane < 4; lane++) {
        const isIn = (lanes >> lane) & 1;
        store<u32>(APART + at + (lane << 2), isIn ? Pack.lane(<u32>to >> 2) : NONE);
        if (!isIn) continue;
        store<u32>(TOGETHER + at + to, Pack.lane(lane));
        to += 4;
      }
    }
  }

  /** The four bytes of a lane. */
  @inline static lane(index: u32): u32 {
    return 0x03020100 + (index << 2) * 0x01010101;
  }

  /** The lanes of a set, in order, in the first lanes; 0 in the others. */
  @inline static together(v: v128, lanes: i32): v128 {
    return i8x16.swizzle(v, v128.load((<usize>lanes) << 4, TOGETHER));
  }

  /** The first lanes in those of a set, in order; 0 in the others. */
  @inline static apart(v: v128, lanes: i32): v128 {
    return i8x16.swizzle(v, v128.load((<usize>lanes) << 4, APART));
  }

  /** Bytes that a set of lanes takes. */
  @inline static bytes(lanes: i32): usize {
    return (<usize>popcnt(lanes)) << 2;
  }
}
