/** What the papers prove or claim, each with a clause that shows the test is not vacuous. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, focal } from "../src/mod.ts";
import { batch } from "./data.ts";
import { json } from "./project.ts";
import { MIN_NORMAL, walk } from "./reference/float32.ts";
import { sigmoid, softplus } from "./reference/logistic.ts";
import { bceTruth } from "./reference/pointwise.ts";
import { ulps } from "./reference/ulp.ts";

interface Vector {
  x: number;
  y: number;
  gamma: number;
  alpha: number;
  loss: number;
  grad: number;
}

const { logits, targets } = batch(5003, 103, 0.3);
const none = "none" as const;

/** Element losses; present for reduction "none". */
function lossesOf(result: { losses?: Float32Array }): Float32Array {
  assert.ok(result.losses);
  return result.losses;
}

/** Loss and gradient of one element under focal. */
function at(
  x: number,
  y: number,
  gamma: number,
  alpha: number | null = null,
): { loss: number; grad: number } {
  const { loss, grad } = focal(Float32Array.of(x), Float32Array.of(y), { gamma, alpha, reduction: "sum" });
  return { loss, grad: grad[0] };
}

function logit(p: number): number {
  return Math.log(p / (1 - p));
}

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

test("at gamma 2 the factor at p_t = 0.9 is 1/100, at 0.968 it is 1/976.56", () => {
  for (const [p, factor] of [
    [0.9, 100],
    [0.968, 976.5625],
    [0.5, 4],
  ]) {
    const x = logit(p);
    const ratio = at(x, 1, 0).loss / at(x, 1, 2).loss;
    assert.ok(Math.abs(ratio / factor - 1) < 1e-5, `${ratio}`);
  }
  for (const p of [0.1, 0.3, 0.5]) assert.ok(at(logit(p), 1, 0).loss <= 4.0001 * at(logit(p), 1, 2).loss);
});

test("the slope of very hard examples exceeds that of cross-entropy by the known maxima", () => {
  const table: [number, number, number][] = [
    [0.5, 1.00895, 0.0177],
    [1, 1.04533, 0.0432],
    [2, 1.12898, 0.0578],
    [3, 1.20155, 0.0],
    [5, 1.31461, 0.0],
  ];
  for (const [gamma, top, where] of table) {
    const x = Float32Array.from({ length: 8000 }, (_, k) => -k / 1000);
    const { grad } = focal(x, new Float32Array(8000).fill(1), { gamma, alpha: null, reduction: none });
    let best = 0;
    for (let i = 0; i < x.length; i++) if (grad[i] < grad[best]) best = i;
    assert.ok(Math.abs(-grad[best] - top) < 1e-5, `${gamma}: ${grad[best]}`);
    if (where) assert.ok(Math.abs(sigmoid(x[best]) - where) < 2e-4);
    assert.ok(top > 1, "steeper than cross-entropy anywhere");
  }
});

test("100 000 easy against 100 hard examples: the ratio the papers' example gives", () => {
  const ratio = (gamma: number): number =>
    (1000 * at(logit(0.9), 1, gamma).loss) / at(logit(0.1), 1, gamma).loss;
  for (const [gamma, want] of [
    [0, 45.757],
    [1, 5.084],
    [2, 0.5649],
    [5, 7.75e-4],
  ]) {
    assert.ok(Math.abs(ratio(gamma) / want - 1) < 2e-4, `${gamma}: ${ratio(gamma)}`);
  }
});

test("the prior bias of 0.01 gives the published starting losses", () => {
  const bias = -Math.log(99);
  const of = (y: number, gamma: number, alpha: number | null): number => at(bias, y, gamma, alpha).loss;
  const table: [number, number][] = [
    [of(0, 2, 0.25), 7.537751890126e-7],
    [of(1, 2, 0.25), 1.128381824822],
    [of(0, 0, null), 0.010050335854],
    [of(1, 0, null), 4.605170185988],
  ];
  for (const [got, want] of table) assert.ok(Math.abs(got / want - 1) < 2e-6, `${got}`);
});

test("forty-digit vectors", () => {
  const { focal: vectors } = json<{ focal: Vector[] }>("test", "golden", "vectors.json");
  assert.ok(vectors.length >= 9);
  for (const { x, y, gamma, alpha, loss, grad } of vectors) {
    const got = at(x, y, gamma, alpha);
    if (loss < 1e-37) {
      assert.ok(got.loss < 1e-37 && got.grad <= 0 && got.grad > -1e-37);
      continue;
    }
    // The vector at 0.3 is of the decimal; its float32 neighbour moves the result by less than the bound.
    assert.ok(ulps(got.loss, loss) <= 8 + 2 * gamma, `loss at ${x}: ${got.loss}`);
    assert.ok(ulps(got.grad, grad) <= 8 + 2 * gamma, `gradient at ${x}: ${got.grad}`);
  }
});

test("the second difference of the loss is the published second derivative, concave for hard examples", () => {
  const h = 2 ** -4;
  let concave = 0;
  for (const gamma of [0, 0.5, 2, 5]) {
    for (let x = -6; x <= 4; x += 0.25) {
      const second = (at(x + h, 1, gamma).grad - at(x - h, 1, gamma).grad) / (2 * h);
      const [p, q, l] = [sigmoid(x), sigmoid(-x), softplus(-x)];
      const want = q ** gamma * p * (q * (1 + 2 * gamma) + gamma * l * (gamma * p - q));
      assert.ok(Math.abs(second - want) < 4e-3 * (1 + gamma), `${gamma} ${x}: ${second} ${want}`);
      if (second < -1e-3) concave++;
    }
  }
  assert.ok(concave > 3);
});

test("posWeight scales the positives alone", () => {
  const plain = lossesOf(bce(logits, targets, { reduction: none }));
  const heavy = lossesOf(bce(logits, targets, { posWeight: 4, reduction: none }));
  heavy.forEach((v, i) => {
    assert.equal(v, targets[i] ? 4 * plain[i] : plain[i]);
  });
});
