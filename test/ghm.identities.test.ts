/** Identities of gradient harmonizing, each with a clause that shows it is not vacuous. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density, ghmc } from "../src/mod.ts";
import { betas, ghmBatch, near, occupiedOf } from "./ghm-data.ts";
import { densityTruth } from "./reference/density.ts";

test("the mean weight is n / M in the paper's convention and 1 in mmdetection's; the losses differ by the same factor", () => {
  let gaps = 0;
  for (const [n, bins] of [
    [4, 10],
    [30, 30],
    [1000, 30],
    [5000, 8],
  ]) {
    const b = ghmBatch(n, bins, n);
    const paper = ghmc(b.logits, b.targets, { bins });
    const mmdet = ghmc(b.logits, b.targets, { bins, convention: "mmdet" });
    const occupied = occupiedOf(paper);
    const mean = (v: number[]): number => v.reduce((sum, w) => sum + w, 0) / n;
    near(mean(betas(b, paper.grad)), occupied / bins, "paper", 1e-5);
    near(mean(betas(b, mmdet.grad)), 1, "mmdet", 1e-5);
    near(mmdet.loss, (bins / occupied) * paper.loss, "ratio", 1e-12);
    if (occupied < bins) gaps++;
  }
  assert.ok(gaps > 0, "with every bin occupied the two would be the same");
});

test("the loss is the mean over the bins of each bin's mean loss", () => {
  const b = ghmBatch(3000, 30, 1);
  const { loss, histogram } = ghmc(b.logits, b.targets);
  let sum = 0;
  histogram.counts.forEach((r, j) => {
    if (r) sum += histogram.lossSums[j] / r;
  });
  near(loss, sum / 30, "one-pass form", 1e-14);
});

test("the gradient mass of a bin is its mean norm over M, so the total is near one half", () => {
  const b = ghmBatch(20000, 30, 9);
  const { grad, histogram } = ghmc(b.logits, b.targets);
  const g = density.norms(b.logits, b.targets);
  const mass = new Float64Array(30);
  grad.forEach((v, i) => {
    mass[Math.min(Math.floor(g[i] * 30), 29)] += Math.abs(v);
  });
  mass.forEach((v, j) => {
    if (histogram.counts[j]) assert.ok(v >= j / 900 - 1e-6 && v <= (j + 1) / 900 + 1e-6, `bin ${j}: ${v}`);
  });
  assert.ok(histogram.counts.every((r) => r > 0));
  assert.ok(Math.abs(mass.reduce((x, y) => x + y) - 0.5) < 0.02);
});

test("with all bins occupied the loss is nearly 1 and above ln M - ln(M!)/M: no progress metric", () => {
  for (const [bins, least, most] of [
    [5, 0.6519, 1.5],
    [10, 0.7921, 1.4],
    [30, 0.9126, 1.2],
  ]) {
    const means: number[] = [];
    for (const shift of [0, -1.5]) {
      const b = ghmBatch(30000, bins, 5);
      const x = b.logits.map((v) => v + shift);
      const got = ghmc(x, b.targets, { bins });
      assert.equal(occupiedOf(got), bins);
      assert.ok(got.loss > least && got.loss < most, `${bins}: ${got.loss}`);
      means.push(got.meanLoss);
    }
    assert.ok(Math.abs(means[0] / means[1] - 1) > 0.05, "while the mean loss does move");
  }
});

test("mmdetection's first step is inflated by 1 / (1 - momentum); the correction takes that away", () => {
  const b = ghmBatch(500, 10, 2);
  const once = (momentum: number, biasCorrection?: boolean): number =>
    ghmc.create({ bins: 10, momentum, convention: "mmdet", biasCorrection }).step(b.logits, b.targets).loss;
  const plain = ghmc(b.logits, b.targets, { bins: 10, convention: "mmdet" }).loss;
  for (const [momentum, factor] of [
    [0.7, 1 / 0.3],
    [0.75, 4],
    [0.9, 10],
  ]) {
    near(once(momentum), factor * plain, "inflated", 1e-13);
    near(once(momentum, true), plain, "corrected", 1e-13);
  }
});

test("at constant data the corrected average is the batch itself", () => {
  const b = ghmBatch(500, 10, 2);
  const state = ghmc.create({ bins: 10, momentum: 0.9 });
  const want = ghmc(b.logits, b.targets, { bins: 10 });
  for (let t = 0; t < 20; t++) near(state.step(b.logits, b.targets).loss, want.loss, `step ${t}`, 1e-12);
});

test("maxWeight caps the weights and nothing else", () => {
  const b = ghmBatch(2000, 30, 4);
  const free = betas(b, ghmc(b.logits, b.targets).grad);
  const capped = betas(
    b,
    ghmc.create({ bins: 30, momentum: 0, maxWeight: 2 }).step(b.logits, b.targets).grad,
  );
  assert.ok(Math.max(...free) > 3 && Math.min(...free) < 1);
  free.forEach((w, i) => {
    near(capped[i], Math.min(w, 2), `weight ${i}`, 1e-5);
  });
});

test("all norms equal: paper weight 1/M, mmdetection 1", () => {
  const x = new Float32Array(50).fill(1);
  const y = new Float32Array(50);
  const b = { logits: x, targets: y, mask: new Uint8Array(50).fill(1) };
  near(betas(b, ghmc(x, y, { bins: 8 }).grad)[0], 1 / 8, "paper", 1e-6);
  near(betas(b, ghmc(x, y, { bins: 8, convention: "mmdet" }).grad)[0], 1, "mmdet", 1e-6);
  const [g] = density.norms(x, y);
  const length = densityTruth([g], 1 / 8).beta[0];
  near(betas(b, ghmc.exact(x, y, { width: 1 / 8 }).grad)[0], length, "exact", 1e-6);
});

test("the exact gradient of a sample does not know of masked neighbours, down to the sign of 0", () => {
  const x = Float32Array.of(200, 1, -200, 3);
  const t = Float32Array.of(1, 0, 0, 1);
  const whole = ghmc.exact(x.subarray(0, 3), t.subarray(0, 3)).grad;
  const masked = ghmc.exact(x, t, { mask: Uint8Array.of(1, 1, 1, 0) }).grad;
  assert.deepEqual([...masked], [...whole, 0]);
  assert.ok(Object.is(whole[0], -0) && Object.is(whole[2], 0) && whole[1] > 0);
});

test("the exact loss is the sum of cross-entropy over exact density", () => {
  for (const [n, width] of [
    [1, 0.1],
    [200, 1 / 30],
    [333, 0.5],
    [100, 1],
  ]) {
    const b = ghmBatch(n, 30, n, 0.2);
    const kept = [...b.mask.keys()].filter((i) => b.mask[i]);
    const got = ghmc.exact(b.logits, b.targets, { width, mask: b.mask });
    const g = density.norms(b.logits, b.targets, { mask: b.mask });
    const truth = densityTruth(g, width);
    const plain = bce(b.logits, b.targets, { reduction: "none" });
    let [loss, mean] = [0, 0];
    kept.forEach((i, k) => {
      const l = (plain.losses as Float32Array)[i];
      loss += l / truth.density[k];
      mean += l / kept.length;
      near(got.grad[i], plain.grad[i] / truth.density[k], `gradient ${i}`);
    });
    assert.equal(got.count, kept.length);
    near(got.loss, loss, "loss", 1e-6);
    near(got.meanLoss, mean, "mean loss", 1e-6);
    assert.ok(got.grad.every((v, i) => b.mask[i] || v === 0));
  }
});
