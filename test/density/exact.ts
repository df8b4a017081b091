/** Window counts decided in integers: every float is a multiple of 2^-1075 here, halves of widths included. */

const view: DataView = new DataView(new ArrayBuffer(8));
const ONE: bigint = 1n << 1075n;

/** x * 2^1075, exactly, for a finite float64 x >= 0. */
function units(x: number): bigint {
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  const exponent = bits >> 52n;
  const fraction = bits & 0xfffffffffffffn;
  return exponent ? (fraction | 0x10000000000000n) << exponent : fraction << 1n;
}

/** By comparing every sample with every other. */
export function bruteCounts(g: Float32Array, width: number): Uint32Array {
  const h = units(width) >> 1n;
  const all = Array.from(g, units);
  return Uint32Array.from(all, (c) => {
    const [from, to] = [c - h, c + h];
    return all.reduce((count, v) => (v >= from && (v < to || to >= ONE) ? count + 1 : count), 0);
  });
}

/** a - b against h, exactly: doubles where they cannot be wrong, integers elsewhere. */
function compare(a: number, b: number, h: number): number {
  const d = a - b - h;
  if (Math.abs(d) > 1e-15) return d;
  const exact = units(a) - units(b) - (units(2 * h) >> 1n);
  return exact > 0n ? 1 : exact < 0n ? -1 : 0;
}

/** By sorting and two pointers, for many samples. */
export function sortedCounts(g: Float32Array, width: number): Uint32Array {
  const n = g.length;
  const h = width / 2;
  const order = Uint32Array.from(g.keys()).sort((i, j) => g[i] - g[j]);
  const counts = new Uint32Array(n);
  let low = 0;
  let high = 0;
  for (const i of order) {
    while (low < n && compare(g[i], g[order[low]], h) > 0) low++;
    while (high < n && compare(g[order[high]], g[i], h) < 0) high++;
    counts[i] = (compare(1, g[i], h) <= 0 ? n : high) - low;
  }
  return counts;
}

/** The float32 after x >= 0 by `steps`. */
export function nextFloat(x: number, steps = 1): number {
  const bits = new Int32Array(Float32Array.of(x).buffer);
  bits[0] = Math.min(Math.max(bits[0] + steps, 0), 0x3f800000);
  return new Float32Array(bits.buffer)[0];
}

/** The float64 after x > 0 by `steps`. */
export function nextDouble(x: number, steps = 1): number {
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + BigInt(steps));
  return view.getFloat64(0);
}
