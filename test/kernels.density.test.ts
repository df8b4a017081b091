import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { bruteCounts, nextDouble, nextFloat, sortedCounts } from "./density/exact.ts";
import { bracket, exactDensity, exactScale, fineHistogram, root, windowCounts } from "./density/kernels.ts";

const WIDTHS: number[] = [
  1 / 30,
  0.25,
  1,
  0.3,
  1e-12,
  2 ** -149,
  1e-310,
  5e-324,
  nextDouble(0.25),
  nextDouble(0.25, -1),
];
const width: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(...WIDTHS),
  fc.integer({ min: 1, max: 300 }).map((m) => 1 / m),
  fc.double({ min: 5e-324, max: 1, noNaN: true }),
  fc.float({ min: 2 ** -149, max: 1, noNaN: true }),
);
const anyFloat: fc.Arbitrary<number> = fc
  .integer({ min: 0, max: 0x3f800000 })
  .map((steps) => nextFloat(0, steps));

/** Samples that sit on and one step beside the borders of each other's windows, at 0, at 1, and among the subnormals. */
function samples(w: number, maxLength: number): fc.Arbitrary<Float32Array> {
  const grid = fc
    .record({ k: fc.integer({ min: 0, max: 64 }), step: fc.integer({ min: -1, max: 1 }) })
    .map(({ k, step }) => nextFloat(Math.min((k * w) / 2, 1), step));
  const value = fc.oneof(
    fc.constantFrom(0, -0, 1, 0.5, 2 ** -149, nextFloat(1, -1)),
    fc.constantFrom(0.125, 0.25, 0.375),
    grid,
    grid.map((v) => Math.fround(1 - v)),
    anyFloat,
    fc.float({ min: 0, max: 1, noNaN: true }),
  );
  return fc.array(value, { maxLength, size: "max" }).map((values) => Float32Array.from(values));
}
const batch: fc.Arbitrary<{ w: number; g: Float32Array }> = width.chain((w) =>
  samples(w, 70).map((g) => ({ w, g })),
);

