import { F2 } from "../lane/f64x2";
import { Wide } from "../math/wide";
import { Fading } from "./focal";

/** Focal loss of two elements in float64. */
class FocalSoft {
  /** Loss and gradient of two elements; the gradient goes to `grad` as two float32, the loss is returned. */
  @inline static two(x: v128, t: v128, w1: v128, w0: v128, gamma: f64, grad: usize): v128 {
    const one = F2.lit(1);
    const e = Wide.exp(f64x2.neg(f64x2.abs(x)));
    const tail = Wide.log1p(e);
    const larger = F2.div(one, F2.add(one, e));
    const smaller = F2.mul(e, larger);
    const below = f64x2.lt(x, F2.lit(0));
    const p = v128.bitselect(smaller, larger, below);
    const q = v128.bitselect(larger, smaller, below);
    const rest = F2.sub(one, t);
    const high = f64x2.pmax(F2.lit(0), x);
    const low = f64x2.pmax(F2.lit(0), f64x2.neg(x));
    const ce = F2.madd(t, F2.add(low, tail), F2.mul(rest, F2.add(high, tail)));
    const r = F2.madd(p, rest, F2.mul(q, t));
    const m = F2.mul(F2.madd(t, w1, F2.mul(rest, w0)), Wide.exp(F2.mul(F2.lit(gamma), Wide.log(r))));
    const direct = F2.sub(F2.mul(rest, p), F2.mul(t, q));
    const turn = F2.mul(F2.mul(F2.lit(gamma), F2.div(F2.mul(p, q), r)), F2.mul(F2.sub(rest, t), ce));
    v128.store64_lane(grad, f32x4.demote_f64x2_zero(F2.mul(m, F2.add(direct, turn))), 0);
    return f32x4.demote_f64x2_zero(F2.mul(m, ce));
  }

  @inline static high(v: v128): v128 {
    return f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1));
  }
}

/**
 * Focal loss of the elements with soft targets 0 < t < 1, in the product form; all others keep what is there.
 *
 *   r  = p (1 - t) + (1 - p) t           p = sigmoid(x)
 *   L  = w r^gamma ce                    w = t w1 + (1 - t) w0, ce = t softplus(-x) + (1 - t) softplus(x)
 *   L' = w r^gamma [p - t + gamma p (1 - p) / r (1 - 2t) ce]
 *
 * The terms of L' have opposite signs, and float32 would lose what they cancel: computed in float64, rounded once.
 * Source: the product form of fvcore, torchvision and optax; gradient: docs/losses.md.
 */
export function focalSoft(
  n: i32,
  x: usize,
  t: usize,
  w1: usize,
  w0: usize,
  stride: usize,
  op: usize,
  loss: usize,
  grad: usize,
): void {
  const parameters = changetype<Fading>(op);
  const gamma = <f64>parameters.gamma + <f64>parameters.rest;
  const scratch = op + 32;
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const target = v128.load(t + i);
    const hard = v128.or(f32x4.eq(target, f32x4.splat(0)), f32x4.eq(target, f32x4.splat(1)));
    if (v128.bitmask<i32>(hard) == 15) continue;
    const logit = v128.load(x + i);
    const positive = v128.load(w1 + (i & stride));
    const negative = v128.load(w0 + (i & stride));
    const first = FocalSoft.two(
      f64x2.promote_low_f32x4(logit),
      f64x2.promote_low_f32x4(target),
      f64x2.promote_low_f32x4(positive),
      f64x2.promote_low_f32x4(negative),
      gamma,
      scratch,
    );
    const second = FocalSoft.two(
      FocalSoft.high(logit),
      FocalSoft.high(target),
      FocalSoft.high(positive),
      FocalSoft.high(negative),
      gamma,
      scratch + 8,
    );
    const slope = f32x4.div(v128.load(scratch), f32x4.splat(parameters.divisor));
    v128.store(loss + i, v128.bitselect(v128.load(loss + i), i64x2.shuffle(first, second, 0, 2), hard));
    v128.store(grad + i, v128.bitselect(v128.load(grad + i), slope, hard));
  }
}
