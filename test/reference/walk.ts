/** Walks the bit patterns of a domain through a function of the probe and finds the worst result. */
import type { Primitive } from "./primitives.ts";

export type Kernel = (n: number, x: number, y: number, ...more: number[]) => void;

export interface Probe {
  memory: WebAssembly.Memory;
  [name: string]: WebAssembly.ExportValue;
}

export interface Worst {
  ulp: number;
  at: number;
  /** Largest relative error in units of 2^-24, over results that are normal float32. */
  relative: number;
  points: number;
}

const BLOCK = 1 << 15;
const X = 1 << 16;
const Y = X + BLOCK * 8;

export function instantiate(bytes: BufferSource): Probe {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Probe;
}

/** y = f(x) for float32 or float64 arrays of any length up to a block. */
export function apply<A extends Float32Array | Float64Array>(
  probe: Probe,
  name: string,
  x: A,
  ...more: number[]
): A {
  const Kind = x.constructor as new (buffer: ArrayBufferLike, at: number, length: number) => A;
  new Kind(probe.memory.buffer, X, x.length).set(x);
  (probe[name] as Kernel)(x.length, X, Y, ...more);
  return new Kind(probe.memory.buffer, Y, x.length).slice() as A;
}

export function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0];
}

export function worst(probe: Probe, row: Primitive, stride: number): Worst {
  const result: Worst = { ulp: 0, at: Number.NaN, relative: 0, points: 0 };
  for (const [from, to] of row.domain) {
    const end = bitsOf(to);
    for (let start = bitsOf(from); start <= end; start += stride * BLOCK) {
      const count = Math.min(BLOCK, Math.floor((end - start) / stride) + 1);
      const bits = Uint32Array.from({ length: count }, (_, i) => start + i * stride);
      judge(row, new Float32Array(bits.buffer), probe, result);
    }
  }
  return result;
}

function judge(row: Primitive, x: Float32Array, probe: Probe, result: Worst): void {
  const y = apply(probe, row.name, x);
  for (let i = 0; i < x.length; i++) {
    const truth = row.truth(x[i]);
    const ulp = row.distance(y[i], truth);
    if (ulp > result.ulp) {
      result.ulp = ulp;
      result.at = x[i];
    }
    if (truth >= 2 ** -126)
      result.relative = Math.max(result.relative, (Math.abs(y[i] - truth) / truth) * 2 ** 24);
  }
  result.points += x.length;
}
