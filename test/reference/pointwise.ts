/**
 * Binary cross-entropy and focal loss in f64, from the papers. Every loss is a sum of terms that are not
 * negative, every gradient comes with the size of the terms it is the difference of: an oracle has to be
 * better conditioned than what it judges, not only wider.
 */
import { margin, sigmoid, softplus } from "./logistic.ts";

/** A loss, its derivative, and the sum of the absolute values of the terms of that derivative. */
export interface Truth {
  loss: number;
  grad: number;
  scale: number;
}

/** -w y log p - (1 - y) log(1 - p), for y in [0, 1]. */
export function bceTruth(x: number, y: number, posWeight = 1): Truth {
  const up = (1 - y) * sigmoid(x);
  const down = posWeight * y * sigmoid(-x);
  const loss = (1 - y) * softplus(x) + posWeight * y * softplus(-x);
  return { loss, grad: up - down, scale: up + down };
}

/** Weight of a target under alpha balancing; soft targets interpolate. */
function balance(y: number, alpha: number | null): number {
  return alpha === null ? 1 : alpha * y + (1 - alpha) * (1 - y);
}

/** Lin et al. 2017, eq. 5 and appendix B, for y in {0, 1}: every term of the gradient has the same sign. */
export function focalHardTruth(x: number, y: number, gamma: number, alpha: number | null): Truth {
  const u = margin(x, y);
  const ce = softplus(-u);
  const factor = balance(y, alpha) * Math.exp(-gamma * softplus(u));
  const scale = factor * (sigmoid(-u) + gamma * sigmoid(u) * ce);
  return { loss: factor * ce, grad: y === 1 ? -scale : scale, scale };
}

/** log(e^a + e^b), where either may be -Infinity. */
function logAdd(a: number, b: number): number {
  const top = Math.max(a, b);
  return top === -Infinity ? top : top + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** log of r = p (1 - y) + (1 - p) y, the quantity the product form raises to gamma. */
export function logMiss(x: number, y: number): number {
  return logAdd(Math.log1p(-y) - softplus(-x), Math.log(y) - softplus(x));
}

/**
 * Product form for soft targets: a(y) r^gamma BCE(x, y). Its derivative has three terms,
 * r^gamma (1 - y) p, -r^gamma y (1 - p) and gamma r^(gamma - 1) p (1 - p) (1 - 2y) BCE.
 */
export function focalTruth(x: number, y: number, gamma: number, alpha: number | null): Truth {
  if (y === 0 || y === 1) return focalHardTruth(x, y, gamma, alpha);
  const weight = balance(y, alpha);
  const log = logMiss(x, y);
  const power = weight * Math.exp(gamma * log);
  const ce = bceTruth(x, y);
  const bend =
    weight * gamma * Math.exp((gamma - 1) * log - softplus(x) - softplus(-x)) * (1 - 2 * y) * ce.loss;
  return { loss: power * ce.loss, grad: power * ce.grad + bend, scale: power * ce.scale + Math.abs(bend) };
}
