/** The exponent of the negatives that follows the batches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { adaptiveAsymmetry, asymmetric } from "../src/mod.ts";
import { batch, mask, pick, shuffled } from "./data.ts";
import { sigmoid } from "./reference/logistic.ts";
import { loose, put, refuse } from "./refusal.ts";

const { logits, targets } = batch(4001, 109, 0.2);
const create = adaptiveAsymmetry.create;

/** Mean p over positives less mean 1 - p over negatives, in f64. */
function gapTruth(x: Float32Array, y: Float32Array, valid?: Uint8Array): number {
  const sums = [0, 0];
  const counts = [0, 0];
  x.forEach((v, i) => {
    if (valid?.[i] === 0) return;
    sums[y[i]] += sigmoid(y[i] ? v : -v);
    counts[y[i]]++;
  });
  return sums[1] / counts[1] - sums[0] / counts[0];
}

test("a step is the asymmetric loss by the exponent as it is, then moves it towards the target", () => {
  const state = create({ rate: 0.5, gammaPos: 1, clip: 0.1, reduction: "sum" });
  let before = 4;
  assert.equal(state.gammaNeg, before);
  for (let k = 0; k < 5; k++) {
    const x = logits.map((v) => v + k);
    const { loss, grad, count, gap, gammaNeg } = state.step(x, targets);
    const want = asymmetric(x, targets, { gammaPos: 1, gammaNeg: before, clip: 0.1, reduction: "sum" });
    assert.deepEqual({ loss, grad, count }, want);
    assert.equal(gammaNeg, before);
    assert.ok(gap !== undefined && Math.abs(gap - gapTruth(x, targets)) < 1e-7, `${gap}`);
    assert.equal(state.gammaNeg, Math.min(Math.max(before + 0.5 * (0.2 - gap), 0), 10));
    assert.notEqual(state.gammaNeg, before);
    before = state.gammaNeg;
  }
});

test("the exponent is the same bits for any order of the elements, and masked ones do not count", () => {
  for (const n of [10, 4001, 70001]) {
    const data = batch(n, 113, 0.1);
    const order = shuffled(n, 5);
    const [one, other] = [create({ rate: 1 }), create({ rate: 1 })];
    one.step(data.logits, data.targets);
    other.step(pick(data.logits, order), pick(data.targets, order));
    assert.equal(other.gammaNeg, one.gammaNeg);
    const valid = mask(n, 7);
    const kept = [...valid.keys()].filter((i) => valid[i] !== 0);
    const sub = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.from(kept, (i) => v[i]);
    const dirty = data.logits.map((v, i) => (valid[i] ? v : Number.NaN));
    const [masked, cut] = [create({ rate: 1 }), create({ rate: 1 })];
    const { gap } = masked.step(dirty, data.targets, { mask: valid });
    cut.step(sub(data.logits), sub(data.targets));
    assert.equal(masked.gammaNeg, cut.gammaNeg);
    assert.ok(Math.abs((gap ?? 9) - gapTruth(data.logits, data.targets, valid)) < 1e-7);
  }
});

test("without positives or without negatives the exponent stays, and so with an empty batch", () => {
  const state = create({ rate: 1, gammaNeg: 2.5 });
  for (const y of [0, 1]) {
    const result = state.step(logits, new Float32Array(4001).fill(y));
    assert.deepEqual([result.gap, state.gammaNeg], [undefined, 2.5]);
    assert.ok(Number.isFinite(result.loss));
  }
  assert.equal(state.step(new Float32Array(0), new Float32Array(0)).loss, 0);
  assert.equal(state.step(logits, targets, { mask: new Uint8Array(4001) }).gap, undefined);
  assert.equal(state.gammaNeg, 2.5);
});

test("the exponent stays within 0 and max", () => {
  const right = logits.map((_, i) => (targets[i] ? -9 : -9)); // positives get nothing, negatives all
  const wrong = logits.map(() => 9);
  const up = create({ rate: 100, max: 6 });
  up.step(right, targets);
  assert.equal(up.gammaNeg, 6);
  up.step(wrong, targets);
  assert.equal(up.gammaNeg, 0);
});

