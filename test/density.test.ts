/** Approximate density against exact: brute force, and the theorems that connect the two. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density, ghmc } from "../src/mod.ts";
import { batch, mask, pick, random, shuffled } from "./data.ts";
import fc from "./property.ts";
import { bracketTruth, densityTruth, regionTruth } from "./reference/density.ts";
import { neighbour } from "./reference/float32.ts";
import { margin, sigmoid } from "./reference/logistic.ts";
import { ulps } from "./reference/ulp.ts";

/** Norms with everything that can go wrong: ties, both ends, grid points, neighbours, subnormals. */
const norm: fc.Arbitrary<number> = fc.oneof(
  fc.float({ min: 0, max: 1, noNaN: true }).map(Math.abs),
  fc.integer({ min: 0, max: 64 }).map((k) => k / 64),
  fc.integer({ min: 0, max: 60 }).map((k) => Math.fround(k / 60)),
  fc.constantFrom(0, 1, 1 - 2 ** -24, 2 ** -149, 2 ** -24, 0.5),
  fc
    .tuple(fc.integer({ min: 1, max: 59 }), fc.integer({ min: -2, max: 2 }))
    .map(([k, d]) => neighbour(Math.fround(k / 60), d)),
);
const norms: fc.Arbitrary<Float32Array<ArrayBuffer>> = fc
  .array(norm, { minLength: 0, maxLength: 70, size: "max" })
  .map((v) => Float32Array.from(v));
const some: fc.Arbitrary<Float32Array<ArrayBuffer>> = norms.filter((g) => g.length > 0);
const width: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 60 }).map((m) => 1 / m),
  fc.integer({ min: 0, max: 30 }).map((k) => 2 ** -k),
  fc.double({ min: 1e-9, max: 1, noNaN: true }),
  fc.constantFrom(1, 0.1, 2 / 3, 1 - 2 ** -53, 1e-30, 2 ** -148),
);

function near(got: number, want: number, bound: number, what: string): void {
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want), `${what}: got ${got}, want ${want}`);
}

function uniform(n: number, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => Math.floor(next() * 2 ** 24) / 2 ** 24);
}

test("norms are sigmoid of minus the margin, of the valid elements in order", () => {
  for (const n of [0, 1, 6, 71, 16384, 33000]) {
    const { logits, targets } = batch(n, 3);
    const valid = mask(n, 5);
    const dirty = logits.map((x, i) => (valid[i] ? x : Number.NaN));
    const all = density.norms(logits, targets);
    all.forEach((g, i) => {
      assert.ok(ulps(g, sigmoid(-margin(logits[i], targets[i]))) <= 4, `norm ${i}`);
    });
    assert.deepEqual(
      density.norms(dirty, targets, { mask: valid }),
      all.filter((_, i) => valid[i] !== 0),
    );
    assert.deepEqual(density.norms(logits, Uint8Array.from(targets)), all);
    const { grad } = bce(logits, targets, { reduction: "none" });
    assert.deepEqual(all, grad.map(Math.abs), "the same bits as the gradient of cross-entropy");
  }
});

test("exact counts are those of rational arithmetic, for any norms and widths", () => {
  fc.assert(
    fc.property(norms, width, (g, w) => {
      const want = densityTruth(g, w);
      const got = density.exact(g, { width: w });
      assert.deepEqual([...got.counts], want.counts);
      got.density.forEach((d, i) => {
        near(d, want.density[i], 1e-13 + 2 ** -51 / w, `density at ${g[i]}`);
        near(got.beta[i], want.beta[i], 1e-13 + 2 ** -51 / w, `weight at ${g[i]}`);
      });
    }),
    { numRuns: 600 },
  );
});

test("exact counts at the neighbours of window edges", () => {
  let flips = 0;
  for (const m of [2, 3, 10, 30, 64]) {
    for (const c of [0.05, 0.3, 0.5, 0.77]) {
      const g = [Math.fround(c)];
      for (const edge of [c - 0.5 / m, c + 0.5 / m]) {
        for (let k = -3; k <= 3; k++) g.push(Math.min(Math.max(neighbour(Math.fround(edge), k), 0), 1));
      }
      const values = Float32Array.from(g);
      const { counts } = density.exact(values, { width: 1 / m });
      assert.deepEqual([...counts], densityTruth(values, 1 / m).counts);
      if (counts[0] > 1 && counts[0] < g.length) flips++;
    }
  }
  assert.ok(flips > 15, "windows that hold some of the neighbours and not the others");
});

test("exact counts of many samples, against two pointers over integers", () => {
  for (const n of [257, 4096, 16385, 70001]) {
    for (const g of [
      uniform(n, n),
      uniform(n, n).map((v) => v ** 3),
      uniform(n, n).map((v) => Math.round(v * 50) / 64),
    ]) {
      const k = Int32Array.from(g, (v) => Math.floor(v * 2 ** 24));
      const values = Float32Array.from(k, (v) => v / 2 ** 24);
      const sorted = k.slice().sort();
      const half = 2 ** 24 / 64;
      const below = (limit: number): number => {
        let [low, high] = [0, n];
        while (low < high) {
          const middle = (low + high) >> 1;
          if (sorted[middle] < limit) low = middle + 1;
          else high = middle;
        }
        return low;
      };
      const { counts } = density.exact(values, { width: 1 / 32 });
      k.forEach((v, i) => {
        const end = v + half >= 2 ** 24 ? n : below(v + half);
        const want = end - below(v - half);
        if (counts[i] !== want) assert.equal(counts[i], want, `sample ${i} of ${n}`);
      });
    }
  }
});

