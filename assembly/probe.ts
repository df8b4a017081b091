/**
 * For tests only, never shipped: maps each function of math/ over an array, n elements from x to y.
 *
 * Reads and writes whole vectors: both arrays are padded to a multiple of 16 bytes.
 */
import { F4 } from "./lane/f32x4";
import { Exp } from "./math/exp";
import { Log } from "./math/log";
import { Log1p } from "./math/log1p";
import { Logistic } from "./math/logistic";
import { Power } from "./math/power";
import { Scaled } from "./math/scaled";
import { Wide } from "./math/wide";

/** One vector in, one vector out. Only ever the bound of a type parameter: methods are resolved at compile time. */
@unmanaged
abstract class Lanes {
  abstract map(x: v128): v128;
}

function run<F extends Lanes>(bytes: i32, x: usize, y: usize): void {
  for (let i = 0; i < bytes; i += 16) v128.store(y + i, changetype<F>(0).map(v128.load(x + i)));
}

@unmanaged
@final
class ExpNonPositive extends Lanes {
  @inline map(x: v128): v128 {
    return Exp.nonPositive(x);
  }
}
@unmanaged
@final
class ExpTerm extends Lanes {
  @inline map(x: v128): v128 {
    return Exp.term(x);
  }
}
@unmanaged
@final
class ExpComplement extends Lanes {
  @inline map(x: v128): v128 {
    return Exp.complement(x);
  }
}
/** -log(x) with 1 - x as float32 subtraction gives it: exact from 1/2 on. */
@unmanaged
@final
class NegLog extends Lanes {
  @inline map(x: v128): v128 {
    return Log.negative(x, F4.sub(F4.lit(1), x));
  }
}
@unmanaged
@final
class Log1pUnit extends Lanes {
  @inline map(x: v128): v128 {
    return Log1p.unit(x);
  }
}
@unmanaged
@final
class Decay extends Lanes {
  @inline map(x: v128): v128 {
    return Logistic.decay(x);
  }
}
@unmanaged
@final
class Softplus extends Lanes {
  @inline map(x: v128): v128 {
    return Logistic.softplus(x, Logistic.decay(x));
  }
}
@unmanaged
@final
class Sigmoid extends Lanes {
  @inline map(x: v128): v128 {
    return Logistic.sigmoid(x, Logistic.decay(x));
  }
}
/** sigmoid(x), the way a kernel gets it that needs sigmoid(-x) as well. */
@unmanaged
@final
class Both extends Lanes {
  @inline map(x: v128): v128 {
    const e = Logistic.decay(x);
    const larger = Logistic.larger(e);
    return F4.xor(larger, Logistic.exchange(x, larger, Logistic.smaller(e, larger)));
  }
}
@unmanaged
@final
class WideExp extends Lanes {
  @inline map(x: v128): v128 {
    return Wide.exp(x);
  }
}
@unmanaged
@final
class WideLog1p extends Lanes {
  @inline map(x: v128): v128 {
    return Wide.log1p(x);
  }
}
@unmanaged
@final
class WideLog extends Lanes {
  @inline map(x: v128): v128 {
    return Wide.log(x);
  }
}

export function expNonPositive(n: i32, x: usize, y: usize): void {
  run<ExpNonPositive>(n << 2, x, y);
}
export function expTerm(n: i32, x: usize, y: usize): void {
  run<ExpTerm>(n << 2, x, y);
}
export function expComplement(n: i32, x: usize, y: usize): void {
  run<ExpComplement>(n << 2, x, y);
}
export function negLog(n: i32, x: usize, y: usize): void {
  run<NegLog>(n << 2, x, y);
}
export function log1pUnit(n: i32, x: usize, y: usize): void {
  run<Log1pUnit>(n << 2, x, y);
}
export function decay(n: i32, x: usize, y: usize): void {
  run<Decay>(n << 2, x, y);
}
export function softplus(n: i32, x: usize, y: usize): void {
  run<Softplus>(n << 2, x, y);
}
export function sigmoid(n: i32, x: usize, y: usize): void {
  run<Sigmoid>(n << 2, x, y);
}
export function sigmoidBoth(n: i32, x: usize, y: usize): void {
  run<Both>(n << 2, x, y);
}
export function wideExp(n: i32, x: usize, y: usize): void {
  run<WideExp>(n << 3, x, y);
}
export function wideLog1p(n: i32, x: usize, y: usize): void {
  run<WideLog1p>(n << 3, x, y);
}
export function wideLog(n: i32, x: usize, y: usize): void {
  run<WideLog>(n << 3, x, y);
}

/** exp(-(gamma + rest) x), still lifted by 2^32. */
export function powerLifted(n: i32, x: usize, y: usize, gamma: f32, rest: f32): void {
  for (let i = 0; i < n << 2; i += 16) {
    v128.store(y + i, Power.lifted(F4.lit(gamma), F4.lit(rest), v128.load(x + i)));
  }
}

/** exp(-(gamma + rest) x) value. */
export function powerTimes(n: i32, x: usize, y: usize, gamma: f32, rest: f32, value: f32): void {
  for (let i = 0; i < n << 2; i += 16) {
    const lifted = Power.lifted(F4.lit(gamma), F4.lit(rest), v128.load(x + i));
    v128.store(y + i, Power.times(lifted, F4.lit(value)));
  }
}

/** exp(-|k x|) for a factor in three parts. */
export function scaled(n: i32, x: usize, y: usize, k: f32, head: f32, rest: f32): void {
  for (let i = 0; i < n << 2; i += 16) {
    const v = v128.load(x + i);
    const z = F4.mul(F4.lit(k), v);
    v128.store(y + i, Scaled.decay(z, Scaled.low(F4.lit(head), F4.lit(rest), v, z)));
  }
}

/** The same times 2^32. */
export function scaledLifted(n: i32, x: usize, y: usize, k: f32, head: f32, rest: f32): void {
  for (let i = 0; i < n << 2; i += 16) {
    const v = v128.load(x + i);
    const z = F4.mul(F4.lit(k), v);
    v128.store(y + i, Scaled.lifted(z, Scaled.low(F4.lit(head), F4.lit(rest), v, z)));
  }
}

/** Sigmoid and softplus of one array in one pass, for timing. */
export function logistic(n: i32, x: usize, y: usize, z: usize): void {
  for (let i = 0; i < n << 2; i += 16) {
    const u = v128.load(x + i);
    const e = Logistic.decay(u);
    v128.store(y + i, Logistic.sigmoid(u, e));
    v128.store(z + i, Logistic.softplus(u, e));
  }
}