test("the gap of a trained bias rises with the exponent, and the rule settles at the target", () => {
  // One bias, five percent positives: the optimum under a fixed exponent, by descent.
  const y = Float32Array.from({ length: 400 }, (_, i) => (i % 20 === 0 ? 1 : 0));
  const x = new Float32Array(400);
  const descend = (bias: number, gammaNeg: number): number => {
    x.fill(bias);
    const { grad } = asymmetric(x, y, { gammaNeg });
    return bias - 4 * grad.reduce((sum, g) => sum + g, 0);
  };
  const gaps = [0, 1, 2, 4, 6].map((gammaNeg) => {
    let bias = -1;
    for (let k = 0; k < 400; k++) bias = descend(bias, gammaNeg);
    return gapTruth(x.fill(bias), y);
  });
  for (let i = 1; i < gaps.length; i++) assert.ok(gaps[i] > gaps[i - 1], `${gaps}`);
  const target = (gaps[2] + gaps[3]) / 2;
  for (const gammaNeg of [0, 6]) {
    const state = create({ rate: 0.2, target, gammaNeg });
    let bias = -1;
    let gap = 0;
    for (let k = 0; k < 1500; k++) {
      x.fill(bias);
      const result = state.step(x, y);
      gap = result.gap ?? 9;
      bias -= 4 * result.grad.reduce((sum, g) => sum + g, 0);
    }
    assert.ok(Math.abs(gap - target) < 1e-3, `from ${gammaNeg}: ${gap}, aimed at ${target}`);
    assert.ok(state.gammaNeg > 2 && state.gammaNeg < 4, `${state.gammaNeg}`);
  }
});

test("a state goes on from its bytes, bit for bit", () => {
  const state = create({ rate: 0.3, gammaPos: 0.5, max: 7, normalizer: "positives" });
  for (let k = 0; k < 3; k++) state.step(logits, targets);
  const loaded = adaptiveAsymmetry.load(state.save());
  assert.equal(loaded.gammaNeg, state.gammaNeg);
  assert.deepEqual(loaded.save(), state.save());
  assert.deepEqual(loaded.step(logits, targets), state.step(logits, targets));
  assert.deepEqual(loaded.save(), state.save());
  refuse(
    () => adaptiveAsymmetry.load(asymmetric.stream().save()),
    "TypeError",
    /adaptiveAsymmetry.*asymmetric/,
  );
  for (let i = 0; i < state.save().length; i += 3) {
    const bytes = state.save();
    bytes[i] ^= 16;
    refuse(() => adaptiveAsymmetry.load(bytes), "TypeError", /expected/);
  }
});

test("weights multiply loss and gradient, and leave the gap alone", () => {
  const plain = create({ rate: 1, max: 100 });
  const { gap } = plain.step(logits, targets);
  for (const scale of [0, 0.5, 1, 10]) {
    const state = create({ rate: 1, max: 100 });
    const weights = logits.map((_, i) => scale * (1 + (i % 3)));
    assert.equal(state.step(logits, targets, { weights }).gap, gap);
    assert.equal(state.gammaNeg, plain.gammaNeg);
  }
});

test("a refused batch leaves the state", () => {
  const state = create({ rate: 1 });
  state.step(logits, targets);
  const before = state.save();
  refuse(() => state.step(put(logits, 17, Number.NaN), targets), "RangeError", /17/);
  refuse(() => state.step(logits, put(targets, 3000, 0.5)), "RangeError", /3000/);
  refuse(() => state.step(logits, targets.slice(1)), "RangeError", /4000/);
  refuse(() => state.step(logits, targets, loose({ gama: 1 })), "TypeError", /gama/);
  const weights = new Float32Array(4001).fill(1);
  refuse(() => state.step(logits, targets, { weights: put(weights, 9, -1) }), "RangeError", /\b9\b/);
  weights[11] = 3.4e38;
  const x = put(logits, 11, -1e6);
  refuse(() => state.step(x, put(targets, 11, 1), { weights }), "RangeError", /\b11\b/);
  assert.deepEqual(state.save(), before);
});

test("options are refused when the state is made", () => {
  refuse(() => create(loose({})), "TypeError", /rate.*undefined/);
  refuse(() => create(loose(undefined)), "TypeError", /rate/);
  refuse(() => create(loose({ rate: 1, lambda: 2 })), "TypeError", /lambda/);
  for (const rate of [0, -1, Number.NaN]) refuse(() => create({ rate }), "RangeError", /rate/);
  refuse(() => create({ rate: 1, gammaNeg: 11 }), "RangeError", /gammaNeg in \[0, 10\]/);
  refuse(() => create({ rate: 1, target: 1.1 }), "RangeError", /target/);
  refuse(() => create({ rate: 1, clip: 1 }), "RangeError", /clip/);
  refuse(() => create(loose({ rate: 1, reduction: "all" })), "RangeError", /all/);
});

test("into writes the same, also over the logits", () => {
  const [one, other] = [create({ rate: 1 }), create({ rate: 1 })];
  const want = one.step(logits, targets);
  const x = logits.slice();
  const losses = new Float32Array(4001);
  const got = other.into({ grad: x, losses }, x, targets);
  const { grad, ...rest } = want;
  assert.deepEqual(got, rest);
  assert.deepEqual(x, grad);
  assert.deepEqual(losses, asymmetric(logits, targets, { reduction: "none" }).losses);
  assert.equal(other.gammaNeg, one.gammaNeg);
  refuse(() => other.into(loose({ gradient: x }), x, targets), "TypeError", /gradient/);
});
