/** Losses and gradients that no float32 is: refused by name, wherever a weight or a divisor can take them there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asymmetric,
  bce,
  focal,
  type LossResult,
  pairwise,
  softmaxCrossEntropy,
  softmaxSoftTruncation,
  softTruncation,
} from "../src/mod.ts";
import { refuse } from "./refusal.ts";

const F = (...values: number[]) => Float32Array.from(values);
const I = (...values: number[]) => Int32Array.from(values);
const TINY = 2 ** -126;

type Out = { grad?: Float32Array };
type Case = [name: string, run: (out: Out) => { loss: number }, length: number, says: RegExp];

const REFUSED: Case[] = [
  [
    "a steep loss over the smallest divisor",
    (out) => softTruncation.into(out, F(5, 0), F(1, 1), { k: 1000, normalizer: TINY }),
    2,
    /overflow at index 1 \(logit 0, target 1, weight 1\)/,
  ],
  [
    "a steep loss with a weight",
    (out) => softTruncation.into(out, F(0), F(1), { k: 1000, weights: F(1e37), reduction: "none" }),
    1,
    /index 0 \(logit 0, target 1, weight 9\.99.*e\+36\)/,
  ],
  [
    "focal loss of a large exponent",
    (out) =>
      focal.into(out, F(-7), F(1), { gamma: 1000, alpha: null, weights: F(1.2e38), reduction: "none" }),
    1,
    /index 0/,
  ],
  [
    "a weight over a divisor",
    (out) => bce.into(out, F(-7), F(1), { weights: F(1e30), normalizer: 1e-20 }),
    1,
    /index 0/,
  ],
  [
    "a class weight over a divisor",
    (out) => bce.into(out, F(1, -7), F(0, 1), { posWeight: 1e30, normalizer: 1e-20 }),
    2,
    /index 1/,
  ],
  [
    "one of many class weights",
    (out) =>
      bce.into(out, F(-7, -7, -7), F(1, 1, 1), { posWeight: F(1, 2, 1e30), classes: 3, normalizer: 1e-20 }),
    3,
    /index 2/,
  ],
  [
    "a weight behind the first chunk",
    (out) => {
      const weights = new Float32Array(40000).fill(1);
      weights[39000] = 1e37;
      return softTruncation.into(out, new Float32Array(40000), new Float32Array(40000), {
        k: 1000,
        weights,
        reduction: "sum",
      });
    },
    40000,
    /index 39000/,
  ],
  [
    "rows by a tiny divisor",
    (out) =>
      softmaxCrossEntropy.into(out, F(9, 0, 0, 0, 9, 0), I(0, 0), {
        classes: 3,
        rowWeights: F(0, 1e10),
        normalizer: 1e-30,
      }),
    6,
    /gradients .* overflow at row 1 \(label 0, weight 1.*\)/,
  ],
  [
    "a rival that is far ahead",
    (out) => softmaxSoftTruncation.into(out, F(0, 2e36, 0), I(0), { classes: 3, form: "rival", k: 1000 }),
    3,
    /gradients .* row 0/,
  ],
  [
    "pairs by a tiny divisor",
    (out) => pairwise.into(out, F(0, 5), Uint32Array.of(0, 1), { normalizer: TINY, weights: F(1e3) }),
    2,
    /gradients .* overflow at item 0/,
  ],
  [
    "harmonized pairs by a tiny divisor",
    (out) =>
      pairwise.into(out, F(0, 5, 5), Uint32Array.of(1, 0, 0, 2), {
        loss: "ghm",
        normalizer: TINY,
        weights: F(1, 1e3),
      }),
    3,
    /gradients .* overflow at item 0/,
  ],
];

for (const [name, run, length, says] of REFUSED) {
  test(`${name}: the gradient is refused, the loss alone is not`, () => {
    refuse(() => run({ grad: new Float32Array(length) }), "RangeError", says);
    const { loss } = run({});
    assert.ok(Number.isFinite(loss), `${loss}`);
  });
}

test("a loss beyond float32 behind the first chunk is refused by its place in the batch", () => {
  const n = 40000;
  const index = 39000;
  const targets = new Uint8Array(n);
  const weights = new Float32Array(n).fill(1).with(index, 4);
  const x = new Float32Array(n).with(index, 3e38);
  const element = new RegExp(`losses .* overflow at index ${index} `);
  refuse(() => bce(x, targets, { weights }), "RangeError", element);
  refuse(() => bce.stream().update(x, targets, { weights }), "RangeError", element);
  refuse(() => asymmetric(x, targets, { weights, gammaNeg: 0, clip: 0 }), "RangeError", element);
  const rows = new Float32Array(2 * n).with(2 * index + 1, 3e38);
  const options = { classes: 2, rowWeights: weights };
  const row = new RegExp(`losses .* overflow at row ${index} `);
  refuse(() => softmaxCrossEntropy(rows, new Int32Array(n), options), "RangeError", row);
  const pairs = new Uint32Array(2 * n).fill(1).with(2 * index, 0);
  const pair = new RegExp(`losses .* overflow at pair ${index} `);
  refuse(() => pairwise(F(-3e38, 0), pairs, { weights }), "RangeError", pair);
});

test("the largest gradients that float32 has are not refused", () => {
  const largest: LossResult[] = [
    bce(F(0), F(1), { weights: F(3.4028234663852886e38) }),
    bce(F(-7), F(1), { normalizer: TINY * 2 }),
    softmaxCrossEntropy(F(0, 0), I(0), { classes: 2, rowWeights: F(3e38) }),
    pairwise(F(0, 0), Uint32Array.of(0, 1), { weights: F(3e38) }),
  ];
  for (const { grad } of largest) {
    assert.ok(grad.every(Number.isFinite));
    assert.ok(
      grad.some((g) => Math.abs(g) > 4e37),
      `${grad}`,
    );
  }
});
