/** Losses of pairs as they are often written: docs/losses.md has the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pairwise } from "../src/mod.ts";
import { sigmoid } from "./reference/logistic.ts";
import { bceTruth } from "./reference/pointwise.ts";

test("a pair that is 30 the wrong way loses 30 with slope -1, where -log(sigmoid(d) + 1e-10) ends at 23 and fades", () => {
  const padded = (d: number): [loss: number, slope: number] => {
    const p = sigmoid(d);
    return [-Math.log(p + 1e-10), (-p * (1 - p)) / (p + 1e-10)];
  };
  assert.ok(Math.abs(padded(-30)[0] - 23.03) < 0.01 && Math.abs(padded(-30)[1]) < 1e-3);
  for (const d of [-20, -30, -100, -1000]) {
    const { loss, grad } = pairwise(Float32Array.of(d, 0), Uint32Array.of(0, 1));
    const truth = bceTruth(d, 1);
    assert.ok(Math.abs(loss - truth.loss) <= 1e-6 * truth.loss, `${loss}`);
    assert.ok(Math.abs(grad[0] - truth.grad) <= 1e-6 && grad[1] === -grad[0], `${grad[0]}`);
  }
});
