/** Theorem T5: a fine histogram brackets the exact count of every sample. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { density } from "../src/mod.ts";
import { kernel } from "../src/wasm/kernel.ts";
import { norms, some, uniform, width } from "./norm-data.ts";
import fc from "./property.ts";
import { bracketTruth, densityTruth } from "./reference/density.ts";
import { refuse } from "./refusal.ts";

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

test("T5: a window narrower than the finest bin is bracketed, in bounded memory", () => {
  const g = Float32Array.of(0, 0.25, 0.25, 0.5, 1);
  const before = kernel.memory.buffer.byteLength;
  const { lower, upper } = density.bracket(g, { width: 1e-9, refine: 64 });
  assert.ok(kernel.memory.buffer.byteLength - before < 2 ** 26);
  const { counts } = density.exact(g, { width: 1e-9 });
  counts.forEach((n, i) => {
    assert.ok(lower[i] <= n && n <= upper[i]);
  });
});

test("a stream of densities refuses more than 2^32 - 1 samples, and nothing changes", () => {
  const stream = density.stream().update(Float32Array.of(0.5));
  for (let k = 0; k < 31; k++) stream.merge(stream);
  const says = /at most 4294967295 samples, got 4294967296/;
  refuse(() => stream.merge(stream), "RangeError", says);
  stream.merge(density.stream().update(new Float32Array(2 ** 16)));
  assert.equal(stream.count, 2 ** 31 + 2 ** 16);
});
