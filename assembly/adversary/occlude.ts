/**
 * Lays out which cells of a map are kept, all ones where the mask byte is 0 and all zeros elsewhere: four periods one
 * after the other, so that a whole number of vectors covers them whatever the number of cells. Reads the mask up to
 * the next multiple of four and writes as far.
 */
export function keepLanes(cells: i32, mask: usize, keep: usize): void {
  const bytes = (<usize>cells) << 2;
  for (let copy = 0; copy < 4; copy++) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const four = i16x8.extend_low_i8x16_u(v128.load32_zero(mask + (i >> 2)));
      v128.store(keep + i, i32x4.eq(i32x4.extend_low_i16x8_u(four), i32x4.splat(0)));
    }
    keep += bytes;
  }
}

/**
 * Writes the n values of maps of `cells` each, with +0 in the cells that are not kept. What is hidden is not looked at.
 *
 * @param x followed by three zeros: they are in the result
 * @returns the largest bit pattern of a |value| that is kept
 */
export function occlude(n: i32, cells: i32, x: usize, keep: usize, out: usize): u32 {
  const period = (<usize>cells) << 4;
  let left = (<usize>n) << 2;
  let most = i32x4.splat(0);
  while (left > 0) {
    const end = min(left, period);
    for (let i: usize = 0; i < end; i += 16) {
      const kept = v128.and(v128.load(x + i), v128.load(keep + i));
      v128.store(out + i, kept);
      most = i32x4.max_u(most, v128.and(kept, i32x4.splat(0x7fffffff)));
    }
    x += end;
    out += end;
    left -= end;
  }
  return largest(most);
}

/** The largest bit pattern of an |x|: above all finite ones for a NaN or an infinity. `x` is followed by three zeros. */
export function extent(n: i32, x: usize): u32 {
  let most = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    most = i32x4.max_u(most, v128.and(v128.load(x + i), i32x4.splat(0x7fffffff)));
  }
  return largest(most);
}

function largest(lanes: v128): u32 {
  const two = i32x4.max_u(lanes, i32x4.shuffle(lanes, lanes, 2, 3, 0, 1));
  return max<u32>(i32x4.extract_lane(two, 0), i32x4.extract_lane(two, 1));
}

/**
 * Adds the products of two stacks of maps to one float64 map: sums_i += sum_c x_ci y_ci, channels in rising order.
 * The products are exact, for 24 and 24 bits fit in 53.
 */
export function addProducts(channels: i32, cells: i32, x: usize, y: usize, sums: usize): void {
  const bytes = (<usize>cells) << 2;
  for (let c = 0; c < channels; c++) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const a = v128.load(x + i);
      const b = v128.load(y + i);
      const at = sums + (i << 1);
      const low = f64x2.mul(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b));
      const high = f64x2.mul(
        f64x2.promote_low_f32x4(v128.shuffle<i64>(a, a, 1, 0)),
        f64x2.promote_low_f32x4(v128.shuffle<i64>(b, b, 1, 0)),
      );
      v128.store(at, f64x2.add(v128.load(at), low));
      v128.store(at + 16, f64x2.add(v128.load(at + 16), high));
    }
    x += bytes;
    y += bytes;
  }
}