test("order, zeros of both signs and the outputs asked for do not matter", () => {
  const g = Float32Array.of(0, -0, 0.01, ...uniform(500, 9), 1);
  const order = shuffled(g.length, 4);
  const want = density.exact(g, { width: 0.1 });
  assert.equal(want.counts[0], want.counts[1]);
  const counts = new Uint32Array(g.length);
  density.exact.into({ counts }, pick(g, order), { width: 0.1 });
  assert.deepEqual(
    [...counts],
    order.map((i) => want.counts[i]),
  );
  const beta = new Float64Array(g.length);
  const dense = new Float64Array(g.length);
  density.exact.into({ beta }, g, { width: 0.1 });
  density.exact.into({ density: dense }, g, { width: 0.1 });
  assert.deepEqual([beta, dense], [want.beta, want.density]);
  assert.deepEqual(density.exact(g), density.exact(g, { width: 1 / 30 }), "the default width");
});

test("the density of unit regions is M times the count of the bin", () => {
  fc.assert(
    fc.property(norms, fc.integer({ min: 1, max: 256 }), (g, bins) => {
      const got = density.histogram(g, { bins });
      const want = regionTruth(g, bins);
      assert.deepEqual([...got.counts].map(Number), want.counts);
      got.density.forEach((d, i) => {
        assert.equal(d, want.density[i]);
        near(got.beta[i], want.beta[i], 4e-16, "weight");
      });
    }),
    { numRuns: 300 },
  );
  const g = uniform(50, 1);
  assert.deepEqual(density.histogram(g), density.histogram(g, { bins: 30 }), "the default");
});

/** Everything the theorems speak of, for one data set. */
function measure(
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

test("T5: the bracket holds the exact count, always", () => {
  let [open, tight] = [0, 0];
  fc.assert(
    fc.property(norms, width, fc.integer({ min: 1, max: 64 }), (g, w, refine) => {
      if (w < 1e-3) return; // finer histograms are tried below
      const { lower, upper, estimate } = density.bracket(g, { width: w, refine });
      const { counts } = densityTruth(g, w);
      counts.forEach((n, i) => {
        assert.ok(lower[i] <= n && n <= upper[i], `${lower[i]} <= ${n} <= ${upper[i]} at ${g[i]}`);
        assert.ok(lower[i] <= estimate[i] && estimate[i] <= upper[i]);
        if (lower[i] < upper[i]) open++;
        else tight++;
      });
    }),
    { numRuns: 600 },
  );
  assert.ok(open > 1000 && tight > 1000, "brackets of both kinds were seen");
});

test("T5: for binary widths the bracket is that of the theorem or narrower", () => {
  let [equal, narrower] = [0, 0];
  fc.assert(
    fc.property(some, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }), (g, k, m) => {
      const { lower, upper } = density.bracket(g, { width: 2 ** -k, refine: 2 ** m });
      const want = bracketTruth(g, 2 ** -k, 2 ** m);
      g.forEach((v, i) => {
        // Narrower where whoever shares the last bin of a window is, as a float32, inside it.
        assert.ok(lower[i] >= want.lower[i] && upper[i] <= want.upper[i], `at ${v}`);
        if (lower[i] === want.lower[i] && upper[i] === want.upper[i]) equal++;
        else narrower++;
      });
    }),
    { numRuns: 300 },
  );
  assert.ok(equal > 1000 && narrower < equal, `${equal} equal, ${narrower} narrower`);
});

test("T5: a finer histogram narrows the bracket, and the estimate comes near", () => {
  const g = uniform(30000, 8);
  const { counts } = density.exact(g, { width: 1 / 30 });
  let before = Infinity;
  for (const refine of [1, 2, 4, 8, 16, 32, 64]) {
    const { lower, upper, estimate } = density.bracket(g, { width: 1 / 30, refine });
    let [gap, error] = [0, 0];
    counts.forEach((n, i) => {
      assert.ok(lower[i] <= n && n <= upper[i]);
      gap += (upper[i] - lower[i]) / g.length;
      error = Math.max(error, Math.abs(estimate[i] - n) / n);
    });
    assert.ok(gap < before * 0.6, `mean gap ${gap} after ${before}`);
    assert.ok(error < 0.15);
    before = gap;
  }
});

test("T5: small widths, whose histogram is large", () => {
  const g = uniform(3000, 12);
  for (const w of [1e-3, 3e-4, 1e-4]) {
    for (const refine of [1, 7, 64]) {
      const { counts } = density.exact(g, { width: w });
      const { lower, upper } = density.bracket(g, { width: w, refine });
      counts.forEach((n, i) => {
        assert.ok(lower[i] <= n && n <= upper[i], `${w} ${refine}: ${lower[i]} <= ${n} <= ${upper[i]}`);
      });
    }
  }
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
