/** Four int32 lanes taken together, or made of bytes. */
export class I4 {
  /** The lanes added up. */
  static sum(v: v128): i32 {
    return (
      i32x4.extract_lane(v, 0) +
      i32x4.extract_lane(v, 1) +
      i32x4.extract_lane(v, 2) +
      i32x4.extract_lane(v, 3)
    );
  }

  /** The largest lane, without signs. */
  static most(v: v128): u32 {
    return max<u32>(
      max<u32>(i32x4.extract_lane(v, 0), i32x4.extract_lane(v, 1)),
      max<u32>(i32x4.extract_lane(v, 2), i32x4.extract_lane(v, 3)),
    );
  }

  /** All ones where one of four bytes is 0. */
  @inline static zeros(bytes: usize): v128 {
    return i32x4.eq(
      i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes))),
      i32x4.splat(0),
    );
  }
}
