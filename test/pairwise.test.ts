/** Losses of pairs: values against the formulas in f64, what items gather, masks, weights, sums, refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, focal, pairwise } from "../src/mod.ts";
import { mask as maskOf, random, shuffled } from "./data.ts";
import { differences, evenData, pairData, SETTINGS } from "./pairs-data.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { gathered, pairTruth } from "./reference/pairs.ts";
import { soil } from "./soil.ts";

const UNIT = 2 ** -24;
const none = "none" as const;
/** Around a vector and a chunk. */
const LENGTHS = [1, 2, 3, 4, 5, 31, 32, 33, 1025, 32767, 32768, 32769, 70001];

/** n pairs of two items each, so that the slope of every pair can be seen. */
function apart(n: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: 2 * n }, (_, i) => i);
}

for (const { options, gamma, units } of SETTINGS) {
  const name = `pairwise ${JSON.stringify(options)}`;

  test(`${name}: losses and slopes keep their bound, also where a float32 difference would be rounded`, () => {
    let worst = 0;
    let rounded = 0;
    for (const [spread, center] of [
      [0.01, 0],
      [3, 0],
      [40, 0],
      [110, 0],
      [20, 1000],
      [1e4, 0],
      [1.6e38, 0],
    ]) {
      const n = 3000;
      const { scores } = pairData(2 * n, n, spread + center, spread, center);
      for (let k = 0; k < n; k += 3) scores[2 * k] *= 2 ** -12; // differences of 36 and more bits
      const weights = Float32Array.from({ length: n }, (_, k) => (k & 1 ? 1 : 0.1 + (k % 97) / 300));
      const { grad, losses } = pairwise(scores, apart(n), { ...options, weights, reduction: none });
      for (let k = 0; k < n; k++) {
        const [a, b] = [scores[2 * k], scores[2 * k + 1]];
        if (Math.fround(a - b) !== a - b) rounded++;
        const truth = pairTruth(a, b, gamma);
        const small = 4 * MIN_NORMAL * (1 + gamma);
        const most = units(a - b) + (k & 1 ? 0 : 2);
        const share = (got: number, want: number): number =>
          Math.max(Math.abs(got - want) - small, 0) / (most * UNIT * want + 1e-45);
        const [loss, slope] = [truth.loss * weights[k], truth.slope * weights[k]];
        worst = Math.max(worst, share(losses?.[k] ?? NaN, loss), share(grad[2 * k + 1], slope));
        assert.ok(worst <= 1, `${worst} of the bound at ${a} - ${b}: ${losses?.[k]}, ${grad[2 * k + 1]}`);
        assert.equal(grad[2 * k], -grad[2 * k + 1] + 0, "the two of a pair add up to nothing");
      }
    }
    assert.ok(worst > 0.05 && rounded > 1000, `${worst}, ${rounded}: something was compared`);
  });

  test(`${name}: an item's gradient is the sum over its pairs, within the bound of the sum`, () => {
    for (const [items, n] of [
      [1, 9],
      [2, 50],
      [40, 5000],
      [3000, 70001],
    ]) {
      const data = pairData(items, n, items, 12);
      const slopes = differences(data).map((d) => pairTruth(d, 0, gamma).slope);
      const truth = gathered(items, data.pairs, slopes);
      const most = differences(data).reduce((top, d) => Math.max(top, units(d)), 0) + 1;
      for (const normalizer of ["count", 7.3] as const) {
        const by = normalizer === "count" ? n : normalizer;
        const { grad } = pairwise(data.scores, data.pairs, { ...options, normalizer });
        grad.forEach((got, i) => {
          const error = Math.abs(got - truth.grad[i] / by);
          assert.ok(
            error <= (most * UNIT * truth.size[i]) / by + 1e-45,
            `item ${i}: ${got}, off by ${error}`,
          );
        });
        const sum = grad.reduce((total, g) => total + g, 0);
        const size = truth.size.reduce((total, s) => total + s, 0) / by;
        assert.ok(Math.abs(sum) <= UNIT * size, "all gradients add up to nothing");
      }
    }
  });

  test(`${name}: where the difference is exact, a pair has the bits of the binary loss with target 1`, () => {
    const binary = gamma === 0 && !options.loss ? bce : focal;
    const parameters = binary === bce ? {} : { gamma, alpha: null };
    for (const n of LENGTHS) {
      const { scores } = evenData(2 * n, n, n);
      const logits = Float32Array.from(differences({ scores, pairs: apart(n) }));
      const ones = new Float32Array(n).fill(1);
      const weights = scores.slice(0, n).map(Math.abs);
      const want = binary(logits, ones, { ...parameters, weights, reduction: none });
      const got = pairwise(scores, apart(n), { ...options, weights, reduction: none });
      assert.deepEqual(got.losses, want.losses);
      assert.deepEqual([got.loss, got.count], [want.loss, n]);
      want.grad.forEach((g, k) => {
        assert.equal(got.grad[2 * k], g + 0); // -0 becomes 0
      });
      const saved = pairwise.stream(options).update(scores, apart(n)).toRows();
      assert.deepEqual(saved, binary.stream(parameters).update(logits, ones).toRows());
    }
  });

  test(`${name}: a pair's bits depend on that pair only`, () => {
    const n = 40000;
    const { scores, pairs } = pairData(5000, n, 5, 15);
    const all = pairwise(scores, pairs, { ...options, reduction: none });
    const next = random(3);
    for (let t = 0; t < 30; t++) {
      const k = Math.floor(next() * n);
      soil();
      const two = Float32Array.of(scores[pairs[2 * k]], scores[pairs[2 * k + 1]]);
      const one = pairwise(two, Uint32Array.of(0, 1), { ...options, reduction: none });
      assert.equal(one.losses?.[0], all.losses?.[k]);
    }
    const losses = new Float32Array(n);
    const { loss } = pairwise.into({ losses }, scores, pairs, options);
    assert.deepEqual(losses, all.losses, "the same losses without gradients");
    assert.equal(loss, fromGrid(gridSum(losses)) / n, "the sum is exact");
  });

  test(`${name}: a permutation of the pairs keeps the loss to the bit, and the gradient within its bound`, () => {
    const n = 40001;
    const order = shuffled(n, 8);
    const permute = (pairs: Uint32Array): Uint32Array =>
      Uint32Array.from({ length: 2 * n }, (_, i) => pairs[2 * order[i >> 1] + (i & 1)]);
    const even = evenData(300, n, 2);
    const { loss, grad } = pairwise(even.scores, even.pairs, options);
    const same = pairwise(even.scores, permute(even.pairs), options);
    assert.deepEqual([same.loss, same.count], [loss, n]);
    if (gamma === 0) assert.deepEqual(same.grad, grad, "sums that are exact in float64");
    const wild = pairData(300, n, 2, 60);
    const one = pairwise(wild.scores, wild.pairs, { ...options, reduction: "sum" });
    const other = pairwise(wild.scores, permute(wild.pairs), { ...options, reduction: "sum" });
    assert.equal(other.loss, one.loss);
    const slopes = differences(wild).map((d) => pairTruth(d, 0, gamma).slope);
    const { size } = gathered(300, wild.pairs, slopes);
    // Sums of float64 in another order, each rounded to float32 once.
    one.grad.forEach((g, i) => {
      assert.ok(Math.abs(g - other.grad[i]) <= UNIT * 2 * Math.abs(g) + n * 2 ** -53 * size[i]);
    });
    const both = new Uint32Array(4 * n);
    both.set(even.pairs);
    both.set(even.pairs, 2 * n);
    const twice = pairwise(even.scores, both, { ...options, reduction: "sum" });
    const sum = pairwise(even.scores, even.pairs, { ...options, reduction: "sum" });
    assert.equal(twice.loss, 2 * sum.loss, "pairs that come twice count twice");
    twice.grad.forEach((g, i) => {
      assert.ok(Math.abs(g - 2 * sum.grad[i]) <= UNIT * 2 * Math.abs(g));
    });
    assert.ok(grad.some((g) => g !== 0));
  });

  test(`${name}: a masked pair does not exist, whatever it holds`, () => {
    for (const n of [7, 33, 40001]) {
      const { scores, pairs } = pairData(50, n, n, 9);
      const mask = maskOf(n, 4);
      const keep = Array.from({ length: n }, (_, k) => k).filter((k) => mask[k] !== 0);
      const left = Uint32Array.from(keep.flatMap((k) => [pairs[2 * k], pairs[2 * k + 1]]));
      const foul = Float32Array.of(...scores, NaN, Infinity);
      const marked = pairs.map((item, i) => (mask[i >> 1] ? item : [50, 51, 2 ** 28, 2 ** 32 - 1, 7][i % 5]));
      const weights = Float32Array.from(mask, (byte) => (byte ? 1 : NaN));
      const want = pairwise(scores, left, options);
      const got = pairwise(foul, marked, { ...options, mask, weights });
      assert.deepEqual([got.loss, got.count], [want.loss, keep.length]);
      assert.deepEqual(got.grad, Float32Array.of(...want.grad, 0, 0));
      pairwise(scores, left, { weights: new Float32Array(keep.length).fill(0.5) });
      assert.deepEqual(pairwise(foul, marked, { ...options, mask }), got, "whatever was weighted before");
      const { losses } = pairwise(foul, marked, { ...options, mask, reduction: none });
      assert.ok(losses?.every((loss, k) => mask[k] !== 0 || Object.is(loss, 0)));
      const stream = pairwise.stream(options).update(foul, marked, { mask, weights });
      assert.deepEqual(stream.save(), pairwise.stream(options).update(scores, left).save());
      const nothing = pairwise(foul, marked, { ...options, mask: new Uint8Array(n) });
      assert.deepEqual(nothing, { loss: 0, grad: new Float32Array(52), count: 0 });
    }
  });
}

