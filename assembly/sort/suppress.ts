/**
 * Boxes that were kept, four to a block of 64 bytes: their x1, their y1, their x2, their y2. Places that are not
 * taken hold a box that overlaps with none.
 */
class Kept {
  @inline static block(kept: usize, index: i32): usize {
    return kept + ((<usize>(index >> 2)) << 6) + ((<usize>(index & 3)) << 2);
  }

  @inline static add(kept: usize, index: i32, box: usize): void {
    const at = Kept.block(kept, index);
    if (!(index & 3)) {
      v128.store(at, f32x4.splat(Infinity));
      v128.store(at, f32x4.splat(Infinity), 16);
      v128.store(at, f32x4.splat(-Infinity), 32);
      v128.store(at, f32x4.splat(-Infinity), 48);
    }
    store<f32>(at, load<f32>(box));
    store<f32>(at, load<f32>(box, 4), 16);
    store<f32>(at, load<f32>(box, 8), 32);
    store<f32>(at, load<f32>(box, 12), 48);
  }

  /** Which of four kept boxes share some area with a box, one bit each: comparisons, so exact. */
  @inline static touching(at: usize, x1: v128, y1: v128, x2: v128, y2: v128): i32 {
    const across = v128.and(f32x4.lt(v128.load(at), x2), f32x4.lt(x1, v128.load(at, 32)));
    const down = v128.and(f32x4.lt(v128.load(at, 16), y2), f32x4.lt(y1, v128.load(at, 48)));
    return i32x4.bitmask(v128.and(across, down));
  }

  /** Whether intersection / union > iou for two boxes that share some area, in float64. */
  @inline static isNear(at: usize, box: usize, iou: f64): bool {
    const x1 = <f64>load<f32>(box);
    const y1 = <f64>load<f32>(box, 4);
    const x2 = <f64>load<f32>(box, 8);
    const y2 = <f64>load<f32>(box, 12);
    const a1 = <f64>load<f32>(at);
    const b1 = <f64>load<f32>(at, 16);
    const a2 = <f64>load<f32>(at, 32);
    const b2 = <f64>load<f32>(at, 48);
    const inside = (min(x2, a2) - max(x1, a1)) * (min(y2, b2) - max(y1, b1));
    const union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - inside;
    return inside / union > iou;
  }

  static covers(count: i32, kept: usize, box: usize, iou: f64): bool {
    const x1 = v128.load32_splat(box);
    const y1 = v128.load32_splat(box, 4);
    const x2 = v128.load32_splat(box, 8);
    const y2 = v128.load32_splat(box, 12);
    for (let at = kept, end = kept + ((<usize>((count + 3) >> 2)) << 6); at < end; at += 64) {
      for (let bits = Kept.touching(at, x1, y1, x2, y2); bits; bits &= bits - 1) {
        if (Kept.isNear(at + ((<usize>ctz(bits)) << 2), box, iou)) return true;
      }
    }
    return false;
  }
}

/**
 * Greedy suppression: goes through boxes from the hardest to the easiest and keeps those whose intersection over
 * union with every box kept before is at most `iou`.
 *
 * Domain: n boxes (x1, y1, x2, y2), finite, x1 <= x2 and y1 <= y2; 0 <= iou <= 1; room for n boxes and 64 bytes at
 * `kept`; n bytes at `out`, set to 1 for a box that is kept, else 0. `positives` holds n bytes, or is address 0.
 * Stops when `most` boxes and among them `needed` positives have been kept; the bytes of the others are then 0.
 * Error: areas are float64 products of float64 differences of float32 numbers. Where these are exact, as for
 * differences of up to 26 bits on one grid, it is the float64 nearest to the true quotient
 * that is compared: 2 / 6 is not above 1 / 3, nor 7 / 10 above 0.7.
 *
 * @returns how many boxes were kept
 */
export function suppress(
  n: i32,
  boxes: usize,
  positives: usize,
  iou: f64,
  most: i32,
  needed: i32,
  kept: usize,
  out: usize,
): i32 {
  let count = 0;
  memory.fill(out, 0, n);
  for (let i: i32 = 0; i < n; i++) {
    if (count >= most && needed <= 0) break;
    const box = boxes + ((<usize>i) << 4);
    if (Kept.covers(count, kept, box, iou)) continue;
    Kept.add(kept, count, box);
    count++;
    store<u8>(out + i, 1);
    if (positives && load<u8>(positives + i)) needed--;
  }
  return count;
}
