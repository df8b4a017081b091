/** Weights, masks and one value per class, for every pointwise loss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { batch, mask, random, softTargets } from "./data.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { MAX_FLOAT32, MIN_NORMAL, ulp } from "./reference/float32.ts";
import { type Options, type Params, type Row, share, TABLE } from "./table.ts";

function someWeights(n: number): Float32Array<ArrayBuffer> {
  const next = random(77);
  return Float32Array.from({ length: n }, () => (next() < 0.1 ? 0 : next() ** 3 * 20));
}

/** Compares elements with weighted truths: one rounding more than the unweighted ones have. */
function judge(
  row: Row,
  got: { grad: Float32Array; losses?: Float32Array },
  xs: Float32Array,
  ys: ArrayLike<number>,
  weights: Float32Array,
  params: (i: number) => Params,
): void {
  xs.forEach((x, i) => {
    const truth = row.truth(x, ys[i], params(i));
    const bound = row.bound(x, ys[i], params(i), truth);
    const [w, losses] = [weights[i], got.losses as Float32Array];
    const [loss, grad] = [truth.loss * w, truth.grad * w];
    if (Math.abs(truth.loss) < MIN_NORMAL || Math.abs(truth.grad) < MIN_NORMAL) return;
    assert.ok(
      share(losses[i], loss, bound.loss * w + ulp(loss)) <= 1,
      `loss ${i}: ${losses[i]}, want ${loss}`,
    );
    assert.ok(
      share(got.grad[i], grad, bound.grad * w + ulp(grad), w) <= 1,
      `grad ${i}: ${got.grad[i]}, want ${grad}`,
    );
  });
}

for (const row of TABLE) {
  test(`${row.name}: weights multiply loss and gradient`, () => {
    for (const n of [1, 7, 67, 16385]) {
      const { logits, targets } = batch(n, 19);
      const weights = someWeights(n);
      for (const params of row.settings) {
        for (const ys of row.isHard ? [targets] : [targets, softTargets(n, 23)]) {
          const got = row.loss(logits, ys, { ...params, weights, reduction: "none" });
          judge(row, got, logits, ys, weights, () => params);
          assert.equal(got.loss, fromGrid(gridSum(got.losses as Float32Array)));
          assert.equal(got.count, n, "a weight of 0 still counts");
        }
      }
    }
  });

  test(`${row.name}: weights of 1 change no bit, weights of 0 give exactly 0`, () => {
    const { logits, targets } = batch(1003, 29);
    const plain = row.loss(logits, targets, { reduction: "none" });
    const ones = row.loss(logits, targets, { reduction: "none", weights: new Float32Array(1003).fill(1) });
    assert.deepEqual(ones, plain);
    const none = row.loss(logits, targets, { reduction: "none", weights: new Float32Array(1003) });
    assert.ok(none.loss === 0 && none.losses?.every((v) => v === 0) && none.grad.every((v) => v === 0));
    assert.ok(plain.loss > 0);
  });

  test(`${row.name}: a weight of -0 is a weight of 0`, () => {
    const { logits, targets } = batch(9, 29);
    const zeros = new Float32Array(9);
    const minus = new Float32Array(9).fill(-0);
    const none = row.loss(logits, targets, { weights: zeros, reduction: "none" });
    const same = row.loss(logits, targets, { weights: minus, reduction: "none" });
    assert.ok(same.loss === 0 && same.count === none.count);
    assert.ok([...(same.losses as Float32Array), ...same.grad].every((v) => v === 0));
  });

  test(`${row.name}: a mask takes elements out as if they were not there`, () => {
    for (const n of [1, 5, 66, 16390]) {
      const { logits, targets } = batch(n, 31);
      const valid = mask(n, 37);
      const kept = [...valid.keys()].filter((i) => valid[i] !== 0);
      const sub = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.from(kept, (i) => v[i]);
      const dirty = logits.map((x, i) => (valid[i] ? x : [Number.NaN, Infinity, -Infinity, 3e38][i % 4]));
      const odd = targets.map((y, i) => (valid[i] ? y : [Number.NaN, -1, 7, 0.5][i % 4]));
      const weights = someWeights(n).map((w, i) => (valid[i] ? w : [Number.NaN, -1, Infinity, 1][i % 4]));
      for (const reduction of ["mean", "sum", "none"] as const) {
        const want = row.loss(sub(logits), sub(targets), { reduction, weights: sub(weights) });
        const got = row.loss(dirty, odd, { reduction, weights, mask: valid });
        assert.equal(got.loss, want.loss);
        assert.equal(got.count, want.count);
        assert.deepEqual(sub(got.grad), want.grad);
        assert.ok(got.grad.every((v, i) => valid[i] !== 0 || Object.is(Math.abs(v), 0)));
        assert.ok(got.losses === undefined || got.losses.every((v, i) => valid[i] !== 0 || v === 0));
      }
    }
  });

  test(`${row.name}: a weighted loss beyond float32 is refused by its index`, () => {
    const logits = new Float32Array(70).fill(-2);
    const weights = new Float32Array(70).fill(1);
    weights[41] = 3e38;
    logits[41] = -1000;
    const targets = new Float32Array(70).fill(1);
    assert.throws(() => row.loss(logits, targets, { weights }), { name: "RangeError", message: /41/ });
    weights[41] = 1e30;
    assert.ok(Number.isFinite(row.loss(logits, targets, { weights }).loss));
  });

  test(`${row.name}: a product of the largest numbers that fits is not refused`, () => {
    const { loss } = row.loss(Float32Array.of(-MAX_FLOAT32), Float32Array.of(1), { reduction: "sum" });
    assert.ok(Number.isFinite(loss) && loss > 1e37);
  });
}

