import { CHUNK, reserve, views } from "../arena.ts";
import { array, options as checkOptions, disjoint, length, number, outputs } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";

export interface WindowOptions {
  /** Width of the window around each sample, in (0, 1]; default 1/30. */
  readonly width?: number | undefined;
}

export interface Density {
  /** How many samples lie in each sample's window or region. */
  counts: Uint32Array;
  /** Gradient density: that count per unit of g. */
  density: Float64Array;
  /** Weight of each sample: N / density. */
  beta: Float64Array;
}

const ONE = 0x3f800000;

/** Throws unless `g` is a Float32Array of finite values in [0, 1]; they are left at `address`. */
export function copyNorms(task: string, g: Float32Array, address: number, report: number, offset = 0): void {
  const { f32, u32 } = views();
  f32.set(g, address >>> 2);
  kernel.surveySoft(g.length, address, report);
  if (u32[report >>> 2]! <= ONE) return;
  const i = g.findIndex((value) => !(value >= 0 && value <= 1));
  throw new RangeError(
    `Cannot ${task}: expected gradient norms in [0, 1], got ${g[i]} at index ${offset + i}`,
  );
}

export function checkNorms(task: string, g: unknown): asserts g is Float32Array {
  array<Float32Array>(task, "g", g, ["Float32Array"]);
}

export function checkWidth(task: string, value: unknown): number {
  return value === undefined ? 1 / 30 : number(task, "width", value, 0, 1, true);
}

/** Addresses of the samples, their window counts and room for one chunk of float64 twice. */
export interface Windows {
  readonly g: number;
  readonly counts: number;
  readonly wide: readonly [number, number];
}

/** Rooms for n samples and their counts, from `free` on. Throws where they do not fit a 32-bit memory. */
export function windowRooms(task: string, n: number, free?: number): Windows & { scratch: number } {
  const scratchBytes = kernel.windowScratch(n) >>> 0;
  if (n * 8 + scratchBytes > 3.9e9 || n > 1.5e8) {
    throw new RangeError(`Cannot ${task}: expected at most 150000000 samples at a time, got ${n}`);
  }
  const wide = Math.min(n, CHUNK) * 8;
  const [g, counts, a, b, scratch] = reserve([n * 4, n * 4, wide, wide, scratchBytes], free) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { g, counts, wide: [a, b], scratch };
}

interface Outputs {
  counts?: Uint32Array | undefined;
  density?: Float64Array | undefined;
  beta?: Float64Array | undefined;
}

function checkOutputs(task: string, out: Outputs, g: Float32Array): void {
  outputs(task, out, ["counts", "density", "beta"]);
  const { counts, density, beta } = out;
  const n = g.length;
  if (counts !== undefined) {
    array(task, "counts", counts, ["Uint32Array"]);
    length(task, "counts", counts.length, n);
  }
  if (density !== undefined) {
    array(task, "density", density, ["Float64Array"]);
    length(task, "densities", density.length, n);
  }
  if (beta !== undefined) {
    array(task, "beta", beta, ["Float64Array"]);
    length(task, "weights", beta.length, n);
  }
  disjoint(
    task,
    [
      ["counts", counts],
      ["density", density],
      ["beta", beta],
      ["g", g],
    ],
    3,
  );
}

/** The exact density without allocation, see `exact`. */
export function exactInto(out: Outputs, g: Float32Array, options?: WindowOptions): void {
  const task = "compute the exact density";
  checkNorms(task, g);
  checkOptions(task, options, ["width"]);
  const width = checkWidth(task, options?.width);
  const n = g.length;
  checkOutputs(task, out, g);
  if (n === 0) return;
  const rooms = windowRooms(task, n);
  copyNorms(task, g, rooms.g, rooms.scratch);
  kernel.windowCounts(n, rooms.g, width, rooms.counts, rooms.scratch);
  const { u32, f64 } = views();
  out.counts?.set(u32.subarray(rooms.counts >>> 2, (rooms.counts >>> 2) + n));
  if (!out.density && !out.beta) return;
  const [density, beta] = rooms.wide;
  for (let from = 0; from < n; from += CHUNK) {
    const size = Math.min(CHUNK, n - from);
    kernel.exactDensity(size, rooms.g + from * 4, rooms.counts + from * 4, width, density, beta, n);
    out.density?.set(f64.subarray(density >>> 3, (density >>> 3) + size), from);
    out.beta?.set(f64.subarray(beta >>> 3, (beta >>> 3) + size), from);
  }
}

/**
 * The exact gradient density of each sample, O(N log N).
 *
 * counts: samples in [g - width/2, g + width/2), closed at 1 where it reaches 1, decided as in exact arithmetic;
 * density: that count divided by the length of the window inside [0, 1]; beta: N / density.
 *
 * @param g shape [n], finite, in [0, 1]
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for a g outside [0, 1], by index, a width outside (0, 1], or more than 150000000 samples
 *
 * Error: none in the counts, 2^-52 relative in density, 1.5 x 2^-52 in beta.
 * A window so narrow that a density exceeds float64 has the density Infinity: below 1e-300.
 * Source: Li et al. 2018 (arXiv 1811.05181), equations 6 to 8; the closure at 1 is ours, see docs/density.md.
 */
export function exact(g: Float32Array, options?: WindowOptions): Density {
  checkNorms("compute the exact density", g);
  const n = g.length;
  const out: Density = {
    counts: new Uint32Array(n),
    density: new Float64Array(n),
    beta: new Float64Array(n),
  };
  exactInto(out, g, options);
  return out;
}