/** A small generator with a fixed seed, uniform in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function filled(n: number, value: (next: () => number, i: number) => number): Float32Array {
  const next = uniform(n + 1);
  return Float32Array.from({ length: n }, (_, i) => value(next, i));
}

test("window counts equal brute force in integers, for every kind of sample and width", () => {
  fc.assert(
    fc.property(batch, ({ w, g }) => assert.deepEqual(windowCounts(g, w), bruteCounts(g, w))),
    { numRuns: 3000 },
  );
});

test("window counts at every length from 0 to 70", () => {
  for (let n = 0; n <= 70; n++) {
    const g = filled(n, (next, i) => (i % 3 ? next() : Math.floor(next() * 8) / 8));
    for (const w of WIDTHS) assert.deepEqual(windowCounts(g, w), bruteCounts(g, w), `n ${n}, width ${w}`);
  }
});

test("window counts of 1000 samples: uniform, tied, squeezed, subnormal", () => {
  const sets = [
    filled(1000, (next) => next()),
    filled(1000, (next) => Math.floor(next() * 4) / 4),
    filled(1000, (next) => 0.25 + next() * 1e-6),
    filled(1000, (next) => next() * 1e-42),
  ];
  for (const g of sets) {
    for (const w of [1 / 30, 0.5, 1e-7])
      assert.deepEqual(windowCounts(g, w), bruteCounts(g, w), `width ${w}`);
  }
});

test("window counts of 100000 samples, heavy ties among them, equal sort and two pointers", () => {
  const n = 100000;
  const sets = [
    filled(n, (next) => next()),
    filled(n, (next) => next() ** 8),
    filled(n, (next) => Math.floor(next() * 60) / 60),
    filled(n, (next) => (next() < 0.5 ? 0 : 1)),
    filled(n, () => 0.5),
    filled(n, (_, i) => (i === 0 ? 0 : 0.5)),
  ];
  for (const g of sets) {
    for (const w of [1 / 30, 1]) assert.deepEqual(windowCounts(g, w), sortedCounts(g, w), `width ${w}`);
  }
});

interface Golden {
  readonly name: string;
  readonly params: { readonly epsFloat64: number };
  readonly input: { readonly g?: number[] };
  readonly expected: { readonly float64: Record<string, number[]> };
}

const golden: Golden[] = JSON.parse(
  readFileSync(join(root(), "test", "golden", "oracle.exact_density.json"), "utf8"),
).cases;

function relative(got: number, want: number): number {
  return Math.abs(got - want) / want;
}

test("counts, density and beta equal the golden rows made in rational arithmetic", () => {
  let rows = 0;
  for (const { name, params, input, expected } of golden) {
    if (!input.g) continue;
    const w = params.epsFloat64;
    const g = Float32Array.from(input.g);
    const want = expected.float64;
    const counts = windowCounts(g, w);
    assert.deepEqual(Array.from(counts), want.countHalfOpenClosedAt1 ?? want.countHalfOpen, name);
    const { density, beta } = exactDensity(g, Uint32Array.from(want.countHalfOpen), w);
    g.forEach((_, i) => {
      assert.ok(relative(density[i], want.densityHalfOpen[i]) <= 3e-16, `${name} density ${i}`);
      assert.ok(relative(beta[i], want.betaHalfOpen[i]) <= 4.5e-16, `${name} beta ${i}`);
    });
    rows++;
  }
  assert.equal(rows, 68);
});

test("counts equal the golden rows of 4096 samples", () => {
  const data = (name: string): ArrayBuffer => {
    const file = new Uint8Array(readFileSync(join(root(), "test", "golden", "npy", `density_${name}.npy`)));
    return file.slice(10 + file[8] + 256 * file[9]).buffer;
  };
  for (const [name, w] of [
    ["dense_4096", 1 / 30],
    ["ties_4096", 1 / 64],
  ] as const) {
    const g = new Float32Array(data(`${name}_g`));
    const ones = g.filter((v) => v === 1).length;
    // The rows leave 1 out of a window that ends there; here it is closed.
    const want = new Int32Array(data(`${name}_count_halfopen`)).map(
      (v, i) => v + (g[i] + w / 2 === 1 ? ones : 0),
    );
    assert.deepEqual(Array.from(windowCounts(g, w)), Array.from(want), name);
  }
});

test("density and beta keep their precision for narrow windows and come alone or together", () => {
  fc.assert(
    fc.property(batch, ({ w, g }) => {
      const counts = windowCounts(g, w);
      const both = exactDensity(g, counts, w);
      g.forEach((c, i) => {
        const length = Math.min(w / 2, 1 - c) + Math.min(w / 2, Math.abs(c));
        assert.equal(both.density[i], counts[i] / length);
        assert.equal(both.beta[i], (g.length * length) / counts[i]);
      });
      assert.deepEqual(exactDensity(g, counts, w, { density: true, beta: false }).density, both.density);
      assert.deepEqual(exactDensity(g, counts, w, { density: false, beta: true }).beta, both.beta);
    }),
  );
});

test("scaled values are value times length over count, rounded to float32 once", () => {
  fc.assert(
    fc.property(batch, fc.float({ min: -100, max: 100, noNaN: true }), ({ w, g }, factor) => {
      const counts = windowCounts(g, w);
      const values = g.map((v, i) => factor * v + i);
      const got = exactScale(values, g, counts, w);
      g.forEach((c, i) => {
        const length = Math.min(w / 2, 1 - c) + Math.min(w / 2, Math.abs(c));
        assert.equal(got[i], Math.fround(values[i] * (length / counts[i])));
      });
    }),
  );
});

test("fine histograms bin by the floor of the double product and add up over chunks", () => {
  const shape = fc.record({
    scale: fc.double({ min: 0.5, max: 5000, noNaN: true }),
    bins: fc.integer({ min: 1, max: 4000 }),
  });
  fc.assert(
    fc.property(samples(1 / 30, 70), samples(1 / 30, 9), shape, (a, b, { scale, bins }) => {
      const want = new Uint32Array(bins);
      for (const v of [...a, ...b]) want[Math.min(Math.floor(Math.abs(v) * scale), bins - 1)]++;
      assert.deepEqual(fineHistogram([a, b], scale, bins), want);
    }),
  );
});

const shapes: fc.Arbitrary<{ w: number; g: Float32Array; refine: number; cap: number }> = fc
  .record({ refine: fc.integer({ min: 1, max: 64 }), cap: fc.integer({ min: 1, max: 5000 }), batch })
  .map(({ batch: { w, g }, refine, cap }) => ({ w, g, refine, cap }));

test("the bracket holds the exact count for every width, refinement and cap on the bins", () => {
  let exact = 0;
  let loose = 0;
  fc.assert(
    fc.property(shapes, ({ w, g, refine, cap }) => {
      const bins = Math.min(Math.ceil((2 * refine) / w), cap);
      const scale = bins === cap ? bins : (2 * refine) / w;
      const { lower, upper, estimate } = bracket(g, w, scale, fineHistogram([g], scale, bins));
      bruteCounts(g, w).forEach((count, i) => {
        assert.ok(
          lower[i] >= 1 && lower[i] <= count && count <= upper[i],
          `${lower[i]} ${count} ${upper[i]}`,
        );
        assert.ok(lower[i] <= estimate[i] && estimate[i] <= upper[i], `estimate ${estimate[i]}`);
        exact += Number(lower[i] === upper[i]);
        loose += Number(lower[i] < upper[i]);
      });
    }),
    { numRuns: 2000 },
  );
  assert.ok(exact > 100 && loose > 100, "some brackets are exact and some are not");
});

test("the bracket is the sums of T5, tighter only where a window ends on a bin's border", () => {
  const exact = fc.record({
    power: fc.integer({ min: 0, max: 6 }),
    refine: fc.constantFrom(1, 2, 4, 8, 16, 64),
  });
  const sets = exact.chain((e) => samples(2 ** -e.power, 60).map((g) => ({ ...e, g })));
  let inside = 0;
  fc.assert(
    fc.property(sets, ({ power, refine, g }) => {
      const bins = 2 * refine * 2 ** power;
      const histogram = fineHistogram([g], bins, bins);
      const part = (j: number): number => (j < 0 || j >= bins ? 0 : histogram[j]);
      const sum = (from: number, to: number): number =>
        histogram.subarray(Math.max(from, 0), Math.max(to + 1, 0)).reduce((a, b) => a + b, 0);
      const { lower, upper, estimate } = bracket(g, 2 ** -power, bins, histogram);
      Array.from(g, Math.abs).forEach((c, i) => {
        const k = Math.min(Math.floor(c * bins), bins - 1);
        const f = c * bins - k;
        const step = bins * 2 ** -23; // two float32 steps near 1, in bins
        const least = sum(k - refine + 1, k + refine - 1);
        const most = sum(k - refine, k + refine);
        assert.ok(lower[i] >= least && upper[i] <= most);
        if (f < step || f > 1 - step) return;
        const guess = least + (1 - f) * part(k - refine) + f * part(k + refine);
        assert.deepEqual([lower[i], upper[i]], [Math.max(least, 1), most]);
        assert.ok(Math.abs(estimate[i] - Math.max(guess, 1)) <= 1e-9, `${estimate[i]} ${guess}`);
        inside++;
      });
    }),
    { numRuns: 500 },
  );
  assert.ok(inside > 100, "many windows end inside bins");
});

test("the bracket of a saturated batch is never looser than T5, whatever the number of bins", () => {
  for (let m = 1; m <= 256; m++) {
    const [w, refine] = [1 / m, 8];
    const scale = (2 * refine) / w;
    const bins = Math.ceil(scale);
    const g = filled(300, (next, i) => [0, 1, Math.fround(w), Math.fround(1 - w), next()][i % 5]);
    const histogram = fineHistogram([g], scale, bins);
    const { lower, upper } = bracket(g, w, scale, histogram);
    const sum = (from: number, to: number): number =>
      histogram.subarray(Math.max(from, 0), to + 1).reduce((a, b) => a + b, 0);
    assert.ok(lower[0] >= sum(0, refine - 1) && upper[0] <= sum(0, refine), `bins ${m}, at 0`);
    const k = bins - 1;
    assert.ok(lower[1] >= sum(k - refine + 1, k) && upper[1] <= sum(k - refine, k), `bins ${m}, at 1`);
    const counts = bruteCounts(g, w);
    assert.ok(counts.every((count, i) => lower[i] <= count && count <= upper[i]));
  }
});
