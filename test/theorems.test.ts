/** What the papers prove, each with a clause that shows the test is not vacuous. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, focal } from "../src/mod.ts";
import { batch } from "./data.ts";
import { at, lossesOf, none } from "./element.ts";
import { MIN_NORMAL, walk } from "./reference/float32.ts";
import { sigmoid } from "./reference/logistic.ts";
import { bceTruth } from "./reference/pointwise.ts";
import { ulps } from "./reference/ulp.ts";

const { logits, targets } = batch(5003, 103, 0.3);

test("gamma = 0 without alpha is cross-entropy, bit for bit", () => {
  for (const x of [logits, walk(999983)]) {
    const y = Float32Array.from(x, (_, i) => targets[i % 5003]);
    const ce = bce(x, y, { reduction: none });
    assert.deepEqual(focal(x, y, { gamma: 0, alpha: null, reduction: none }), ce);
  }
  const faded = focal(logits, targets, { gamma: 0.5, alpha: null, reduction: none });
  assert.notDeepEqual(faded, bce(logits, targets, { reduction: none }));
});

test("gamma = 0 with soft targets is cross-entropy too, within the bound of the two", () => {
  const soft = Float32Array.from(targets, (_, i) => (i % 11) / 10);
  const ce = bce(logits, soft, { reduction: none });
  const fl = focal(logits, soft, { gamma: 0, alpha: null, reduction: none });
  lossesOf(fl).forEach((v, i) => {
    const truth = bceTruth(logits[i], soft[i]);
    assert.ok(Math.abs(v - lossesOf(ce)[i]) <= 2 ** -20 * truth.loss);
    assert.ok(Math.abs(fl.grad[i] - ce.grad[i]) <= 2 ** -20 * truth.scale);
  });
  assert.notDeepEqual(bce(logits, targets, { reduction: none }), ce);
});

test("focal over cross-entropy is (1 - p_t)^gamma", () => {
  const ce = lossesOf(bce(logits, targets, { reduction: none }));
  for (const gamma of [0.5, 1, 2, 3.7]) {
    const fl = lossesOf(focal(logits, targets, { gamma, alpha: null, reduction: none }));
    let least = 1;
    for (let i = 0; i < fl.length; i++) {
      const factor = sigmoid(targets[i] ? -logits[i] : logits[i]) ** gamma;
      if (fl[i] < MIN_NORMAL) continue;
      assert.ok(Math.abs(fl[i] / ce[i] - factor) <= 1e-5 * factor, `${fl[i] / ce[i]} against ${factor}`);
      least = Math.min(least, factor);
    }
    assert.ok(least < 0.1, "some examples fade");
  }
});

test("alpha = 0 takes the positives out, alpha = 1 the negatives", () => {
  const ce = lossesOf(bce(logits, targets, { reduction: none }));
  for (const [alpha, gone] of [
    [0, 1],
    [1, 0],
  ]) {
    const { grad, losses } = focal(logits, targets, { gamma: 2, alpha, reduction: none });
    let seen = 0;
    lossesOf({ losses }).forEach((v, i) => {
      if (targets[i] === gone) {
        assert.ok(v === 0 && grad[i] === 0 && ce[i] > 0);
        seen++;
      } else assert.ok(v > 0 && grad[i] !== 0);
    });
    assert.ok(seen > 1000);
  }
});

test("swapping the targets and the sign of the logits mirrors loss and gradient", () => {
  const [x, y] = [logits.map((v) => -v), targets.map((v) => 1 - v)];
  for (const gamma of [0, 0.5, 2, 4.4]) {
    const plain = focal(logits, targets, { gamma, alpha: 0.25, reduction: none });
    const mirrored = focal(x, y, { gamma, alpha: 0.75, reduction: none });
    assert.deepEqual(mirrored.losses, plain.losses);
    assert.deepEqual(
      mirrored.grad,
      plain.grad.map((v) => -v),
    );
    assert.notDeepEqual(focal(x, y, { gamma, alpha: 0.25, reduction: none }).losses, plain.losses);
  }
});

test("alpha = 1/2 is half of no alpha, and alpha weights by class", () => {
  const plain = lossesOf(focal(logits, targets, { alpha: null, reduction: none }));
  const half = lossesOf(focal(logits, targets, { alpha: 0.5, reduction: none }));
  assert.deepEqual(
    half,
    plain.map((v) => v / 2),
  );
  const quarter = lossesOf(focal(logits, targets, { reduction: none }));
  quarter.forEach((v, i) => {
    assert.ok(ulps(v, plain[i] * (targets[i] ? 0.25 : 0.75)) <= 2);
  });
});

test("far on the right side loss and gradient vanish, far on the wrong side the slope is that of |x|", () => {
  for (const gamma of [0, 0.5, 1, 2, 3, 3.3]) {
    for (const y of [0, 1]) {
      const s = y ? 1 : -1;
      const good = at(s * 200, y, gamma);
      assert.ok(good.loss < 1e-37 && Math.abs(good.grad) < 1e-37);
      const bad = at(-s * 200, y, gamma);
      assert.deepEqual([bad.loss, bad.grad], [200, -s]);
      const middle = at(0, y, gamma);
      assert.ok(middle.loss > 0.01 && middle.loss < 200);
    }
  }
});

test("the gradient lives on where 1 - sigmoid(x) is 0 in float32", () => {
  const x = Math.fround(17);
  assert.equal(Math.fround(1 + Math.fround(Math.exp(-x))), 1, "a sigmoid that saturates");
  const { grad } = bce(Float32Array.of(x), Float32Array.of(1), { reduction: "sum" });
  assert.ok(Math.abs(grad[0] / -4.1399375473943306e-8 - 1) < 1e-6);
});

test("gamma below 1 is finite where the power rule gives 0 times infinity", () => {
  for (const gamma of [0.1, 0.25, 0.5, 0.9]) {
    for (const x of [17, 50, 80, 104, 1000, 3.4e38]) {
      const { loss, grad } = at(x, 1, gamma);
      assert.ok(Number.isFinite(loss) && Number.isFinite(grad) && grad <= 0);
    }
    assert.ok(at(20, 1, gamma).grad < 0);
  }
});

test("the loss falls and the weight of hard examples grows with gamma", () => {
  for (const u of [-3, -0.5, 0.5, 3]) {
    let before = at(u, 1, 0).loss;
    for (const gamma of [0.5, 1, 1.3, 2, 3, 5]) {
      const here = at(u, 1, gamma).loss;
      assert.ok(here < before && here > 0);
      before = here;
    }
  }
});

test("the loss falls with the margin", () => {
  const u = walk(524287)
    .filter((v) => Math.abs(v) < 80)
    .sort();
  for (const gamma of [0, 0.5, 2, 4.2]) {
    const ones = new Float32Array(u.length).fill(1);
    const losses = lossesOf(focal(u, ones, { gamma, alpha: null, reduction: none }));
    for (let i = 1; i < u.length; i++) assert.ok(losses[i] <= losses[i - 1] * (1 + 4e-6), `${u[i]}`);
    assert.ok(losses[0] > 1e3 * losses[u.length - 1]);
  }
});

test("posWeight scales the positives alone", () => {
  const plain = lossesOf(bce(logits, targets, { reduction: none }));
  const heavy = lossesOf(bce(logits, targets, { posWeight: 4, reduction: none }));
  heavy.forEach((v, i) => {
    assert.equal(v, targets[i] ? 4 * plain[i] : plain[i]);
  });
});
