/** Gradient harmonizing where mmdetection's code leaves the paper's formula: docs/losses.md has the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asl1, ghmc, ghmcSoftmax, ghmr } from "../src/mod.ts";
import { ghmBatch } from "./ghm-data.ts";
import { ghmRows } from "./ghm-rows.ts";
import { GhmOracle, ghmTruth } from "./reference/ghm.ts";
import { loose, refuse } from "./refusal.ts";

/** Batches of which the second leaves most regions empty. */
const full = ghmBatch(2000, 10, 3);
const narrow = { logits: new Float32Array(500).fill(-1), targets: new Float32Array(500) };

test("the first step of an average weighs as the batch alone, where an uncorrected average weighs 4 times as much", () => {
  for (const [momentum, factor] of [
    [0.75, 4],
    [0.9, 10],
  ]) {
    const truth = ghmTruth(full, { bins: 10, convention: "paper" });
    const first = ghmc.create({ bins: 10, momentum }).step(full.logits, full.targets);
    assert.ok(Math.abs(first.loss / truth.loss - 1) < 1e-6, `${first.loss}, ${truth.loss}`);
    const raw = ghmc.create({ bins: 10, momentum, convention: "mmdet" }).step(full.logits, full.targets);
    const once = ghmTruth(full, { bins: 10, convention: "mmdet" });
    assert.ok(Math.abs(raw.loss / once.loss / factor - 1) < 1e-6, "the peer's convention keeps it");
  }
});

test("a region that a batch leaves empty fades, where an average of occupied regions keeps its count", () => {
  const after = (convention: "paper" | "mmdet"): Float64Array => {
    const state = ghmc.create({ bins: 10, momentum: 0.75, convention });
    state.step(full.logits, full.targets);
    const before = state.counts.slice();
    state.step(narrow.logits, narrow.targets);
    return state.counts.map((count, j) => count / before[j]);
  };
  const occupied = Math.floor(10 / (1 + Math.E));
  after("paper").forEach((share, j) => {
    if (j !== occupied) assert.ok(Math.abs(share - 0.75) < 1e-12, `region ${j}: ${share}`);
  });
  after("mmdet").forEach((share, j) => {
    if (j !== occupied) assert.equal(share, 1);
  });
  const oracle = new GhmOracle({ bins: 10, convention: "paper", momentum: 0.75 });
  oracle.step(full);
  const want = oracle.step(narrow);
  const state = ghmc.create({ bins: 10, momentum: 0.75 });
  state.step(full.logits, full.targets);
  assert.ok(Math.abs(state.step(narrow.logits, narrow.targets).loss / want.loss - 1) < 1e-6);
});

test("what takes part is a mask of bytes, and a weight that would be ignored is refused", () => {
  const { logits, targets } = full;
  const half = Uint8Array.from(logits, (_, i) => i & 1);
  const heavy = half.map((v) => 200 * v);
  const got = ghmc(logits, targets, { mask: heavy });
  assert.deepEqual(got, ghmc(logits, targets, { mask: half }));
  const truth = ghmTruth({ logits, targets, mask: half }, { bins: 30, convention: "paper" });
  assert.ok(Math.abs(got.loss / truth.loss - 1) < 1e-6);
  const weights = new Float32Array(logits.length).fill(7);
  refuse(() => ghmc(logits, targets, loose({ weights })), "TypeError", /weights/);
  refuse(() => ghmr(logits, targets, loose({ weights })), "TypeError", /weights/);
});

test("the sum over samples is loss times count, where a reduction by sum raises", () => {
  for (const convention of ["paper", "mmdet"] as const) {
    const { loss, count, grad } = ghmc(full.logits, full.targets, { bins: 10, convention });
    const truth = ghmTruth(full, { bins: 10, convention });
    assert.ok(Math.abs((loss * count) / (truth.loss * truth.count) - 1) < 1e-6);
    truth.grad.forEach((g, i) => {
      assert.ok(Math.abs(grad[i] - g) <= 1e-5 * Math.abs(g), `gradient ${i}`);
    });
  }
  refuse(() => ghmc(full.logits, full.targets, loose({ reduction: "sum" })), "TypeError", /reduction/);
});

test("a residual of 300, or of 1e30, is in the last region, where its square overflows and it counts as the easiest", () => {
  // d^2 of 300 is beyond half precision, of 1e30 beyond float32; d / sqrt(infinity) is 0.
  assert.ok(300 ** 2 > 65504 && !Number.isFinite(Math.fround(1e30 ** 2)));
  const predictions = Float32Array.of(1e-4, 0.01, 300, 1e30);
  const targets = new Float32Array(4);
  const { histogram, meanLoss, loss } = ghmr(predictions, targets);
  assert.deepEqual([histogram.counts[0], histogram.counts[9]], [1, 2]);
  assert.ok(Number.isFinite(loss) && meanLoss === asl1(predictions, targets).loss);
  const truth = ghmTruth({ logits: predictions, targets }, { bins: 10, convention: "paper", mu: 0.02 });
  assert.ok(Math.abs(loss / truth.loss - 1) < 1e-6);
});

test("a row is one sample, where one-hot targets make a sample of each of its classes", () => {
  const { logits, labels } = ghmRows(300, 80, 10, 3);
  const rows = ghmcSoftmax(logits, labels, { classes: 80, bins: 10 });
  const truth = new GhmOracle({ bins: 10, convention: "paper" }).stepRows({ logits, labels, classes: 80 });
  assert.deepEqual([...rows.histogram.counts], truth.counts);
  assert.ok(Math.abs(rows.loss / truth.loss - 1) < 1e-6);
  const oneHot = new Uint8Array(300 * 80);
  for (const [r, label] of labels.entries()) oneHot[r * 80 + label] = 1;
  const finite = logits.map((x) => Math.max(x, -100));
  assert.deepEqual([rows.count, ghmc(finite, oneHot, { bins: 10 }).count], [300, 24_000]);
});
