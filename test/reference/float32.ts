/** float32 numbers by their bits: spacing, neighbours, walks. */
const f64: Float64Array<ArrayBuffer> = new Float64Array(1);
const words: Uint32Array<ArrayBuffer> = new Uint32Array(f64.buffer);
const f32: Float32Array<ArrayBuffer> = new Float32Array(1);
const bits: Uint32Array<ArrayBuffer> = new Uint32Array(f32.buffer);

/** The smallest normal float32: below it a result may flush to 0. */
export const MIN_NORMAL = 1.1754943508222875e-38;
export const MAX_FLOAT32 = 3.4028234663852886e38;

const POWERS: Float64Array = Float64Array.from({ length: 512 }, (_, k) => 2 ** (k - 256));

/** Spacing of the float32 numbers around a value, which need not be one of them. */
export function ulp(value: number): number {
  f64[0] = value;
  const exponent = ((words[1] >>> 20) & 0x7ff) - 1023;
  return POWERS[Math.min(Math.max(exponent, -126), 127) - 23 + 256];
}

/** The float32 with these bits. */
export function fromBits(pattern: number): number {
  bits[0] = pattern;
  return f32[0];
}

/** The bits of a float32. */
export function toBits(value: number): number {
  f32[0] = value;
  return bits[0];
}

/** The float32 that is `steps` representable numbers away, in the order of the real line. */
export function neighbour(value: number, steps: number): number {
  const pattern = toBits(value);
  const order = pattern >= 0x80000000 ? 0x80000000 - pattern : pattern;
  const moved = order + steps;
  return fromBits(moved < 0 ? 0x80000000 - moved : moved);
}

/** Finite float32 values at a stride of bit patterns: every exponent is visited, both signs. */
export function walk(stride: number): Float32Array {
  const found: number[] = [];
  for (let pattern = 0; pattern < 0x7f800000; pattern += stride) {
    found.push(fromBits(pattern), fromBits(pattern + 0x80000000));
  }
  return Float32Array.from(found);
}
