const LN2_HIGH = 0.6931471803691238; // the first 33 bits of ln 2, so that k times it is exact
const LN2_LOW = 1.9082149292705877e-10;

/** 2 atanh(s) for |s| <= 0.172, by its series: the first term left out is below 2^-60 of the sum. */
export function twiceAtanh(s: number): number {
  const z = s * s;
  let tail = 0;
  for (let k = 23; k >= 3; k -= 2) tail = (tail + 1 / k) * z;
  return 2 * s + 2 * s * tail;
}

/**
 * ln x with + - * / alone, so that its bits are the same on every engine; `Math.log` does not promise that.
 *
 * Domain: x > 0, a normal number. Error: 2 ulp (`test/analysis.test.ts`).
 * Method: x = 2^k f with f in [sqrt(1/2), sqrt 2], then 2 atanh((f - 1) / (f + 1)) + k ln 2 in two parts.
 */
export function logarithm(x: number): number {
  let f = x;
  let k = 0;
  while (f > Math.SQRT2) {
    f /= 2;
    k++;
  }
  while (f < Math.SQRT1_2) {
    f *= 2;
    k--;
  }
  return k * LN2_HIGH + (twiceAtanh((f - 1) / (f + 1)) + k * LN2_LOW);
}
