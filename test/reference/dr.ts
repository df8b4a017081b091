/** DR loss from its definition, in float64, with weights shifted by the largest exponent. */

export interface DrParams {
  classes: number;
  lambdaPos?: number;
  lambdaNeg?: number;
  scale?: number;
  tau?: number;
  margin?: number;
}

export interface DrTruth {
  loss: number;
  grad: Float64Array;
  /** For each gradient, the sum of the sizes of its terms. */
  terms: Float64Array;
  pPos: number;
  pNeg: number;
}

/** sigmoid(x) and sigmoid(-x). */
function both(x: number): [number, number] {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? [e / (1 + e), 1 / (1 + e)] : [1 / (1 + e), e / (1 + e)];
}

interface Expectation {
  mean: number;
  weights: number[];
}

/** Normalized weights e^(t p) and the mean of p under them. */
function expectation(scores: number[], t: number, none: number): Expectation {
  if (scores.length === 0) return { mean: none, weights: [] };
  // From the score that weighs most: the difference of two scores is exact where it matters.
  const peak = scores.reduce((a, b) => (t > 0 ? Math.max(a, b) : Math.min(a, b)));
  const raw = scores.map((p) => Math.exp(t * (p - peak)));
  const sum = raw.reduce((a, b) => a + b);
  const weights = raw.map((w) => w / sum);
  return { mean: peak + scores.reduce((a, p, i) => a + weights[i] * (p - peak), 0), weights };
}

/** `labels` as in `drLoss`: 0 is background, below 0 ignored. */
export function drLoss(logits: ArrayLike<number>, labels: ArrayLike<number>, params: DrParams): DrTruth {
  const {
    classes,
    lambdaPos = 1,
    lambdaNeg = 0.1 / Math.log(3.5),
    scale = 6,
    tau = 4,
    margin = 0.5,
  } = params;
  const positives: number[] = [];
  const negatives: number[] = [];
  for (let i = 0; i < logits.length; i++) {
    const label = labels[Math.floor(i / classes)];
    if (label >= 0) (label === (i % classes) + 1 ? positives : negatives).push(i);
  }
  const scores = (side: number[]): number[] => side.map((i) => both(logits[i])[0]);
  const plus = expectation(scores(positives), -1 / lambdaPos, 1);
  const minus = expectation(scores(negatives), 1 / lambdaNeg, 0);
  const z = scale * (minus.mean - plus.mean + margin);
  const loss = (tau / scale) * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))));
  const c = tau * both(z)[0];
  const grad = new Float64Array(logits.length);
  const terms = new Float64Array(logits.length);
  const sides: [number[], Expectation, number, number][] = [
    [negatives, minus, 1, lambdaNeg],
    [positives, plus, -1, lambdaPos],
  ];
  for (const [side, { mean, weights }, sign, lambda] of sides) {
    side.forEach((i, k) => {
      const [p, rest] = both(logits[i]);
      const unit = c * weights[k] * p * rest;
      grad[i] = sign * unit * (1 + (sign * (p - mean)) / lambda);
      terms[i] = unit * (1 + (p + mean) / lambda);
    });
  }
  return { loss, grad, terms, pPos: plus.mean, pNeg: minus.mean };
}
