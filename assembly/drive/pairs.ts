import { F4 } from "../lane/f32x4";
import { Gap } from "./gap";

/**
 * The scores of the two items of each pair. An index beyond the items gives what lies behind the last score, where the
 * host puts a NaN: no branch, and no other memory is read.
 *
 * @param pairs two indices for each pair, the preferred item first
 */
export function gatherPairs(
  n: i32,
  items: u32,
  scores: usize,
  pairs: usize,
  preferred: usize,
  other: usize,
): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 4) {
    const pair = pairs + (i << 1);
    store<f32>(preferred + i, load<f32>(scores + ((<usize>min<u32>(load<u32>(pair), items)) << 2)));
    store<f32>(other + i, load<f32>(scores + ((<usize>min<u32>(load<u32>(pair, 4), items)) << 2)));
  }
}

/**
 * Per pair the negated margin v = other - preferred, as `marginRows` has it, and exp(-|v|).
 *
 * @returns whether a margin is beyond float32: see `exceed`
 */
export function marginPairs(n: i32, preferred: usize, other: usize, near: usize, decay: usize): bool {
  let far = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const a = v128.load(preferred + i);
    const b = v128.load(other + i);
    const gap = F4.sub(b, a);
    const low = Gap.near(gap, Gap.lost(b, a, gap));
    v128.store(near + i, Gap.cut(gap));
    v128.store(decay + i, Gap.decay(gap, low));
    far = v128.or(far, Gap.isFar(gap));
  }
  return v128.any_true(far);
}

/**
 * Adds the slope of each pair to the sum of its other item and takes it from that of the preferred one, in the order of
 * the pairs. An index beyond the items, which only a masked pair has, goes to a sum behind the last.
 *
 * @param slopes f'(v) >= 0, one float32 for each pair
 * @param sums one float64 for each item, and one more
 */
export function scatterPairs(n: i32, items: u32, pairs: usize, slopes: usize, sums: usize): void {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 4) {
    const pair = pairs + (i << 1);
    const slope = <f64>load<f32>(slopes + i);
    const preferred = sums + ((<usize>min<u32>(load<u32>(pair), items)) << 3);
    store<f64>(preferred, load<f64>(preferred) - slope);
    const other = sums + ((<usize>min<u32>(load<u32>(pair, 4), items)) << 3);
    store<f64>(other, load<f64>(other) + slope);
  }
}
