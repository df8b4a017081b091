/**
 * values[i] * table[bytes[i]] for a table of at most 32 float32 weights, without a gather: the table lies in
 * eight registers, one for each byte of a float32 and each half of the table, and a swizzle reads sixteen
 * bytes at a time. Exact: it moves bits.
 *
 * @param planes 128 bytes made by `planes`
 */
export function lookup(n: i32, values: usize, bytes: usize, planes: usize, out: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 64) {
    const low = v128.load(bytes);
    const high = i8x16.sub(low, i8x16.splat(16)); // an index outside a half reads 0 there
    const b0 = v128.or(i8x16.swizzle(v128.load(planes), low), i8x16.swizzle(v128.load(planes, 64), high));
    const b1 = v128.or(i8x16.swizzle(v128.load(planes, 16), low), i8x16.swizzle(v128.load(planes, 80), high));
    const b2 = v128.or(i8x16.swizzle(v128.load(planes, 32), low), i8x16.swizzle(v128.load(planes, 96), high));
    const b3 = v128.or(
      i8x16.swizzle(v128.load(planes, 48), low),
      i8x16.swizzle(v128.load(planes, 112), high),
    );
    const l01 = i8x16.shuffle(b0, b1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const h01 = i8x16.shuffle(b0, b1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const l23 = i8x16.shuffle(b2, b3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const h23 = i8x16.shuffle(b2, b3, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128.store(out + i, f32x4.mul(v128.load(values + i), i16x8.shuffle(l01, l23, 0, 8, 1, 9, 2, 10, 3, 11)));
    v128.store(
      out + i,
      f32x4.mul(v128.load(values + i, 16), i16x8.shuffle(l01, l23, 4, 12, 5, 13, 6, 14, 7, 15)),
      16,
    );
    v128.store(
      out + i,
      f32x4.mul(v128.load(values + i, 32), i16x8.shuffle(h01, h23, 0, 8, 1, 9, 2, 10, 3, 11)),
      32,
    );
    v128.store(
      out + i,
      f32x4.mul(v128.load(values + i, 48), i16x8.shuffle(h01, h23, 4, 12, 5, 13, 6, 14, 7, 15)),
      48,
    );
    bytes += 16;
  }
}

/** 32 float32 weights as byte planes: [byte 0 of weights 0 to 15, byte 1, 2, 3, then of weights 16 to 31]. */
export function planes(table: usize, out: usize): void {
  for (let half: usize = 0; half < 2; half++) {
    for (let byte: usize = 0; byte < 4; byte++) {
      for (let j: usize = 0; j < 16; j++) {
        store<u8>(out + (half << 6) + (byte << 4) + j, load<u8>(table + (((half << 4) + j) << 2) + byte));
      }
    }
  }
}

/** The same for a table of up to 256 weights, with a load per element. */
export function lookupWide(n: i32, values: usize, bytes: usize, table: usize, out: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    let w = v128.load32_zero(table + ((<usize>load<u8>(bytes)) << 2));
    w = v128.load32_lane(table + ((<usize>load<u8>(bytes, 1)) << 2), w, 1);
    w = v128.load32_lane(table + ((<usize>load<u8>(bytes, 2)) << 2), w, 2);
    w = v128.load32_lane(table + ((<usize>load<u8>(bytes, 3)) << 2), w, 3);
    v128.store(out + i, f32x4.mul(v128.load(values + i), w));
    bytes += 4;
  }
}
