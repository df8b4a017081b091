/**
 * Focal loss where other implementations leave the formula. Each test states what the other one gives, by its formula in
 * float32, so that it is seen to differ, and holds ours to the formula in float64.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, focal } from "../src/mod.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { sigmoid, softplus } from "./reference/logistic.ts";
import { focalHardTruth } from "./reference/pointwise.ts";
import { refuse } from "./refusal.ts";

const round = Math.fround;
/** A probability as float32 code without care forms it: exactly 1 for large x. */
const saturating = (x: number): number => round(1 / round(1 + round(Math.exp(-x))));

/** Our loss and gradient of one element against the formula, the zeros below the normal numbers apart. */
function meets(x: number, y: number, gamma: number, alpha: number | null): { loss: number; grad: number } {
  const { loss, grad } = focal(Float32Array.of(x), Uint8Array.of(y), { gamma, alpha, reduction: "sum" });
  const truth = focalHardTruth(round(x), y, gamma, alpha);
  assert.ok(
    Math.abs(loss - truth.loss) <= 4e-6 * truth.loss + MIN_NORMAL,
    `${x}: ${loss}, not ${truth.loss}`,
  );
  assert.ok(Math.abs(grad[0] - truth.grad) <= 4e-6 * truth.scale + MIN_NORMAL, `${x}: ${grad[0]}`);
  return { loss, grad: grad[0] };
}

test("a wrong negative at x = 20 costs 15.0, where log(max(1 - p, 2^-126)) makes it 65.5", () => {
  const clamped = (x: number): number => {
    const p = saturating(x);
    return 0.75 * p * p * -Math.log(Math.max(round(1 - p), MIN_NORMAL));
  };
  assert.ok(Math.abs(clamped(16.6) - 11.96) < 0.01);
  for (const x of [16.64, 20, 80]) assert.ok(Math.abs(clamped(x) - 65.5) < 0.01, `${clamped(x)}`);
  for (const x of [16.6, 16.64, 17, 20, 80, 1e4]) {
    const { loss, grad } = meets(x, 0, 2, 0.25);
    assert.ok(Math.abs(loss - 0.75 * x) < 0.05 && Math.abs(grad - 0.75) < 1e-3, `${loss}`);
  }
});

test("a positive is not capped at 87.34 alpha, where log(max(p, 2^-126)) ends", () => {
  const cap = -Math.log(MIN_NORMAL);
  assert.ok(Math.abs(cap - 87.34) < 0.01);
  for (const x of [-88, -200, -1e30]) assert.ok(meets(x, 1, 2, 0.25).loss > 0.25 * cap);
});

test("at x = -20 a positive costs 20 with slope -1, where a clip at 1e-7 leaves 16.118 and -6.6e-8", () => {
  const [low, gamma] = [1e-7, 2];
  // Inside the clip the logarithm is constant: what is left of the slope is that of the factor.
  const clipped = (x: number): [loss: number, slope: number] => {
    const p = sigmoid(x);
    const ce = -Math.log(Math.max(p, low));
    const own = p < low ? 0 : 1 - p;
    return [(1 - p) ** gamma * ce, -((1 - p) ** gamma) * (own + gamma * p * ce)];
  };
  for (const [x, loss, slope] of [
    [-16, 16, -1],
    [-16.2, 16.118, -3e-6],
    [-20, 16.118, -6.6e-8],
  ]) {
    const peer = clipped(x);
    assert.ok(Math.abs(peer[0] - loss) < 1e-3 && Math.abs(peer[1] / slope - 1) < 0.02, `${peer}`);
    const ours = meets(x, 1, gamma, null);
    assert.ok(Math.abs(ours.loss + x) < 1e-4 && Math.abs(ours.grad + 1) < 1e-4, `${ours.loss} ${ours.grad}`);
  }
});

test("a saturated correct logit has a finite gradient for gamma below 1, where gamma q^(gamma - 1) is infinite times 0", () => {
  const powerRule = (x: number, gamma: number): number => {
    const q = round(1 - saturating(x));
    return round(gamma * q ** (gamma - 1)) * round(q * -Math.log(saturating(x)));
  };
  for (const gamma of [0.2, 0.5, 0.9]) {
    for (const x of [17, 20, 50, 87]) {
      assert.ok(Number.isNaN(powerRule(x, gamma)));
      const { grad } = meets(x, 1, gamma, 0.5);
      assert.ok(x > 50 || grad < 0, `${grad} at ${x}`);
      const mirrored = meets(-x, 0, gamma, 0.5);
      assert.equal(mirrored.grad, -grad);
    }
  }
});

test("gamma 0.5 is finite from x = 104 on, where even e^-x is 0 in float32", () => {
  for (const x of [104, 200, 1e4, 3.4e38]) {
    const q = round(Math.exp(-x));
    assert.ok(Number.isNaN(0.5 * q ** -0.5 * q), "a power rule on sigmoid(-x), however it was formed");
    for (const y of [0, 1]) {
      const { loss, grad } = meets(y ? x : -x, y, 0.5, null);
      assert.deepEqual([loss, Object.is(grad, y ? -0 : 0)], [0, true]);
    }
  }
});

test("alpha weighs without being switched on: 0.511683443 with it and 0.693278939 without", () => {
  const logits = Float32Array.of(-1.6, 0.51, 2.94, -1.8);
  const targets = Uint8Array.of(0, 1, 0, 0);
  for (const [alpha, published] of [
    [0.25, 0.511683443],
    [null, 0.693278939],
  ] as const) {
    const truth = logits.reduce((sum, x, i) => sum + focalHardTruth(x, targets[i], 2, alpha).loss / 4, 0);
    const { loss } = focal(logits, targets, { alpha });
    assert.ok(Math.abs(truth - published) < 1e-6, `${truth}`);
    assert.ok(Math.abs(loss - truth) < 4e-6 * truth, `${loss}`);
  }
  for (const alpha of [10, 100]) refuse(() => focal(logits, targets, { alpha }), "RangeError", /alpha/);
});

test("gamma 0 is cross-entropy at every logit, where 0 q^-1 would be NaN", () => {
  for (const x of [-3.4e38, -1000, -104, -20, 0, 20, 104, 1000, 3.4e38]) {
    const q = round(1 - saturating(x));
    if (x >= 17) assert.ok(Number.isNaN(0 * q ** -1), "gamma q^(gamma - 1) at gamma = 0");
    for (const y of [0, 1]) {
      const of = (loss: typeof bce): unknown =>
        loss(Float32Array.of(x), Uint8Array.of(y), {
          ...(loss === focal && { gamma: 0, alpha: null }),
          reduction: "none",
        });
      assert.deepEqual(of(focal as typeof bce), of(bce));
      const { loss } = meets(x, y, 0, null);
      assert.ok(Math.abs(loss - round(softplus(y ? -x : x))) <= 1e-6 * loss + MIN_NORMAL);
    }
  }
});

test("a logit of 100 on either side is finite for every gamma, in loss and gradient", () => {
  for (const gamma of [0, 0.1, 0.5, 1, 2, 5]) {
    for (const [x, y] of [
      [100, 1],
      [-100, 0],
      [100, 0],
      [-100, 1],
    ]) {
      const { loss, grad } = meets(x, y, gamma, 0.25);
      assert.ok(Number.isFinite(loss) && Number.isFinite(grad));
    }
  }
});
