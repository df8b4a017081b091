import { I4 } from "../lane/i32x4";

/**
 * What a chunk holds, found in one pass before anything is computed from it. Writes three 32-bit words:
 *
 *   report[0]  largest bit pattern of |x|: at or above 0x7f800000 where a logit is not finite
 *   report[1]  not 0 where a target is neither 0 nor 1
 *   report[2]  the sum of the targets as a float32: exact for up to 2^24 hard ones
 */
export function survey(n: i32, x: usize, t: usize, report: usize): void {
  const end = (<usize>n) << 2;
  if (n & 3) {
    v128.store(x + end, i32x4.splat(0));
    v128.store(t + end, i32x4.splat(0));
  }
  let logit = i32x4.splat(0);
  let soft = i32x4.splat(0);
  let positives = f32x4.splat(0);
  for (let i: usize = 0; i < end; i += 16) {
    const y = v128.load(t + i);
    logit = i32x4.max_u(logit, v128.and(v128.load(x + i), i32x4.splat(0x7fffffff)));
    soft = v128.or(soft, f32x4.sub(f32x4.mul(y, y), y));
    positives = f32x4.add(positives, y);
  }
  store<u32>(report, I4.most(logit));
  store<u32>(report, v128.any_true(soft) ? 1 : 0, 4);
  store<f32>(report, Survey.sum(positives), 8);
}

/**
 * The same for targets that are not all hard. Writes two words:
 *
 *   report[0]  largest bit pattern of t as unsigned: above 0x3f800000 where a target is outside [0, 1]
 *   report[1]  how many targets are above 1/2
 */
export function surveySoft(n: i32, t: usize, report: usize): void {
  if (n & 3) v128.store(t + ((<usize>n) << 2), i32x4.splat(0));
  let target = i32x4.splat(0);
  let positives = i32x4.splat(0);
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const y = f32x4.add(v128.load(t + i), f32x4.splat(0)); // -0 becomes 0
    target = i32x4.max_u(target, y);
    positives = i32x4.sub(positives, f32x4.gt(y, f32x4.splat(0.5)));
  }
  store<u32>(report, I4.most(target));
  store<i32>(report, I4.sum(positives), 4);
}

/**
 * What a chunk of predictions and real-valued targets, or of two scores, holds.
 *
 * @returns the largest bit pattern of |x| and |t|: at or above 0x7f800000 where one is not finite
 */
export function surveyReal(n: i32, x: usize, t: usize): u32 {
  const end = (<usize>n) << 2;
  if (n & 3) {
    v128.store(x + end, i32x4.splat(0));
    v128.store(t + end, i32x4.splat(0));
  }
  let size = i32x4.splat(0);
  for (let i: usize = 0; i < end; i += 16) {
    const both = i32x4.max_u(f32x4.abs(v128.load(x + i)), f32x4.abs(v128.load(t + i)));
    size = i32x4.max_u(size, both);
  }
  return I4.most(size);
}

class Survey {
  static sum(v: v128): f32 {
    return (
      f32x4.extract_lane(v, 0) +
      f32x4.extract_lane(v, 1) +
      f32x4.extract_lane(v, 2) +
      f32x4.extract_lane(v, 3)
    );
  }
}
