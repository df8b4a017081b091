/** The density kernels called directly: memory laid out by hand, padding spoiled, everything behind it watched. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Kernels {
  readonly memory: WebAssembly.Memory;
  windowScratch(n: number): number;
  windowCounts(n: number, g: number, width: number, counts: number, scratch: number): void;
  exactDensity(
    n: number,
    g: number,
    counts: number,
    width: number,
    density: number,
    beta: number,
    total: number,
  ): void;
  exactScale(n: number, values: number, g: number, counts: number, width: number, out: number): void;
  fineHistogram(n: number, g: number, scale: number, bins: number, counts: number): void;
  prefixSum(bins: number, counts: number, cumulative: number): void;
  bracket(
    ...args: [
      n: number,
      g: number,
      width: number,
      scale: number,
      bins: number,
      cumulative: number,
      lower: number,
      upper: number,
      estimate: number,
    ]
  ): void;
}

export function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

const module: WebAssembly.Module = new WebAssembly.Module(readFileSync(join(root(), "build", "kernel.wasm")));
const kernels: Kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
const start: number = kernels.memory.buffer.byteLength;
const CANARY = 0x5a;
let top = start;
let guards: number[] = [];

/** `bytes` and 64 more that kernels may touch, all NaN or negative, and 64 that they may not. */
function alloc(bytes: number): number {
  const at = top;
  const pad = at + Math.ceil(bytes / 16) * 16;
  top = pad + 128;
  const missing = top - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / 65536));
  new Uint8Array(kernels.memory.buffer, at, pad + 64 - at).fill(0xff);
  new Uint8Array(kernels.memory.buffer, pad + 64, 64).fill(CANARY);
  guards.push(pad + 64);
  return at;
}

function put(values: Float32Array | Uint32Array): number {
  const at = alloc(values.byteLength);
  new Uint8Array(kernels.memory.buffer, at, values.byteLength).set(
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  return at;
}

function within<T>(work: () => T): T {
  top = start;
  guards = [];
  const result = work();
  for (const at of guards) {
    if (new Uint8Array(kernels.memory.buffer, at, 64).some((byte) => byte !== CANARY)) {
      throw new Error(`Cannot trust the kernel: bytes at ${at - start} must stay, got others`);
    }
  }
  return result;
}

const u32 = (at: number, n: number): Uint32Array => new Uint32Array(kernels.memory.buffer, at, n).slice();
const f64 = (at: number, n: number): Float64Array => new Float64Array(kernels.memory.buffer, at, n).slice();

export function windowCounts(g: Float32Array, width: number): Uint32Array {
  return within(() => {
    const n = g.length;
    const [from, counts, scratch] = [put(g), alloc(4 * n), alloc(kernels.windowScratch(n) >>> 0)];
    kernels.windowCounts(n, from, width, counts, scratch);
    return u32(counts, n);
  });
}

export function exactDensity(
  g: Float32Array,
  counts: Uint32Array,
  width: number,
  wanted: { density: boolean; beta: boolean } = { density: true, beta: true },
): { density: Float64Array; beta: Float64Array } {
  return within(() => {
    const n = g.length;
    const [from, c] = [put(g), put(counts)];
    const [density, beta] = [wanted.density ? alloc(8 * n) : 0, wanted.beta ? alloc(8 * n) : 0];
    kernels.exactDensity(n, from, c, width, density, beta, n);
    return { density: f64(density, density ? n : 0), beta: f64(beta, beta ? n : 0) };
  });
}

export function exactScale(
  values: Float32Array,
  g: Float32Array,
  counts: Uint32Array,
  width: number,
): Float32Array {
  return within(() => {
    const at = put(values);
    kernels.exactScale(g.length, at, put(g), put(counts), width, at);
    return new Float32Array(kernels.memory.buffer, at, g.length).slice();
  });
}

/** The histogram of `chunks`, one call each. */
export function fineHistogram(chunks: Float32Array[], scale: number, bins: number): Uint32Array {
  return within(() => {
    const counts = put(new Uint32Array(bins));
    for (const g of chunks) kernels.fineHistogram(g.length, put(g), scale, bins, counts);
    return u32(counts, bins);
  });
}

export interface Bracket {
  readonly lower: Uint32Array;
  readonly upper: Uint32Array;
  readonly estimate: Float64Array;
}

export function bracket(g: Float32Array, width: number, scale: number, histogram: Uint32Array): Bracket {
  return within(() => {
    const n = g.length;
    const bins = histogram.length;
    const [from, counts, cumulative] = [put(g), put(histogram), alloc(4 * bins + 4)];
    const [lower, upper, estimate] = [alloc(4 * n), alloc(4 * n), alloc(8 * n)];
    kernels.prefixSum(bins, counts, cumulative);
    kernels.bracket(n, from, width, scale, bins, cumulative, lower, upper, estimate);
    return { lower: u32(lower, n), upper: u32(upper, n), estimate: f64(estimate, n) };
  });
}
