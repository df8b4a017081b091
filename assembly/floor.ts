/**
 * For benches only, never shipped: the arithmetic that no implementation of a loss can leave out, and nothing else. No
 * check, no exact sum; `bench/floors.ts` times it.
 *
 * Reads and writes whole vectors: arrays are padded to a multiple of 16 bytes.
 */
import { F4 } from "./lane/f32x4";
import { Exp } from "./math/exp";
import { Log1p } from "./math/log1p";

/** The lanes of a sum, added up. */
function reduce(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3)
  );
}

class Newton {
  /** 1 / sqrt without a root or a division: from a guess at its bits, three steps give some 22 of them. */
  @inline static root(s: v128): v128 {
    const half = F4.mul(s, F4.lit(0.5));
    const guess = i32x4.sub(i32x4.splat(0x5f375a86), i32x4.shr_u(s, 1));
    return Newton.step(half, Newton.step(half, Newton.step(half, guess)));
  }

  @inline static step(half: v128, r: v128): v128 {
    return F4.mul(r, F4.sub(F4.lit(1.5), F4.mul(half, F4.mul(r, r))));
  }
}

class Slope {
  /**
   * The slope of asl1, d / sqrt(d^2 + mu^2), and the sum of the roots.
   *
   * @param newton by `Newton.root`, else by the processor's root and division; a literal
   * @param divides whether the rounded slope is then divided; a literal
   */
  @inline static run(
    n: i32,
    x: usize,
    t: usize,
    square: f32,
    grad: usize,
    divisor: f32,
    newton: bool,
    divides: bool,
  ): f32 {
    let sum = F4.lit(0);
    for (let i = 0; i < n << 2; i += 16) {
      const d = F4.sub(v128.load(x + i), v128.load(t + i));
      const s = F4.madd(d, d, F4.lit(square));
      const r = newton ? Newton.root(s) : F4.sqrt(s);
      const slope = newton ? F4.mul(d, r) : F4.div(d, r);
      sum = F4.add(sum, newton ? F4.mul(s, r) : r);
      v128.store(grad + i, divides ? F4.div(slope, F4.lit(divisor)) : slope);
    }
    return reduce(sum);
  }
}

/** One square root and one division. */
export function slopeFloor(n: i32, x: usize, t: usize, square: f32, grad: usize): f32 {
  return Slope.run(n, x, t, square, grad, 1, false, false);
}

export function slopeNewton(n: i32, x: usize, t: usize, square: f32, grad: usize): f32 {
  return Slope.run(n, x, t, square, grad, 1, true, false);
}

/** With a gradient that is rounded and then divided. */
export function meanFloor(n: i32, x: usize, t: usize, square: f32, grad: usize, divisor: f32): f32 {
  return Slope.run(n, x, t, square, grad, divisor, false, true);
}

/** One division is left. */
export function meanNewton(n: i32, x: usize, t: usize, square: f32, grad: usize, divisor: f32): f32 {
  return Slope.run(n, x, t, square, grad, divisor, true, true);
}

/** n exponentials. */
export function expFloor(n: i32, x: usize, y: usize): void {
  for (let i = 0; i < n << 2; i += 16) v128.store(y + i, Exp.nonPositive(v128.load(x + i)));
}

/** n logarithms and as many divisions. */
export function logFloor(n: i32, z: usize, y: usize): void {
  for (let i = 0; i < n << 2; i += 16) {
    const v = v128.load(z + i);
    v128.store(y + i, F4.div(Log1p.unit(v), v));
  }
}
