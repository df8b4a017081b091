/** The asymmetric losses where ASL's and timm's code leave the formula: docs/losses.md has the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asymmetric, asymmetricSingleLabel } from "../src/mod.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { sigmoid, softplus } from "./reference/logistic.ts";
import { type AsymmetricParams, asymmetricTruth } from "./reference/margin-losses.ts";
import { asymmetricTruth as rowTruth } from "./reference/rows.ts";
import { refuse } from "./refusal.ts";
import { rowData } from "./rows-table.ts";

const none = "none" as const;
const DEFAULTS: AsymmetricParams = { gammaPos: 0, gammaNeg: 4, clip: 0.05, detachFocus: false };

function meets(x: number, y: number, params: Partial<AsymmetricParams>): { loss: number; grad: number } {
  const { loss, grad } = asymmetric(Float32Array.of(x), Uint8Array.of(y), { ...params, reduction: "sum" });
  const truth = asymmetricTruth(Math.fround(x), y, { ...DEFAULTS, ...params });
  const near = (got: number, want: number, what: string): void =>
    assert.ok(
      Math.abs(got - want) <= 6e-6 * Math.abs(want) + MIN_NORMAL,
      `${what} at ${x}: ${got}, not ${want}`,
    );
  near(loss, truth.loss, "loss");
  near(grad[0], truth.grad, "gradient");
  return { loss, grad: grad[0] };
}

test("a positive at x = -19 has slope -1, where max(p, 1e-8) has none from -18.42 on", () => {
  const clamped = (x: number): number => (sigmoid(x) > 1e-8 ? -sigmoid(-x) : 0);
  assert.ok(clamped(-18.4) < -0.999 && clamped(-18.43) === 0);
  for (const x of [-18, -18.43, -19, -50, -1000]) {
    const { loss, grad } = meets(x, 1, {});
    assert.ok(Math.abs(loss + x) < 1e-6 && Math.abs(grad + 1) < 1e-6, `${loss} ${grad}`);
  }
});

test("an easy negative has a gradient of 0 for gammaNeg below 1, where 0^(gammaNeg - 1) times 0 is NaN", () => {
  for (const gammaNeg of [0.1, 0.5, 0.9]) {
    assert.ok(Number.isNaN(gammaNeg * 0 ** (gammaNeg - 1) * 0));
    for (const x of [-100, -10, -3]) assert.deepEqual(meets(x, 0, { gammaNeg }), { loss: 0, grad: 0 });
    for (const x of [-2.9, 0, 5, 17, 100]) meets(x, 0, { gammaNeg });
  }
  for (const gammaPos of [0.1, 0.5, 0.9]) for (const x of [17, 50, 104, 1e4]) meets(x, 1, { gammaPos });
});

test("a soft target is refused, where one power mixes the exponents of both targets", () => {
  const [x, y] = [0.3, 0.7];
  const p = sigmoid(x);
  const mixed =
    (p * (1 - y) + (1 - p) * y) ** (1 * y + 4 * (1 - y)) * (y * softplus(-x) + (1 - y) * softplus(x));
  const of = (t: number): number =>
    asymmetricTruth(x, t, { gammaPos: 1, gammaNeg: 4, clip: 0, detachFocus: false }).loss;
  assert.ok(
    Math.abs(mixed - (y * of(1) + (1 - y) * of(0))) > 0.03,
    "neither of the two losses it lies between",
  );
  refuse(
    () => asymmetric(Float32Array.of(1, x), Float32Array.of(1, y)),
    "RangeError",
    /targets of 0 or 1, got 0.69\d* at index 1/,
  );
  // The mixture is two calls on hard targets.
  const { loss } = asymmetric(Float32Array.of(x, x), Uint8Array.of(1, 0), {
    gammaPos: 1,
    clip: 0,
    weights: Float32Array.of(y, 1 - y),
    reduction: "sum",
  });
  assert.ok(Math.abs(loss - (y * of(1) + (1 - y) * of(0))) < 1e-6);
});

test("whether the powers are differentiated is said by detachFocus, and by default they are", () => {
  for (const [x, y] of [
    [0, 0],
    [1.5, 0],
    [-1, 1],
  ]) {
    const whole = meets(x, y, { gammaPos: 1 });
    const held = meets(x, y, { gammaPos: 1, detachFocus: true });
    assert.ok(whole.loss === held.loss && Math.abs(whole.grad) > 1.2 * Math.abs(held.grad));
  }
  const at = (detachFocus: boolean): string => meets(0, 0, { detachFocus }).grad.toFixed(4);
  assert.deepEqual([at(false), at(true)], ["0.0731", "0.0186"]);
});

test("reduction sum of asymmetricSingleLabel is a sum, where it returns the unreduced vector", () => {
  const { logits, labels } = rowData(50, 4, 9, 5, 0);
  const of = { classes: 4, gammaPos: 1 };
  const want = Array.from(
    labels,
    (t, i) => rowTruth(logits.subarray(4 * i, 4 * i + 4), t, 1, 4, 0.1).loss,
  ).reduce((a, b) => a + b, 0);
  const sum = asymmetricSingleLabel(logits, labels, { ...of, reduction: "sum" });
  const mean = asymmetricSingleLabel(logits, labels, { ...of, reduction: "mean" });
  const each = asymmetricSingleLabel(logits, labels, { ...of, reduction: none });
  assert.ok(typeof sum.loss === "number" && Math.abs(sum.loss / want - 1) < 1e-5);
  assert.ok(Math.abs((mean.loss * 50) / want - 1) < 1e-5 && each.losses?.length === 50);
});

test("smoothing brings the exponent of the other classes in, as the formula says, and without it there is none to bring", () => {
  const { logits, labels } = rowData(50, 4, 10, 5, 0);
  const run = (gammaNeg: number, labelSmoothing: number): number[] => {
    const of = { classes: 4, gammaNeg, labelSmoothing, reduction: none };
    const { losses } = asymmetricSingleLabel(logits, labels, of);
    return Array.from(losses ?? [], (loss, i) => {
      const truth = rowTruth(logits.subarray(4 * i, 4 * i + 4), labels[i], 0, gammaNeg, labelSmoothing);
      assert.ok(Math.abs(loss - truth.loss) <= 1e-5 * truth.loss + MIN_NORMAL);
      return loss;
    });
  };
  assert.deepEqual(run(4, 0), run(0, 0));
  assert.ok(run(4, 0.1).every((loss, i) => loss < run(0, 0.1)[i]));
});
