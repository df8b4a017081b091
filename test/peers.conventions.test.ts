/** What others leave open, or decide in more ways than one: ignored labels, ties, empty means, dropped cells. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asl1,
  asymmetric,
  bce,
  focal,
  focalStar,
  ghmc,
  hardTruncation,
  occlusion,
  ohem,
  smoothL1,
  softmaxFocal,
  softTruncation,
} from "../src/mod.ts";
import { bceTruth } from "./reference/pointwise.ts";
import { softmaxFocalTruth } from "./reference/rows.ts";
import { loose, refuse } from "./refusal.ts";

const BINARY = { bce, focal, focalStar, hardTruncation, softTruncation, asymmetric };

test("a target of -1 is refused with a hint at mask, where it is all-negative, no loss or an error", () => {
  const x = Float32Array.of(1, 2, 3);
  const y = Float32Array.of(1, -1, 0);
  const mask = Uint8Array.of(1, 0, 1);
  for (const [name, loss] of Object.entries({ ...BINARY, ghmc })) {
    refuse(() => loss(x, y), "RangeError", /got -1 at index 1 \(leave ignored elements out with mask\)/);
    refuse(
      () => loss(x, loose(Int32Array.from(y))),
      "TypeError",
      /Float32Array or Uint8Array, got Int32Array/,
    );
    const kept = loss(x, y, { mask });
    assert.equal(kept.count, 2, name);
    assert.equal(kept.grad[1], 0);
    assert.deepEqual(kept.loss, loss(Float32Array.of(1, 3), Float32Array.of(1, 0)).loss, name);
  }
});

test("a label of -1 is refused, or not there where ignoreIndex says so", () => {
  const x = Float32Array.of(2, 1, 0, 0, 0, 5);
  refuse(() => softmaxFocal(x, Int32Array.of(0, -1), { classes: 3 }), "RangeError", /got -1 at row 1/);
  const { loss, count, grad } = softmaxFocal(x, Int32Array.of(0, -1), { classes: 3, ignoreIndex: -1 });
  const truth = softmaxFocalTruth([2, 1, 0], 0, 2, 1);
  assert.ok(count === 1 && Math.abs(loss / truth.loss - 1) < 4e-6);
  assert.deepEqual([...grad.subarray(3)], [0, 0, 0]);
});

test("the mean of nothing is 0, where 0 / 0 is NaN", () => {
  const none = new Float32Array(0);
  const masked = { mask: new Uint8Array(2) };
  for (const [name, loss] of Object.entries({ ...BINARY, smoothL1, asl1, ghmc })) {
    assert.deepEqual([loss(none, none).loss, loss(none, none).count], [0, 0], name);
    const hidden = loss(Float32Array.of(NaN, Infinity), Float32Array.of(NaN, 5), masked);
    assert.deepEqual([hidden.loss, ...hidden.grad], [0, 0, 0], name);
  }
  assert.equal(softmaxFocal(Float32Array.of(1, 2), Int32Array.of(-100), { classes: 2 }).loss, 0);
});

test("equal losses are selected by index, in any number and at any cut", () => {
  const losses = Float32Array.from({ length: 40000 }, (_, i) => (i % 3 === 1 ? 2 : 1));
  const twos = Array.from(losses.keys()).filter((i) => losses[i] === 2);
  const ones = Array.from(losses.keys()).filter((i) => losses[i] === 1);
  for (const budget of [1, 7, twos.length - 1, twos.length + 3]) {
    assert.deepEqual([...ohem(losses, { budget }).indices], [...twos, ...ones].slice(0, budget));
  }
});

test("a loss that is reduced already is refused, where a top-k of it crashes", () => {
  const { loss, losses } = bce(Float32Array.of(1, 2, -3), Uint8Array.of(0, 0, 0), { reduction: "none" });
  refuse(() => ohem(loose(loss), { budget: 1 }), "TypeError", /losses as a Float32Array/);
  assert.deepEqual([...ohem(losses ?? loose(null), { budget: 1 }).indices], [1]);
});

test("cells that are dropped from a mask's loss have no gradient, and the others that of the rest alone", () => {
  const logits = Float32Array.from({ length: 18 }, (_, i) => (i % 7) - 3);
  const target = Uint8Array.from({ length: 18 }, (_, i) => (i % 4 === 0 ? 1 : 0));
  // Every second cell of the background is out.
  const keep = target.map((t, i) => (t || i % 2 ? 1 : 0));
  const kept = keep.reduce((n, k) => n + k, 0);
  const { grad, count } = bce(logits, target, { mask: keep });
  assert.ok(count === kept && kept > 9 && kept < 18);
  const all = occlusion.loss(logits, target, { n: 2, size: 3 });
  grad.forEach((g, i) => {
    const want = keep[i] ? bceTruth(logits[i], target[i]).grad / kept : 0;
    assert.ok(Math.abs(g - want) <= 1e-6 * Math.abs(want), `cell ${i}`);
    assert.ok(g !== all.grad[i], "dropping has an effect");
  });
});