const perClass: [string, (values: Float32Array) => Options, (value: number) => Params][] = [
  ["bce", (posWeight) => ({ posWeight }), (posWeight) => ({ posWeight })],
  ["focal", (alpha) => ({ alpha }), (alpha) => ({ alpha })],
  ["focalStar", (alpha) => ({ alpha }), (alpha) => ({ alpha })],
];

for (const [name, options, params] of perClass) {
  const row = TABLE.find((r) => r.name === name) as Row;
  test(`${name}: one value per class, and equal ones are the single one bit for bit`, () => {
    for (const [rows, classes] of [
      [1, 1],
      [1, 5],
      [7, 3],
      [23, 4],
      [9, 80],
      [3300, 5],
      [3, 20000],
    ]) {
      const n = rows * classes;
      const { logits, targets } = batch(n, 41);
      const values = Float32Array.from({ length: classes }, (_, c) => ((c * 5) % 7) / 8);
      for (const ys of row.isHard ? [targets] : [targets, softTargets(n, 43)]) {
        const got = row.loss(logits, ys, { ...options(values), classes, reduction: "none" });
        judge(row, got, logits, ys, new Float32Array(n).fill(1), (i) => params(values[i % classes]));
        const same = row.loss(logits, ys, { ...options(values.fill(0.375)), classes, reduction: "none" });
        assert.deepEqual(same, row.loss(logits, ys, { ...params(0.375), reduction: "none" }));
      }
    }
  });

  test(`${name}: rows longer than a chunk have the values of their own classes, wherever chunks begin`, () => {
    for (const [rows, classes] of [
      [2, 65536],
      [4, 49152],
      [3, 32769],
    ]) {
      const values = Float32Array.from({ length: classes }, (_, c) => (c % 251) / 256);
      const logits = new Float32Array(rows * classes).fill(0.3);
      const targets = new Uint8Array(rows * classes).fill(1);
      const none = { ...options(values), classes, reduction: "none" } as const;
      const { losses, grad } = row.loss(logits, targets, none);
      const first = row.loss(logits.slice(0, classes), targets.slice(0, classes), none);
      for (let r = 0; r < rows; r++) {
        assert.deepEqual(
          losses?.slice(r * classes, (r + 1) * classes),
          first.losses,
          `row ${r} of ${classes}`,
        );
        assert.deepEqual(grad.slice(r * classes, (r + 1) * classes), first.grad);
      }
    }
  });

  test(`${name}: classes must divide the batch and match the values`, () => {
    const { logits, targets } = batch(12, 47);
    const values = new Float32Array(5);
    assert.throws(() => row.loss(logits, targets, { ...options(values), classes: 5 }), RangeError);
    assert.throws(() => row.loss(logits, targets, { ...options(values), classes: 4 }), RangeError);
    assert.throws(() => row.loss(logits, targets, options(values)), /classes/);
  });
}
