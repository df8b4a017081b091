import { Clip, Clipped } from "../drive/clipped";
import { F4 } from "../lane/f32x4";
import { Exp } from "../math/exp";
import { Log } from "../math/log";
import { Log1p } from "../math/log1p";
import { Logistic } from "../math/logistic";
import { Power } from "../math/power";

/** The parameters of an asymmetric loss and the factor b^gamma. Used as a type argument only. */
@unmanaged
export abstract class Exponents {
  divisor: f32;
  positive: f32;
  negative: f32;
  /** All ones where there is a clip m > 0. */
  clipped: i32;
  /** m, and 1 - m. */
  clip: f32;
  room: f32;
  /** logit(m), and what it lost when it was rounded to float32. */
  edge: f32;
  edgeRest: f32;
  /** gamma of targets 1 and 0 in the slope; 0 where the factor is held constant there. */
  focusPositive: f32;
  focusNegative: f32;
  /** gamma of targets 1 and 0: the bits of `parts`, or a float32 and what it lost. */
  gammaPositive: i32;
  gammaNegative: i32;
  restPositive: f32;
  restNegative: f32;

  /** b, or -log(b), in the form that `of` takes; `miss` = 1 - b, and where `shifted` has zeros b = sigmoid(v), with e = decay(v). */
  abstract form(base: v128, miss: v128, v: v128, e: v128, shifted: v128): v128;
  /** b^gamma up to a constant factor. */
  abstract of(base: v128, isPositive: v128): v128;
  /** b^gamma times a value >= 0. */
  abstract times(faded: v128, value: v128): v128;

  /** Lane by lane, one of two parameters. */
  @inline side(isPositive: v128, positive: v128, negative: v128): v128 {
    return F4.xor(negative, F4.and(isPositive, F4.xor(negative, positive)));
  }
}

/** gamma a multiple of 1/2 below 8: a product of the parts b^4, b^2, b and sqrt(b) that it is made of. */
@unmanaged
@final
export class Parts extends Exponents {
  @inline form(base: v128, miss: v128, v: v128, e: v128, shifted: v128): v128 {
    return base;
  }
  @inline of(base: v128, isPositive: v128): v128 {
    const parts = this.side(isPositive, i32x4.splat(this.gammaPositive), i32x4.splat(this.gammaNegative));
    const squared = F4.mul(base, base);
    const linear = this.part(parts, base);
    const square = this.part(i32x4.shl(parts, 1), squared);
    const root = this.part(i32x4.shl(parts, 2), F4.sqrt(base));
    const fourth = this.part(i32x4.shl(parts, 3), F4.mul(squared, squared));
    return F4.mul(F4.mul(F4.mul(square, linear), root), fourth);
  }
  /** `value` where the highest bit is set, else 1. */
  @inline part(bits: v128, value: v128): v128 {
    return F4.xor(F4.lit(1), F4.and(F4.signs(bits), F4.xor(F4.lit(1), value)));
  }
  @inline times(faded: v128, value: v128): v128 {
    return F4.mul(faded, value);
  }
}

/** Any gamma >= 0: the exponential of gamma log(b), lifted as in the focal loss. */
@unmanaged
@final
export class Real extends Exponents {
  @inline form(base: v128, miss: v128, v: v128, e: v128, shifted: v128): v128 {
    const whole = F4.pick(shifted, Log.octaves(base), F4.relu(F4.neg(v)));
    const tail = Log1p.unit(F4.pick(shifted, Log.rest(base, miss), e));
    return F4.add(whole, F4.xor(tail, F4.and(shifted, F4.lit(-0.0))));
  }
  @inline of(fade: v128, isPositive: v128): v128 {
    const gamma = this.side(isPositive, i32x4.splat(this.gammaPositive), i32x4.splat(this.gammaNegative));
    const rest = this.side(isPositive, F4.lit(this.restPositive), F4.lit(this.restNegative));
    return Power.lifted(gamma, rest, fade);
  }
  @inline times(faded: v128, value: v128): v128 {
    return Power.times(faded, value);
  }
}