test("pairwise: weights, means by count or a number, and in place", () => {
  for (const n of [1, 60, 40003]) {
    const { scores, pairs } = evenData(90, n, n);
    const weights = Float32Array.from({ length: n }, (_, k) => (k % 5) / 2);
    const sum = pairwise(scores, pairs, { weights, reduction: none });
    const plain = pairwise(scores, pairs, { reduction: none });
    sum.losses?.forEach((loss, k) => {
      assert.ok(Math.abs(loss - (plain.losses?.[k] as number) * weights[k]) <= 2e-7 * loss);
    });
    for (const [normalizer, divisor] of [
      [undefined, n],
      [0.1, 0.1],
      [3, 3],
    ] as const) {
      const mean = pairwise(scores, pairs, { weights, normalizer });
      assert.equal(mean.loss, sum.loss / divisor);
      mean.grad.forEach((g, i) => {
        assert.ok(Math.abs(g - sum.grad[i] / divisor) <= 2 * UNIT * Math.abs(g));
      });
      assert.equal(
        pairwise.stream({ normalizer }).update(scores, pairs, { weights }).result().loss,
        mean.loss,
      );
    }
    const grad = scores.slice();
    const into = pairwise.into({ grad }, grad, pairs, { weights, reduction: none });
    assert.deepEqual([into, grad], [{ loss: sum.loss, count: n }, sum.grad], "in place of the scores");
    const losses = weights.slice();
    pairwise.into({ losses }, scores, pairs, { weights: losses });
    assert.deepEqual(losses, sum.losses, "in place of the weights");
  }
});

