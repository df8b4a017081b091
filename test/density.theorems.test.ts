/** Approximate density against exact: the theorems that connect the two (docs/density.md). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { density, ghmc } from "../src/mod.ts";
import { batch, random } from "./data.ts";
import { measure, near, some } from "./norm-data.ts";
import fc from "./property.ts";

test("T1: at the centres of the bins the approximation is exact", () => {
  let differs = 0;
  fc.assert(
    fc.property(some, fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128, 256), (g, bins) => {
      const centres = Float32Array.from({ length: bins }, (_, j) => (j + 0.5) / bins);
      const { exact, regions } = measure(Float32Array.of(...centres, ...g), bins);
      for (let j = 0; j < bins; j++)
        assert.equal(exact.density[j], regions.density[j], `centre ${j} of ${bins}`);
      for (let i = bins; i < exact.density.length; i++)
        if (exact.density[i] !== regions.density[i]) differs++;
    }),
    { numRuns: 200 },
  );
  assert.ok(differs > 100, "elsewhere the two differ");
});

test("T2: inside, the counts bound the error of the approximation", () => {
  let strict = 0;
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 40 }), (g, bins) => {
      const { e, exact, regions, other, rho } = measure(g, bins);
      g.forEach((v, i) => {
        if (v < e / 2 || v > 1 - e / 2) return;
        const [n, r, o] = [exact.counts[i], Number(regions.counts[i]), other(i)];
        assert.ok(n >= 1 && n <= r + o, `${n} of ${r} + ${o}`);
        const gap = Math.abs(exact.density[i] - regions.density[i]);
        assert.ok(gap <= bins * Math.max(r - 1, o) * (1 + 1e-12) + 1e-9 * regions.density[i]);
        assert.ok(rho(i) >= (1 / r) * (1 - 1e-12) && rho(i) <= (1 + o / r) * (1 + 1e-12));
        if (n !== r) strict++;
      });
    }),
    { numRuns: 400 },
  );
  assert.ok(strict > 500, "counts that differ were seen");
});

test("T2: both ends are attained, so no constant factor bounds the approximation", () => {
  const many = (v: number, at: number): Float32Array<ArrayBuffer> =>
    Float32Array.of(...new Array<number>(999).fill(v), at);
  const low = measure(many(0.25, 0.25 + 0.124), 8);
  assert.equal(low.rho(999), 1 / 1000);
  const high = measure(many(0.375, 0.375 - 2 ** -12), 8);
  assert.equal(high.rho(999), 1000);
});

test("T3: at the borders the exact density is at most twice the approximate one", () => {
  let [borders, most] = [0, 0];
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 40 }), (g, bins) => {
      const { e, exact, regions, rho } = measure(g, bins);
      g.forEach((v, i) => {
        if (v >= e / 2 && v <= 1 - e / 2) return;
        const [n, r] = [exact.counts[i], Number(regions.counts[i])];
        assert.ok(n >= 1 && n <= r);
        const length = Math.min(v + e / 2, 1) - Math.max(v - e / 2, 0);
        assert.ok(
          rho(i) >= (1 / r) * (1 - 1e-12) && rho(i) <= (e / length) * (1 + 1e-12) && rho(i) <= 2 + 1e-12,
        );
        assert.ok(Math.abs(exact.density[i] - regions.density[i]) <= bins * r * (1 + 1e-12));
        borders++;
        most = Math.max(most, rho(i));
      });
    }),
    { numRuns: 400 },
  );
  assert.ok(borders > 500 && most > 1.99, "the factor 2 is attained");
  for (const v of [0, 1]) assert.equal(measure(new Float32Array(9).fill(v), 16).rho(3), 2);
});

test("T4: the ratio of the losses lies between the extreme ratios of the densities", () => {
  let moved = 0;
  for (let seed = 1; seed < 40; seed++) {
    const { logits, targets } = batch(1 + ((seed * 37) % 400), seed);
    const bins = 1 + ((seed * 7) % 40);
    const { loss, rho } = density.verify(logits, targets, { bins });
    const ratio = loss.histogram / loss.exact;
    assert.ok(
      ratio >= rho.min * (1 - 1e-6) && ratio <= rho.max * (1 + 1e-6),
      `${rho.min} ${ratio} ${rho.max}`,
    );
    near(loss.exact, ghmc.exact(logits, targets, { width: 1 / bins }).loss, 1e-6, "exact loss");
    near(loss.histogram, ghmc(logits, targets, { bins }).loss, 1e-6, "loss of the histogram");
    if (Math.abs(ratio - 1) > 1e-3) moved++;
  }
  assert.ok(moved > 10);
});

test("T6: for a smooth density the error is a bias of order e and a noise of order 1/e", () => {
  // Beta(2, 2): density 6x(1 - x) with slope at most 6, distribution 3x^2 - 2x^3.
  const distribution = (x: number): number => x * x * (3 - 2 * x);
  let closest = 0;
  for (const [n, bins] of [
    [500, 5],
    [5000, 10],
    [5000, 30],
    [20000, 20],
  ]) {
    const next = random(n + bins);
    const g = Float32Array.from({ length: n }, () => {
      const target = next();
      let [low, high] = [0, 1];
      for (let k = 0; k < 40; k++) {
        const middle = (low + high) / 2;
        if (distribution(middle) < target) low = middle;
        else high = middle;
      }
      return low;
    });
    const sorted = g.slice().sort();
    let distance = 0;
    sorted.forEach((v, i) => {
      const f = distribution(v);
      distance = Math.max(distance, Math.abs(f - i / n), Math.abs(f - (i + 1) / n));
    });
    const { e, exact, regions } = measure(g, bins);
    g.forEach((v, i) => {
      const error = Math.abs(exact.density[i] - regions.density[i]) / n;
      const length = Math.min(v + e / 2, 1) - Math.max(v - e / 2, 0);
      const inside = v >= e / 2 && v <= 1 - e / 2;
      const offset = Math.abs(v - (Math.min(Math.floor(v * bins), bins - 1) + 0.5) * e);
      const bound = inside
        ? 6 * offset + (4 * distance) / e
        : 3 * (e - length) + (2 * distance) / length + (2 * distance) / e;
      assert.ok(error <= bound + 1e-9, `${error} of ${bound}`);
      closest = Math.max(closest, error / bound);
    });
  }
  assert.ok(closest > 0.1, "the bound is not out of all proportion");
});

test("T7: the mean weight is n / M for the histogram, between e/2 and 2 + e for the exact density", () => {
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 60 }), (g, bins) => {
      const { e, exact, regions } = measure(g, bins);
      const mean = (v: Float64Array): number => v.reduce((sum, b) => sum + b, 0) / v.length;
      const occupied = new Set([...g].map((v) => Math.min(Math.floor(v * bins), bins - 1))).size;
      near(mean(regions.beta), occupied / bins, 1e-13, "histogram");
      assert.ok(mean(exact.beta) >= (e / 2) * (1 - 1e-12) && mean(exact.beta) <= 2 + e);
      exact.beta.forEach((b, i) => {
        const length = Math.min(g[i] + e / 2, 1) - Math.max(g[i] - e / 2, 0);
        assert.ok(
          b <= (g.length / bins) * (1 + 1e-12) && b >= length * (1 - 1e-12) && b >= (e / 2) * (1 - 1e-12),
        );
      });
    }),
    { numRuns: 300 },
  );
});

test("T7: clusters just over half a width apart nearly attain the upper end", () => {
  const clusters = Float32Array.from({ length: 20 * 50 }, (_, i) =>
    Math.min((i % 20) * (0.05 + 2 ** -12) + 2 ** -13, 1),
  );
  const { exact, regions } = measure(clusters, 10);
  const mean = (v: Float64Array): number => v.reduce((sum, b) => sum + b, 0) / v.length;
  assert.ok(mean(exact.beta) > 1.9 && mean(exact.beta) < 2.1, `${mean(exact.beta)}`);
  near(mean(regions.beta), 1, 1e-12, "histogram");
});

test("T8: on an even grid the histogram is flat and the exact density within 2M of it", () => {
  for (const [n, bins] of [
    [64, 4],
    [1024, 16],
    [4096, 32],
  ]) {
    const g = Float32Array.from({ length: n }, (_, i) => (i + 0.5) / n);
    const { e, exact, regions } = measure(g, bins);
    let differs = 0;
    g.forEach((v, i) => {
      const length = Math.min(v + e / 2, 1) - Math.max(v - e / 2, 0);
      assert.equal(regions.density[i], n);
      assert.ok(Math.abs(exact.density[i] - n) <= 1 / length + 1e-9 && 1 / length <= 2 * bins);
      assert.ok(exact.beta[i] >= n / (n + 2 * bins) - 1e-12 && exact.beta[i] <= n / (n - 2 * bins) + 1e-12);
      if (exact.density[i] !== n) differs++;
    });
    assert.ok(differs > 0);
  }
});

test("the histogram does not bound the exact density from above", () => {
  const g = Float32Array.of(0.374, ...new Array<number>(50).fill(0.376));
  const { rho } = measure(g, 8);
  assert.ok(rho(0) > 10);
});