/**
 * Asymmetric loss on logits, hard targets; v = -(2t - 1) x, q = sigmoid(v), p = sigmoid(-v).
 *
 *   target 1:  f = q^gamma softplus(v),    f' = q^gamma (q + gamma p softplus(v))
 *   target 0:  f = b^gamma (-log(1 - b)),  f' = b^gamma p q (1 / (1 - b) - gamma log(1 - b) / b),  b = max(q - m, 0)
 *
 * b = q c with c = (1 - m) (1 - e^-(v - logit(m))): the difference q - m is never formed, and logit(m) is held in two
 * parts, so nothing cancels at the clip. 1 - b is p + m. With m = 0, c = 1 and the second line is the first. Then
 *
 *   f' = b^gamma (q p / (1 - b) + gamma p / c (-log(1 - b)))
 *
 * Source: Ridnik et al. 2021, equations 3 to 5; stable form and gradient: docs/losses.md.
 */
@unmanaged
@final
export class Asymmetric<P extends Exponents> extends Clipped {
  /** v - logit(m). */
  @inline beyond(v: v128): v128 {
    const own = changetype<P>(changetype<usize>(this));
    return F4.sub(F4.sub(v, F4.lit(own.edge)), F4.lit(own.edgeRest));
  }

  /** All ones where there is a clip. */
  @inline shifted(sign: v128): v128 {
    const own = changetype<P>(changetype<usize>(this));
    return F4.clear(F4.signs(sign), i32x4.splat(own.clipped));
  }

  @inline clips(): bool {
    return changetype<P>(changetype<usize>(this)).clipped !== 0;
  }

  @inline least(): f32 {
    return changetype<P>(changetype<usize>(this)).edge;
  }

  @inline begin(v: v128): v128 {
    return Exp.complement(F4.neg(this.beyond(v)));
  }

  @inline middle(v: v128, e: v128, sign: v128, near: usize, far: usize): v128 {
    const own = changetype<P>(changetype<usize>(this));
    const one = F4.lit(1);
    const shifted = this.shifted(sign);
    const larger = Logistic.larger(e);
    const smaller = Logistic.smaller(e, larger);
    const k = Logistic.exchange(v, larger, smaller);
    const q = F4.xor(larger, k);
    const p = F4.xor(smaller, k);
    const c = F4.pick(shifted, F4.mul(F4.lit(own.room), v128.load(near)), one);
    const base = F4.mul(q, c);
    const miss = F4.pick(shifted, f32x4.pmin(one, F4.add(p, F4.lit(own.clip))), p);

    const whole = F4.pick(shifted, Log.octaves(miss), F4.relu(v));
    const tail = Log1p.unit(F4.pick(shifted, Log.rest(miss, base), e));
    const ce = F4.add(whole, F4.xor(tail, F4.and(shifted, F4.lit(-0.0))));

    const direct = F4.mul(q, F4.pick(shifted, F4.div(p, miss), one));
    const focus = own.side(F4.signs(sign), F4.lit(own.focusPositive), F4.lit(own.focusNegative));
    // c is that small only for |x| < 2^-114 and a clip of 1/2: a division by 0 would end in 0 times infinity.
    const bend = F4.mul(focus, F4.div(p, f32x4.pmax(c, F4.lit(1.2037062e-35)))); // 0x1p-116
    v128.store(near, F4.madd(bend, ce, direct));
    v128.store(far, own.form(base, miss, v, e, shifted));
    return ce;
  }

  @inline end(v: v128, ce: v128, w: v128, sign: v128, near: usize, far: usize, grad: usize): v128 {
    const own = changetype<P>(changetype<usize>(this));
    const outside = F4.clear(F4.lt(F4.lit(0), this.beyond(v)), this.shifted(sign));
    const faded = own.of(v128.load(far), F4.signs(sign));
    const slope = own.times(faded, v128.load(near));
    this.put(grad, F4.clear(outside, F4.mul(w, slope)), sign);
    return F4.clear(outside, F4.mul(w, own.times(faded, ce)));
  }
}

export function asymmetricParts(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): i32 {
  return Clip.run<Asymmetric<Parts>>(n, x, t, w, stride, op, loss, grad);
}

export function asymmetricReal(
  n: i32,
  x: usize,
  t: usize,
  w: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): i32 {
  return Clip.run<Asymmetric<Real>>(n, x, t, w, stride, op, loss, grad);
}
