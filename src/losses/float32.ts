/** Numbers as the float32 that kernels take, in ways that give the same bits on every engine. */

/** What a value loses when it is rounded to float32. */
export function lost(value: number): number {
  return value - Math.fround(value);
}

const pattern: Int32Array<ArrayBuffer> = /* @__PURE__ */ new Int32Array(1);
const single: Float32Array<ArrayBuffer> = /* @__PURE__ */ new Float32Array(pattern.buffer);

/** The upper twelve bits of a float32: its product with twelve other bits is exact. */
function head(value: number): number {
  single[0] = value;
  pattern[0]! &= ~0xfff;
  return single[0];
}

/** A factor as a kernel takes it whose product must be exact: rounded, its upper bits, and all the others. */
export function factor(value: number): [rounded: number, head: number, rest: number] {
  return [Math.fround(value), head(value), value - head(value)];
}

/** The smallest float32 that is not below a value. */
export function ceiling(value: number): number {
  single[0] = value;
  if (single[0] < value) pattern[0]! += value > 0 ? 1 : -1;
  return single[0];
}

/**
 * log(p / (1 - p)) for p in (0, 1), within 2^-50 of itself, by + - * / alone. Exactly 0 at 1/2.
 *
 * With p / (1 - p) = 2^k r it is k log 2 + 2 atanh((r - 1) / (r + 1)); near p = 1/2 that is 2 atanh(2p - 1), where
 * the difference is exact, as 1 - p is not.
 */
export function logit(p: number): number {
  let rest = 1 - p;
  let k = 0;
  for (; p > rest * 1.5; k++) rest *= 2;
  for (; rest > p * 1.5; k--) rest /= 2;
  const s = k === 0 ? 2 * p - 1 : (p - rest) / (p + rest);
  const square = s * s;
  let sum = 0;
  for (let n = 27; n > 1; n -= 2) sum = (sum + 1 / n) * square;
  return k * Math.LN2 + 2 * (s + s * sum);
}
