/** One pattern of bytes for each set of lanes, to move them together. Empty until `ready`. */
const TOGETHER: usize = memory.data(256, 16);
/** Indices that no vector has: a swizzle makes 0 of them. */
const NONE: u32 = 0x80808080;

/**
 * Some lanes of vectors moved together: one swizzle, by a pattern that the set of lanes, bit k for lane k, looks up. They
 * are written in whole vectors, 4 bytes further for each lane.
 */
export class Pack {
  /** Makes the patterns, unless they are there. */
  static ready(): void {
    if (load<u8>(TOGETHER)) return;
    for (let lanes: u32 = 0; lanes < 16; lanes++) {
      let to = TOGETHER + ((<usize>lanes) << 4);
      v128.store(to, i32x4.splat(NONE));
      for (let lane: u32 = 0; lane < 4; lane++) {
        if (!((lanes >> lane) & 1)) continue;
        store<u32>(to, 0x03020100 + lane * 0x04040404);
        to += 4;
      }
    }
  }

  /** The lanes of a set, in order, in the first lanes; 0 in the others. */
  @inline static together(v: v128, lanes: i32): v128 {
    return i8x16.swizzle(v, v128.load((<usize>lanes) << 4, TOGETHER));
  }

  /** Bytes that a set of lanes takes. */
  @inline static bytes(lanes: i32): usize {
    return (<usize>popcnt(lanes)) << 2;
  }
}
