/**
 * Losses of softmax rows in f64, from the papers. The label is set against the logsumexp of the others, so that nothing
 * cancels; a class with the logit -Infinity is not there.
 */
import { sigmoid, softplus } from "./logistic.ts";

/** A loss, its gradient, and per logit the sum of the absolute values of the gradient's terms. */
export interface RowTruth {
  loss: number;
  grad: number[];
  scale: number[];
  /** What the label lacks: logsumexp of the others less its logit. */
  margin: number;
  /** How far each logit is below the highest of the others. */
  gaps: number[];
}

interface Row {
  x: ArrayLike<number>;
  t: number;
  /** Classes that are there, the label aside. */
  others: number[];
  peak: number;
  sum: number;
  margin: number;
  /** Probabilities among the others. */
  shares: number[];
}

function read(x: ArrayLike<number>, t: number): Row {
  const others = Array.from(x, (_, k) => k).filter((k) => k !== t && x[k] !== -Infinity);
  const peak = others.reduce((most, k) => Math.max(most, x[k]), -Infinity);
  const sum = others.reduce((total, k) => total + Math.exp(x[k] - peak), 0);
  const shares = Array.from(x, (v, k) => (k !== t && v !== -Infinity ? Math.exp(v - peak) / sum : 0));
  const margin = others.length > 0 ? peak - x[t] + Math.log(sum) : -Infinity;
  return { x, t, others, peak, sum, margin, shares };
}

function done(row: Row, loss: number, grad: number[], scale?: number[]): RowTruth {
  return {
    loss,
    grad,
    scale: scale ?? grad.map(Math.abs),
    margin: row.margin,
    gaps: Array.from(row.x, (v) => (v === -Infinity ? 0 : Math.max(row.peak - v, 0))),
  };
}

/** Lifts f(v) with slope f'(v): the label gets -f', another class its share of f'. */
function lift(row: Row, loss: number, slope: number): RowTruth {
  const grad = row.shares.map((share) => share * slope);
  grad[row.t] = -slope;
  return done(row, loss, grad);
}

/** alpha (1 - p)^gamma (-log p). */
export function softmaxFocalTruth(x: ArrayLike<number>, t: number, gamma: number, alpha: number): RowTruth {
  const row = read(x, t);
  const v = row.margin;
  const fade = gamma === 0 ? alpha : alpha * Math.exp(-gamma * softplus(-v));
  return lift(
    row,
    fade * softplus(v),
    fade === 0 ? 0 : fade * (sigmoid(v) + gamma * sigmoid(-v) * softplus(v)),
  );
}

/** alpha softplus(gamma v - beta) / gamma. */
export function starTruth(
  x: ArrayLike<number>,
  t: number,
  gamma: number,
  beta: number,
  alpha: number,
): RowTruth {
  const row = read(x, t);
  const z = gamma * row.margin - beta;
  return lift(row, (alpha * softplus(z)) / gamma, alpha * sigmoid(z));
}

/** theta(margin - p) (-log p), with theta(0) = 1/2. */
export function hardTruncationTruth(x: ArrayLike<number>, t: number, margin: number): RowTruth {
  const row = read(x, t);
  const v = row.margin;
  const beyond = v - Math.log((1 - margin) / margin);
  const kept = beyond === 0 ? 0.5 : Number(beyond > 0);
  return lift(row, kept * softplus(v), kept * sigmoid(v));
}

/** sigmoid(k v) softplus(v). */
export function marginTruncationTruth(x: ArrayLike<number>, t: number, k: number): RowTruth {
  const row = read(x, t);
  const v = row.margin;
  const slope = sigmoid(k * v) * (k * sigmoid(-k * v) * softplus(v) + sigmoid(v));
  return lift(row, sigmoid(k * v) * softplus(v), slope);
}

/** softmax(-k x)_t (-log p_t). */
export function rivalTruncationTruth(x: ArrayLike<number>, t: number, k: number): RowTruth {
  const row = read(x, t);
  if (row.others.length === 0) return lift(row, 0, 0);
  const away = read(
    Array.from(x, (v) => (v === -Infinity ? v : -k * v)),
    t,
  );
  const r = sigmoid(-away.margin);
  const rest = sigmoid(away.margin);
  const l = softplus(row.margin);
  const grad = row.shares.map(
    (share, j) => r * (share * sigmoid(row.margin) + k * l * rest * away.shares[j]),
  );
  grad[t] = -r * (sigmoid(row.margin) + k * l * rest);
  return done(row, r * l, grad);
}

/** -sum_j t_j w_j log p_j, t smoothed, w_t = (1 - p_t)^gammaPos, w_j = p_j^gammaNeg. */
export function asymmetricTruth(
  x: ArrayLike<number>,
  t: number,
  gammaPos: number,
  gammaNeg: number,
  smoothing: number,
): RowTruth {
  const classes = x.length;
  const part = smoothing / classes;
  const own = softmaxFocalTruth(x, t, gammaPos, 1 - smoothing + part);
  const row = read(x, t);
  if (row.others.length === 0 || smoothing === 0) return own;
  const v = row.margin;
  const level = Math.log(row.sum) + softplus(-v);
  const miss = (k: number): number => level + (row.peak - x[k]);
  const turn = (k: number): number => Math.exp(-gammaNeg * miss(k)) * (1 - gammaNeg * miss(k));
  const terms = row.others.map((k) => Math.exp(-gammaNeg * miss(k)) * miss(k));
  const pull = row.others.reduce((sum, k) => sum + turn(k), 0);
  const pullScale = row.others.reduce((sum, k) => sum + Math.abs(turn(k)), 0);
  const grad = own.grad.slice();
  const scale = own.scale.slice();
  for (const k of row.others) {
    const p = row.shares[k] * sigmoid(v);
    grad[k] += part * (p * pull - turn(k));
    scale[k] += part * (p * pullScale + Math.exp(-gammaNeg * miss(k)) * (1 + gammaNeg * miss(k)));
  }
  grad[t] += part * sigmoid(-v) * pull;
  scale[t] += part * sigmoid(-v) * pullScale;
  return done(row, own.loss + part * terms.reduce((sum, v) => sum + v, 0), grad, scale);
}
