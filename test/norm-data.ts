/** Gradient norms that make density hard, and everything the theorems speak of. */
import assert from "node:assert/strict";
import { density } from "../src/mod.ts";
import { random } from "./data.ts";
import fc from "./property.ts";
import { neighbour } from "./reference/float32.ts";

/** Norms with everything that can go wrong: ties, both ends, grid points, neighbours, subnormals. */
export const norm: fc.Arbitrary<number> = fc.oneof(
  fc.float({ min: 0, max: 1, noNaN: true }).map(Math.abs),
  fc.integer({ min: 0, max: 64 }).map((k) => k / 64),
  fc.integer({ min: 0, max: 60 }).map((k) => Math.fround(k / 60)),
  fc.constantFrom(0, 1, 1 - 2 ** -24, 2 ** -149, 2 ** -24, 0.5),
  fc
    .tuple(fc.integer({ min: 1, max: 59 }), fc.integer({ min: -2, max: 2 }))
    .map(([k, d]) => neighbour(Math.fround(k / 60), d)),
);
export const norms: fc.Arbitrary<Float32Array<ArrayBuffer>> = fc
  .array(norm, { minLength: 0, maxLength: 70, size: "max" })
  .map((v) => Float32Array.from(v));
export const some: fc.Arbitrary<Float32Array<ArrayBuffer>> = norms.filter((g) => g.length > 0);
export const width: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 60 }).map((m) => 1 / m),
  fc.integer({ min: 0, max: 30 }).map((k) => 2 ** -k),
  fc.double({ min: 1e-9, max: 1, noNaN: true }),
  fc.constantFrom(1, 0.1, 2 / 3, 1 - 2 ** -53, 1e-30, 2 ** -148),
);

export function near(got: number, want: number, bound: number, what: string): void {
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want), `${what}: got ${got}, want ${want}`);
}

export function uniform(n: number, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => Math.floor(next() * 2 ** 24) / 2 ** 24);
}

/** Everything the theorems speak of, for one data set. */
export function measure(
  g: Float32Array,
  bins: number,
): {
  e: number;
  exact: ReturnType<typeof density.exact>;
  regions: ReturnType<typeof density.histogram>;
  other: (i: number) => number;
  rho: (i: number) => number;
} {
  const exact = density.exact(g, { width: 1 / bins });
  const regions = density.histogram(g, { bins });
  const all = new Array<number>(bins).fill(0);
  for (const v of g) all[Math.min(Math.floor(v * bins), bins - 1)]++;
  const other = (i: number): number => {
    const j = Math.min(Math.floor(g[i] * bins), bins - 1);
    const d = g[i] * bins - (j + 0.5);
    return d === 0 ? 0 : (all[j + Math.sign(d)] ?? 0);
  };
  return { e: 1 / bins, exact, regions, other, rho: (i) => exact.density[i] / regions.density[i] };
}
