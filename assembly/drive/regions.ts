/** Adding it rounds 0 <= v < 2^22 to a whole number, which stands in the low bits of the pattern then. */
const ROUND: f32 = 8388608;

/** Where the unit regions of [0, 1] meet. Used as a type argument only. */
@unmanaged
export abstract class Edges {
  /** The regions of four values in [0, 1], from 0 to bins - 1, in the low bits of the lanes. */
  abstract region(g: v128, bins: v128): v128;
}

/** The paper's regions: floor(g bins) of the exact product, the last region closed at 1. */
@unmanaged
@final
export class Floor extends Edges {
  @inline region(g: v128, bins: v128): v128 {
    const rounded = f32x4.add(f32x4.mul(g, bins), f32x4.splat(ROUND));
    const near = f32x4.sub(rounded, f32x4.splat(ROUND));
    // g bins - near with the right sign: both partial products are exact, as is the first difference.
    const head = v128.and(g, i32x4.splat(~0x1ff));
    const rest = f32x4.add(f32x4.sub(f32x4.mul(head, bins), near), f32x4.mul(f32x4.sub(g, head), bins));
    return Regions.below(rounded, i32x4.shr_s(rest, 31), bins);
  }
}

/** mmdetection's regions: between the float32 values of j / bins. */
@unmanaged
@final
export class Rounded extends Edges {
  @inline region(g: v128, bins: v128): v128 {
    const rounded = f32x4.add(f32x4.mul(g, bins), f32x4.splat(ROUND));
    const near = f32x4.sub(rounded, f32x4.splat(ROUND));
    return Regions.below(rounded, f32x4.lt(g, f32x4.div(near, bins)), bins);
  }
}

export class Regions {
  /** The region `near` or the one before it, at most bins - 1, in the low bits of each lane. */
  @inline static below(rounded: v128, less: v128, bins: v128): v128 {
    return i32x4.min_s(i32x4.add(rounded, less), f32x4.add(bins, f32x4.splat(ROUND - 1)));
  }

  /** The regions of |g| as bytes. */
  @inline static index<E extends Edges>(n: i32, g: usize, bins: f32, bytes: usize): void {
    for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
      const region = changetype<E>(0).region(f32x4.abs(v128.load(g + i)), f32x4.splat(bins));
      v128.store32_lane(
        bytes,
        i8x16.shuffle(region, region, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12),
        0,
      );
      bytes += 4;
    }
  }
}
