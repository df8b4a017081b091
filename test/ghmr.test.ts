/** Harmonized regression: what is its own beside the properties that `ghm.test.ts` has for both families. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asl1, density, ghmr, smoothL1 } from "../src/mod.ts";
import { ghmrBatch, near } from "./ghm-data.ts";
import { json, npy } from "./project.ts";
import { MAX_FLOAT32 } from "./reference/float32.ts";
import { refuse } from "./refusal.ts";

test("the exact form is asl1 divided by the density of its slopes", () => {
  for (const [n, zeros, width] of [
    [1, 0, undefined],
    [300, 0, 0.2],
    [300, 0.3, undefined],
    [33000, 0.1, undefined],
  ] as const) {
    const b = ghmrBatch(n, 10, n, zeros);
    const { losses, grad } = asl1(b.logits, b.targets, { reduction: "none" });
    assert.ok(losses);
    const kept = [...b.mask.keys()].filter((i) => b.mask[i]);
    const g = Float32Array.from(kept, (i) => Math.abs(grad[i]));
    const truth = density.exact(g, { width: width ?? 1 / 10 }).density;
    const got = ghmr.exact(b.logits, b.targets, { mask: b.mask, width });
    let loss = 0;
    let mean = 0;
    kept.forEach((i, k) => {
      loss += losses[i] / truth[k];
      mean += losses[i] / kept.length;
      near(got.grad[i], grad[i] / truth[k], `gradient ${i}`, 2 ** -23);
    });
    near(got.loss, loss, "loss", 1e-7);
    near(got.meanLoss, mean, "mean loss", 1e-12);
    assert.equal(got.count, kept.length);
    assert.ok(got.grad.every((v, i) => b.mask[i] || v === 0));
    assert.ok(n < 300 || (got.grad.some((v) => v < 0) && got.grad.some((v) => v > 0)));
  }
});

test("the mean loss is the mean of asl1, and the defaults are mu 0.02 and 10 bins", () => {
  const b = ghmrBatch(1000, 10, 3);
  const got = ghmr(b.logits, b.targets);
  assert.deepEqual(got, ghmr(b.logits, b.targets, { mu: 0.02, bins: 10, convention: "paper" }));
  assert.equal(got.meanLoss, asl1(b.logits, b.targets).loss);
  assert.notEqual(got.loss, ghmr(b.logits, b.targets, { mu: 0.03 }).loss);
  const [state, same] = [ghmr.create(), ghmr.create({ momentum: 0.7, mu: 0.02 })];
  assert.deepEqual(state.save(), same.save());
});

test("a slope of exactly 1 lies in the last region, and a residual beyond float32 is as hard as any", () => {
  const x = Float32Array.of(1000, 3e38, -3e38, 0, 1e-20);
  for (const convention of ["paper", "mmdet"] as const) {
    const { histogram, grad } = ghmr(x, new Float32Array(5), { convention });
    assert.deepEqual([...histogram.counts], [2, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    assert.equal(grad[1], -grad[2]);
    assert.equal(grad[0], grad[1]);
  }
  const far = Float32Array.of(0, MAX_FLOAT32);
  const opposite = far.map((v) => -v);
  for (const call of [ghmr, ghmr.exact]) refuse(() => call(far, opposite), "RangeError", /index 1/);
});

test("mu travels with the bytes, and a stream of another one is refused", () => {
  const b = ghmrBatch(200, 10, 5);
  const stream = ghmr.stream({ mu: 0.3 }).update(b.logits, b.targets);
  const loaded = ghmr.load(stream.save());
  assert.deepEqual(loaded.grad(b.logits, b.targets), ghmr(b.logits, b.targets, { mu: 0.3 }).grad);
  refuse(() => stream.merge(ghmr.stream()), "TypeError", /0\.3.*0\.02/);
  const state = ghmr.create({ mu: 0.3 });
  state.step(b.logits, b.targets);
  const other = ghmr.loadState(state.save());
  assert.deepEqual(other.step(b.logits, b.targets), state.step(b.logits, b.targets));
  for (const mu of [0, -1, Number.NaN]) {
    refuse(() => ghmr(b.logits, b.targets, { mu }), "RangeError", /mu/);
    refuse(() => ghmr.exact(b.logits, b.targets, { mu }), "RangeError", /mu/);
    refuse(() => ghmr.create({ mu }), "RangeError", /mu/);
  }
  refuse(() => ghmr.exact(b.logits, b.targets, { bins: 3 } as never), "TypeError", /bins/);
  refuse(() => ghmr(Float32Array.of(Number.NaN), Float32Array.of(1)), "RangeError", /predictions/);
});

interface Peer {
  loss: number;
  gradL1: number;
  gradL2: number;
  gradSamples: number[];
  losses?: number[];
  accSum?: number[];
}

/** The box codes of a real detector's positives, and where each view's begin; expected values are of all anchors. */
function boxes(): { x: Float32Array; y: Float32Array; rows: number[]; index: number[] } {
  const targets = npy("examples", "data", "ssd-face", "targets.npy");
  const anchors = targets.shape[1];
  const index: number[] = [];
  const rows = [0];
  targets.values.forEach((t, i) => {
    if (t) for (let c = 0; c < 4; c++) index.push(i * 4 + c);
    if ((i + 1) % anchors === 0) rows.push(index.length);
  });
  const load = (name: string): Float32Array =>
    npy("test", "golden", "npy", `ssd-face_regression_${name}.npy`).values as Float32Array;
  return { x: load("pred"), y: load("target"), rows, index };
}

test("a real detector's boxes: smooth L1, one batch, and a moving average over its views", () => {
  const { results, sampleIndexReg } = json<{
    results: { reg: Record<string, Peer> };
    sampleIndexReg: number[];
  }>("test", "golden", "ssd-face.expected.json");
  const { x, y, rows, index } = boxes();
  assert.deepEqual([x.length, rows.length, rows[20]], [748, 21, 748]);
  const agree = (got: { loss: number; grad: Float32Array }, want: Peer): void => {
    near(got.loss, want.loss, "loss", 2e-6);
    near(
      got.grad.reduce((sum, v) => sum + Math.abs(v), 0),
      want.gradL1,
      "sum of sizes",
      2e-6,
    );
    near(Math.sqrt(got.grad.reduce((sum, v) => sum + v * v, 0)), want.gradL2, "root of squares", 2e-6);
    sampleIndexReg.forEach((i, k) => {
      const at = index.indexOf(i);
      near(at < 0 ? 0 : got.grad[at], want.gradSamples[k], `gradient ${i}`, 2e-6);
    });
  };
  agree(smoothL1(x, y, { beta: 1 / 9, reduction: "sum" }), results.reg.smooth_l1_beta_1_9_sum);
  agree(ghmr(x, y, { convention: "mmdet" }), results.reg.ghmr_b10_m0);
  const steady = results.reg["ghmr_b10_m0.75"];
  const state = ghmr.create({ convention: "mmdet", momentum: 0.75 });
  const grad = new Float32Array(x.length);
  let loss = 0;
  for (let r = 0; r < 20; r++) {
    const step = state.step(x.subarray(rows[r], rows[r + 1]), y.subarray(rows[r], rows[r + 1]));
    grad.set(step.grad, rows[r]);
    loss += step.loss;
    near(step.loss, steady.losses?.[r] ?? Number.NaN, `loss of view ${r}`, 2e-6);
  }
  agree({ loss, grad }, steady);
  steady.accSum?.forEach((v, j) => {
    near(state.counts[j], v, `average ${j}`, 1e-12);
  });
});
