/** DR loss of its authors on fixed inputs; see `test/golden/README.md`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drLoss } from "../src/mod.ts";
import { type Case, type Cell, close, load } from "./peers.ts";
import { drLoss as truth } from "./reference/dr.ts";

test("idstcv.SigmoidDRLoss: 15 cases, ours and the oracle", () => {
  const cases = load("idstcv.SigmoidDRLoss") as (Case & { input: { shape: number[] } })[];
  for (const { name, params, input, expected } of cases) {
    const logits = Float32Array.from(input.logits as Cell[], Number);
    const labels = Int32Array.from(input.targets as Cell[], Number);
    const options = {
      classes: input.shape[1],
      lambdaPos: Number(params.pos_lambda),
      lambdaNeg: Number(params.neg_lambda),
      scale: Number(params.L),
      tau: Number(params.tau),
    };
    const got = drLoss(logits, labels, options);
    const { loss, grad } = truth(logits, labels, options);
    close(got.loss, Number(expected.loss), 1e-12 * got.loss, name);
    close(loss, Number(expected.loss), 1e-13 * loss, `${name}, oracle`);
    expected.grad?.forEach((want, i) => {
      // The peer forms 1 - p in float64: what is below 1e-16 it cannot tell from 0.
      close(got.grad[i], Number(want), 1e-7 * Math.abs(Number(want)) + 1e-15, `${name} grad[${i}]`);
      close(grad[i], Number(want), 1e-12 * Math.abs(Number(want)) + 1e-15, `${name} grad[${i}], oracle`);
    });
    assert.equal(expected.grad?.length, logits.length);
  }
  assert.equal(cases.length, 15);
});
