import { I4 } from "../lane/i32x4";
import { Keys } from "./keys";

/**
 * A floor under the hardest B of many losses, without sorting or counting them.
 *
 * Deal the losses out to groups: B of the groups' maxima are B of the losses. So the B-th largest maximum is not above
 * the B-th largest loss, whatever the losses and the groups; and where there are a few times as many groups as B, and
 * losses are in no special order, few losses that are not among the hardest B lie above it.
 */
class Rest {
  /** Sixteen floats of one bit pattern. */
  static pad(at: usize, bits: u32): void {
    const v = i32x4.splat(bits);
    v128.store(at, v);
    v128.store(at, v, 16);
    v128.store(at, v, 32);
    v128.store(at, v, 48);
  }
}

/**
 * Puts -infinity, which is below every loss, in place of the masked elements (byte 0; no mask: address 0) and of the
 * sixteen behind the last.
 *
 * @returns whether a valid loss is not finite
 */
export function admitLosses(n: i32, losses: usize, mask: usize): bool {
  const end = losses + ((<usize>n) << 2);
  Rest.pad(end, 0);
  let most = i32x4.splat(0);
  if (mask) {
    for (let at = losses; at < end; at += 16) {
      const masked = I4.zeros(mask);
      const v = v128.andnot(v128.load(at), masked);
      most = i32x4.max_u(most, i32x4.shl(v, 1));
      v128.store(at, v128.or(v, i32x4.shl(masked, 23)));
      mask += 4;
    }
  } else {
    for (let at = losses; at < end; at += 64) {
      const a = i32x4.max_u(i32x4.shl(v128.load(at), 1), i32x4.shl(v128.load(at, 16), 1));
      const b = i32x4.max_u(i32x4.shl(v128.load(at, 32), 1), i32x4.shl(v128.load(at, 48), 1));
      most = i32x4.max_u(most, i32x4.max_u(a, b));
    }
  }
  Rest.pad(end, 0xff800000);
  return v128.any_true(i32x4.ge_u(most, i32x4.splat(0xff000000)));
}

/**
 * Takes losses into the maxima of groups, which are -infinity before the first ones. Each loss belongs to one group: its
 * quarter of the chunk decides on the lane, so that what has a period of four in the data has none in the groups.
 *
 * @param losses as `admitLosses` leaves them
 * @param groups a multiple of 4
 * @param group that of the first, a multiple of 4
 */
export function groupMaxima(n: i32, losses: usize, groups: i32, group: i32, maxima: usize): void {
  const quarter = (<usize>((n + 15) >> 4)) << 4;
  const end = maxima + ((<usize>groups) << 2);
  let to = maxima + ((<usize>group) << 2);
  for (let at = losses, last = losses + quarter; at < last; at += 16) {
    let most = v128.load(at + 3 * quarter);
    most = f32x4.pmax(v128.load(at + 2 * quarter), i32x4.shuffle(most, most, 1, 2, 3, 0));
    most = f32x4.pmax(v128.load(at + quarter), i32x4.shuffle(most, most, 1, 2, 3, 0));
    most = f32x4.pmax(v128.load(at), i32x4.shuffle(most, most, 1, 2, 3, 0));
    v128.store(to, f32x4.pmax(most, v128.load(to)));
    to += 16;
    if (to === end) to = maxima;
  }
}

/**
 * A key that `rank` of the values reach: the highest such key, or a lower one that a sixteenth more of them reach at
 * most. Where fewer than `rank` are losses, one below all losses.
 *
 * Domain: n a multiple of 4, 0 < rank <= n. Values become keys, and the sixteen behind the last are overwritten.
 * Method: bit by bit from the highest.
 */
export function floorKey(n: i32, values: usize, rank: i32): i32 {
  const end = values + ((<usize>n) << 2);
  Rest.pad(end, 0x80000000);
  for (let at = values; at < end; at += 16) v128.store(at, Keys.of(v128.load(at)));
  let floor = i32.MIN_VALUE;
  for (let bit: u32 = 0x80000000; bit; bit >>= 1) {
    const next = floor + <i32>bit;
    const below = i32x4.splat(next - 1);
    let lanes = i32x4.splat(0);
    for (let at = values; at < end; at += 32) {
      const two = i32x4.add(i32x4.gt_s(v128.load(at), below), i32x4.gt_s(v128.load(at, 16), below));
      lanes = i32x4.sub(lanes, two);
    }
    const count = I4.sum(lanes);
    if (count < rank) continue;
    floor = next;
    if (count <= rank + (rank >> 4)) break;
  }
  return floor;
}
