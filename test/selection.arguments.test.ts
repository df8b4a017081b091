/** What `ohem` refuses, what it accepts, and what it leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ohem } from "../src/mod.ts";
import { random } from "./data.ts";
import { loose, put, refuse } from "./refusal.ts";

const n = 70;
const next = random(5);
const losses = Float32Array.from({ length: n }, () => next());
const boxes = Float32Array.from({ length: 4 * n }, (_, k) => (k & 2 ? 9 : 0) + Math.floor(next() * 8));
const call = (options: object) => () => ohem(losses, loose({ budget: 5, ...options }));

test("kinds are refused", () => {
  refuse(() => ohem(loose([1, 2]), { budget: 1 }), "TypeError", /Float32Array\.from/);
  refuse(() => ohem(losses, loose(undefined)), "TypeError", /budget/);
  refuse(() => ohem(losses, loose(5)), "TypeError", /options/);
  refuse(call({ budget: "5" }), "TypeError", /budget/);
  refuse(call({ mask: new Float32Array(n) }), "TypeError", /mask/);
  refuse(call({ boxes: new Float64Array(4 * n) }), "TypeError", /boxes/);
  refuse(call({ groups: Array(n).fill(0) }), "TypeError", /groups/);
  refuse(call({ positives: Array(n).fill(true), ratio: 3 }), "TypeError", /positives/);
  refuse(call({ ratio: 3 }), "TypeError", /positives/);
  refuse(call({ top: 3 }), "TypeError", /"top"/);
});

test("shapes and ranges are refused with what came", () => {
  refuse(call({ mask: new Uint8Array(n - 1) }), "RangeError", /69/);
  refuse(call({ boxes: new Float32Array(n) }), "RangeError", /280.*70/);
  refuse(call({ groups: new Uint8Array(3) }), "RangeError", /\b3\b/);
  refuse(call({ positives: new Uint8Array(71), ratio: 1 }), "RangeError", /71/);
  for (const budget of [-1, 0.5, Number.NaN, Infinity]) refuse(call({ budget }), "RangeError", /budget/);
  for (const iou of [-0.1, 1.1, Number.NaN]) refuse(call({ iou, boxes }), "RangeError", /iou/);
  for (const ratio of [-1, Number.NaN]) {
    refuse(call({ ratio, positives: new Uint8Array(n) }), "RangeError", /ratio/);
  }
});

test("the first loss and the first box that is none is named, but not below the mask", () => {
  for (const at of [0, 5, 64, 69]) {
    const named = new RegExp(`index ${at}\\b`);
    const mask = new Uint8Array(n).fill(1);
    mask[at] = 0;
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      const values = put(put(losses, 69, Number.NaN), at, bad);
      refuse(() => ohem(values, { budget: 3 }), "RangeError", named);
      refuse(() => ohem(values, { budget: 0 }), "RangeError", named);
      refuse(() => ohem(values, { budget: 3, boxes }), "RangeError", named);
      assert.equal(ohem(put(losses, at, bad), { budget: n, mask }).count, n - 1);
    }
    for (const [place, bad] of [
      [0, Number.NaN],
      [1, -Infinity],
      [2, boxes[4 * at] - 1],
      [3, boxes[4 * at + 1] - 1],
      [3, Infinity],
    ]) {
      const odd = put(boxes, 4 * at + place, bad);
      refuse(() => ohem(losses, { budget: 3, boxes: odd }), "RangeError", named);
      assert.ok(ohem(losses, { budget: 3, boxes: odd, mask }).count === 3);
    }
  }
});

test("inputs stay as they are, shared memory and every kind of group will do", () => {
  const want = ohem(losses, { budget: 9, boxes, groups: Uint8Array.from(losses, (_, i) => i % 3) });
  const shared = new Float32Array(new SharedArrayBuffer(4 * n));
  shared.set(losses);
  const far = Array.from(losses, (_, i) => (i % 3) * 1000);
  for (const groups of [Int32Array.from(far), Uint32Array.from(far), Uint16Array.from(far)]) {
    assert.deepEqual(ohem(shared, { budget: 9, boxes, groups }), want);
  }
  assert.deepEqual(shared.slice(), losses);
  const frozen = [losses.slice(), boxes.slice()];
  ohem(losses, { budget: 9, boxes, positives: new Uint8Array(n).fill(1), ratio: 1 });
  assert.deepEqual([losses, boxes], frozen);
});
