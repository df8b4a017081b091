/** The losses of one margin besides cross-entropy and focal, in f64, from the papers. Targets are 0 or 1. */
import { margin, sigmoid, softplus } from "./logistic.ts";
import { bceTruth, focalHardTruth, type Truth } from "./pointwise.ts";

/** A loss and the size of its slope: the slope falls with the margin. */
function truth(y: number, loss: number, scale: number): Truth {
  return { loss, grad: y === 1 ? -scale : scale, scale };
}

/** Lin et al. 2017, appendix A, with class weights as in the focal loss. */
export function focalStarTruth(
  x: number,
  y: number,
  gamma: number,
  beta: number,
  alpha: number | null,
): Truth {
  const z = -(gamma * margin(x, y) + beta);
  let weight = 1;
  if (alpha !== null) weight = y === 1 ? alpha : 1 - alpha;
  return truth(y, (weight * softplus(z)) / gamma, weight * sigmoid(z));
}

/** Su, 4733 and 4293: cross-entropy, nothing where p_t > m, half of it where p_t = m. */
export function hardTruncationTruth(x: number, y: number, m: number): Truth {
  const u = margin(x, y);
  // log(m / (1 - m)), where near m = 1/2 nothing is lost.
  const edge = m === 1 ? Infinity : 2 * Math.atanh(2 * m - 1);
  const theta = u === edge ? 0.5 : u < edge ? 1 : 0;
  const { loss, scale } = bceTruth(x, y);
  return truth(y, theta * loss, theta * scale);
}

/** Su, 4733: the step as a sigmoid, differentiated too. */
export function softTruncationTruth(x: number, y: number, k: number): Truth {
  const u = margin(x, y);
  const step = sigmoid(-k * u);
  const ce = softplus(-u);
  return truth(y, step * ce, step * (k * sigmoid(k * u) * ce + sigmoid(-u)));
}

export interface AsymmetricParams {
  gammaPos: number;
  gammaNeg: number;
  clip: number;
  detachFocus: boolean;
}

/** max(p - m, 0): as a difference, and near the clip as a product of hyperbolic functions. */
export function beyondClip(x: number, clip: number): number {
  if (clip === 0) return sigmoid(x);
  const edge = Math.log(clip / (1 - clip));
  const b = sigmoid(x) - clip;
  if (Math.abs(x - edge) > 1) return Math.max(b, 0);
  return Math.max(Math.sinh((x - edge) / 2) / (2 * Math.cosh(x / 2) * Math.cosh(edge / 2)), 0);
}

/** Ridnik et al. 2021, equations 3 to 5; `detachFocus` leaves the powers out of the derivative. */
export function asymmetricTruth(
  x: number,
  y: number,
  { gammaPos, gammaNeg, clip, detachFocus }: AsymmetricParams,
): Truth {
  const gamma = y === 1 ? gammaPos : gammaNeg;
  if (y === 1 || clip === 0) {
    const full = focalHardTruth(x, y, gamma, null);
    const fade = Math.exp(-gamma * softplus(margin(x, y))) * sigmoid(-margin(x, y));
    return detachFocus ? truth(y, full.loss, fade) : full;
  }
  const b = beyondClip(x, clip);
  if (b === 0) return truth(y, 0, 0);
  const rest = sigmoid(-x) + clip;
  const ce = b < 0.5 ? -Math.log1p(-b) : -Math.log(rest);
  const power = Math.exp(gamma * (b < 0.5 ? Math.log(b) : Math.log1p(-rest)));
  const inner = sigmoid(x) * sigmoid(-x);
  const bend = detachFocus ? 0 : (gamma * ce) / b;
  return truth(y, power * ce, power * inner * (1 / rest + bend));
}
