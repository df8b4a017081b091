/** Which unit region a gradient norm falls in, exactly, and what the regions hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density, ghmc } from "../src/mod.ts";
import { ghmBatch } from "./ghm-data.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { neighbour } from "./reference/float32.ts";
import { edgesOf } from "./reference/ghm.ts";

test("the worked example: exact density and regions side by side", () => {
  // Norms in 32nds and M = 8, so that every edge of a bin and of a window is exact in binary.
  const g = Float32Array.from([0, 1, 2, 2, 3, 6, 10, 11, 18, 32], (v) => v / 32);
  const exact = density.exact(g, { width: 4 / 32 });
  assert.deepEqual([...exact.counts], [2, 4, 5, 5, 4, 1, 2, 2, 1, 1]);
  assert.deepEqual([...exact.density], [32, (4 * 32) / 3, 40, 40, 32, 8, 16, 16, 8, 16]);
  const regions = density.histogram(g, { bins: 8 });
  assert.deepEqual([...regions.counts].map(Number), [5, 5, 5, 5, 5, 1, 2, 2, 1, 1]);
  assert.deepEqual([...regions.density], [40, 40, 40, 40, 40, 8, 16, 16, 8, 8]);
  assert.equal(exact.beta[0] / regions.beta[0], 40 / 32);
  assert.equal(regions.beta[9] / exact.beta[9], 2, "at the border the histogram weighs twice");
});

/** Logits whose norm lies at, just below and just above every edge j / bins. */
function aroundEdges(bins: number): Float32Array<ArrayBuffer> {
  const xs: number[] = [0, 50, -50, 200, -200];
  for (let j = 1; j < bins; j++) {
    const x = Math.fround(Math.log(j / bins / (1 - j / bins)));
    for (let k = -6; k <= 6; k++) xs.push(neighbour(x, k));
  }
  return Float32Array.from(xs);
}

test("bins follow the rule floor(g M) of the exact product, at every edge and its neighbours", () => {
  let risky = 0;
  for (let bins = 1; bins <= 256; bins++) {
    const x = aroundEdges(bins);
    const y = new Float32Array(x.length);
    const g = density.norms(x, y);
    const want = new Array<number>(bins).fill(0);
    for (const v of g) {
      want[Math.min(Math.floor(v * bins), bins - 1)]++;
      if (Math.floor(Math.fround(v * bins)) !== Math.floor(v * bins)) risky++;
    }
    assert.deepEqual([...ghmc(x, y, { bins }).histogram.counts], want, `${bins} bins`);
    const all = density.histogram(g, { bins });
    const counts = [...g].map((v) => want[Math.min(Math.floor(v * bins), bins - 1)]);
    assert.deepEqual([...all.counts].map(Number), counts, `${bins} bins, density`);
  }
  assert.ok(risky > 20, "a float32 product would have failed somewhere");
});

test("mmdetection's bins follow its float32 edges", () => {
  let differ = 0;
  for (let bins = 1; bins <= 256; bins++) {
    const x = aroundEdges(bins);
    const y = new Float32Array(x.length);
    const g = density.norms(x, y);
    const edges = edgesOf(bins, "mmdet");
    const want = new Array<number>(bins).fill(0);
    for (const v of g) {
      let j = bins - 1;
      while (v < edges[j]) j--;
      want[j]++;
      if (j !== Math.min(Math.floor(v * bins), bins - 1)) differ++;
    }
    assert.deepEqual([...ghmc(x, y, { bins, convention: "mmdet" }).histogram.counts], want, `${bins} bins`);
  }
  assert.ok(differ > 20, "the two rules do differ");
});

test("loss sums of the bins are the exact sums of the element losses", () => {
  const b = ghmBatch(5000, 30, 6);
  const { histogram, meanLoss } = ghmc(b.logits, b.targets);
  const losses = bce(b.logits, b.targets, { reduction: "none" }).losses;
  const g = density.norms(b.logits, b.targets);
  for (let j = 0; j < 30; j++) {
    const members = losses.filter((_, i) => Math.min(Math.floor(g[i] * 30), 29) === j);
    assert.equal(histogram.lossSums[j], fromGrid(gridSum(members)), `bin ${j}`);
  }
  assert.equal(meanLoss, bce(b.logits, b.targets).loss);
});
