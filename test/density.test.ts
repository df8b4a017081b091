/** Density against brute force: norms, exact window counts, unit regions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density } from "../src/mod.ts";
import { batch, mask, pick, shuffled } from "./data.ts";
import { near, norms, uniform, width } from "./norm-data.ts";
import { json } from "./project.ts";
import fc from "./property.ts";
import { densityTruth, regionTruth } from "./reference/density.ts";
import { neighbour } from "./reference/float32.ts";
import { margin, sigmoid } from "./reference/logistic.ts";
import { ulps } from "./reference/ulp.ts";

test("norms are sigmoid of minus the margin, of the valid elements in order", () => {
  for (const n of [0, 1, 6, 71, 32768, 70001]) {
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

interface Oracle {
  name: string;
  params: { epsFloat64: number };
  input: { g?: number[] };
  expected: { float64?: { countHalfOpen?: number[]; countHalfOpenClosedAt1?: number[] } };
}

test("the brute-force files: exact counts, and brackets that hold them", () => {
  const { cases } = json<{ cases: Oracle[] }>("test", "golden", "oracle.exact_density.json");
  let met = 0;
  for (const { name, params, input, expected } of cases) {
    const want = expected.float64?.countHalfOpenClosedAt1 ?? expected.float64?.countHalfOpen;
    if (!input.g || !want) continue; // two sets of 4096 are kept as arrays of their own
    const g = Float32Array.from(input.g);
    assert.deepEqual([...density.exact(g, { width: params.epsFloat64 }).counts], want, name);
    const { lower, upper } = density.bracket(g, { width: params.epsFloat64 });
    want.forEach((n, i) => {
      assert.ok(lower[i] <= n && n <= upper[i], `${name} ${i}`);
    });
    met++;
  }
  assert.equal(met, 68);
});