test("pairwise: a division by the normalizer is one rounding of the sum in float64", () => {
  // Two slopes of different sizes: their float32 sum, divided, is another number.
  const scores = Float32Array.of(0, 3.3, -7.1);
  const pairs = Uint32Array.of(1, 0, 2, 0);
  const { grad } = pairwise(scores, pairs, { reduction: none });
  const [first, second] = [-grad[1], -grad[2]];
  assert.equal(grad[0], Math.fround(first + second));
  for (const normalizer of [3, 7, 0.1])
    assert.equal(pairwise(scores, pairs, { normalizer }).grad[0], Math.fround((first + second) / normalizer));
});

test("pairwise: a pair of one item with itself loses log 2 and pulls nothing; other items have gradient 0", () => {
  const { loss, grad, count } = pairwise(Float32Array.of(5, -3, 2), Uint32Array.of(1, 1));
  assert.deepEqual([loss, count], [Math.fround(Math.LN2), 1]);
  assert.ok(grad.every((g) => Object.is(g, 0)));
  const focused = pairwise(Float32Array.of(5), Uint32Array.of(0, 0), { loss: "focal" });
  assert.deepEqual([focused.loss, focused.grad], [Math.fround(Math.LN2) / 4, Float32Array.of(0)]);
});

test("pairwise: scores as far apart as they can be", () => {
  const far = Float32Array.of(3.4e38, -3.4e38);
  for (const { options } of SETTINGS) {
    const right = pairwise(far, Uint32Array.of(0, 1), options);
    assert.deepEqual([right.loss, right.grad], [0, new Float32Array(2)]);
  }
  const weights = Float32Array.of(0.25);
  const wrong = pairwise(far, Uint32Array.of(1, 0), { weights });
  assert.deepEqual([wrong.loss, wrong.grad], [Math.fround(0.25 * 2 * far[0]), Float32Array.of(0.25, -0.25)]);
  const nothing = pairwise(far, Uint32Array.of(1, 0), { weights: Float32Array.of(0) });
  assert.deepEqual([nothing.loss, nothing.grad, nothing.count], [0, new Float32Array(2), 1]);
});

test("pairwise: no pairs, no items", () => {
  for (const items of [0, 3]) {
    const scores = new Float32Array(items).fill(NaN);
    const empty = { loss: 0, grad: new Float32Array(items), count: 0 };
    assert.deepEqual(pairwise(scores, new Uint32Array(0)), empty);
    assert.deepEqual(pairwise(scores, new Uint32Array(0), { loss: "focal", reduction: none }), {
      ...empty,
      losses: new Float32Array(0),
    });
    const { loss, sum, count } = pairwise.stream().update(scores, new Uint32Array(0)).result();
    assert.deepEqual([loss, sum, count], [0, 0, 0]);
  }
});
