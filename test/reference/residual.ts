/** Losses of a residual d = prediction - target in f64, from their papers; no term is a difference of large numbers. */
import type { Truth } from "./pointwise.ts";

/** Girshick 2015, eq. 3, with the division point beta; at d = 0 the slope is 0 for beta = 0 too. */
export function smoothL1Truth(d: number, beta: number): Truth {
  const size = Math.abs(d);
  const slope = size < beta ? d / beta : Math.sign(d);
  const loss = size < beta ? (size / beta) * (size / 2) : size - beta / 2;
  return { loss, grad: slope, scale: Math.abs(slope) };
}

/** Li et al. 2018, eq. 13 and 14: sqrt(d^2 + mu^2) - mu, multiplied out. */
export function asl1Truth(d: number, mu: number): Truth {
  const root = Math.hypot(d, mu);
  const slope = d / root;
  return { loss: Math.abs(d) * (Math.abs(d) / (root + mu)), grad: slope, scale: Math.abs(slope) };
}
