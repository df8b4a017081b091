/** log(1 + e^t). The exponent is never positive and no term is subtracted. */
export function softplus(t: number): number {
  return Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
}

/** 1 / (1 + e^-t). */
export function sigmoid(t: number): number {
  const e = Math.exp(-Math.abs(t));
  return t >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** Signed margin of a hard target: positive where the logit is on the right side. */
export function margin(x: number, y: number): number {
  return y === 1 ? x : -x;
}
