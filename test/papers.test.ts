/** Numbers that the focal paper and its readers publish, and values computed with forty digits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { focal } from "../src/mod.ts";
import { at, logit, none } from "./element.ts";
import { json } from "./project.ts";
import { sigmoid, softplus } from "./reference/logistic.ts";
import { ulps } from "./reference/ulp.ts";

interface Vector {
  x: number;
  y: number;
  gamma: number;
  alpha: number;
  loss: number;
  grad: number;
}

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
