class Table {
  /**
   * One byte of the weights of sixteen elements, from a table in registers: a swizzle reads 0 for an index outside its
   * sixteen.
   */
  @inline static plane(planes: usize, byte: usize, low: v128, high: v128, isHalf: bool): v128 {
    const first = i8x16.swizzle(v128.load(planes + byte), low);
    return isHalf ? first : v128.or(first, i8x16.swizzle(v128.load(planes + byte, 64), high));
  }

  @inline static multiply(
    n: i32,
    values: usize,
    bytes: usize,
    planes: usize,
    out: usize,
    isHalf: bool,
  ): void {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 64) {
      const low = v128.load(bytes);
      const high = i8x16.sub(low, i8x16.splat(16));
      const b0 = Table.plane(planes, 0, low, high, isHalf);
      const b1 = Table.plane(planes, 16, low, high, isHalf);
      const b2 = Table.plane(planes, 32, low, high, isHalf);
      const b3 = Table.plane(planes, 48, low, high, isHalf);
      const l01 = i8x16.shuffle(b0, b1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const h01 = i8x16.shuffle(b0, b1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const l23 = i8x16.shuffle(b2, b3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const h23 = i8x16.shuffle(b2, b3, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const first = i16x8.shuffle(l01, l23, 0, 8, 1, 9, 2, 10, 3, 11);
      const second = i16x8.shuffle(l01, l23, 4, 12, 5, 13, 6, 14, 7, 15);
      const third = i16x8.shuffle(h01, h23, 0, 8, 1, 9, 2, 10, 3, 11);
      const fourth = i16x8.shuffle(h01, h23, 4, 12, 5, 13, 6, 14, 7, 15);
      v128.store(out + i, f32x4.mul(v128.load(values + i), first));
      v128.store(out + i, f32x4.mul(v128.load(values + i, 16), second), 16);
      v128.store(out + i, f32x4.mul(v128.load(values + i, 32), third), 32);
      v128.store(out + i, f32x4.mul(v128.load(values + i, 48), fourth), 48);
      bytes += 16;
    }
  }
}

/**
 * values[i] * table[bytes[i]] for a table of at most 32 float32 weights, without a gather: the table lies in
 * eight registers, one for each byte of a float32 and each half of the table, and a swizzle reads sixteen
 * bytes at a time. Exact: it moves bits.
 *
 * @param planes 128 bytes made by `planes`
 */
export function lookup(n: i32, values: usize, bytes: usize, planes: usize, out: usize): void {
  Table.multiply(n, values, bytes, planes, out, false);
}

/** The same for a table of at most 16. */
export function lookupHalf(n: i32, values: usize, bytes: usize, planes: usize, out: usize): void {
  Table.multiply(n, values, bytes, planes, out, true);
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
