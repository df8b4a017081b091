/** What `pairwise` refuses, by pair; and that a refused chunk leaves a stream as it was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PairwiseOptions, pairwise } from "../src/mod.ts";
import { pairData } from "./pairs-data.ts";
import { loose, put, refuse } from "./refusal.ts";

const n = 40000;
const { scores, pairs } = pairData(500, n, 4);
const aside = Uint32Array.of(0, 1);

/** A copy of the pairs with one index changed. */
function other(at: number, item: number): Uint32Array {
  const copy = pairs.slice();
  copy[at] = item;
  return copy;
}

test("pairwise refuses scores and indices that are none, by pair, and nothing changes", () => {
  const stream = pairwise.stream().update(scores, pairs);
  const before = stream.save();
  for (const at of [0, 1, 777, 2 * 32768, 2 * n - 1]) {
    const pair = at >> 1;
    const bad: [Float32Array, Uint32Array, RegExp][] = [];
    for (const item of [500, 2 ** 31, 2 ** 32 - 1]) {
      const says = new RegExp(`indices below 500, one of the scores, got ${item} in pair ${pair}$`);
      bad.push([scores, other(at, item), says]);
    }
    for (const value of [NaN, Infinity, -Infinity]) {
      const wider = Float32Array.of(...scores, value);
      const says = new RegExp(`finite scores, got ${value} at item 500 of pair ${pair}$`);
      bad.push([wider, other(at, 500), says]);
    }
    for (const [x, indices, says] of bad) {
      refuse(() => pairwise(x, indices), "RangeError", says);
      refuse(() => stream.update(x, indices), "RangeError", says);
      assert.deepEqual(stream.save(), before);
    }
  }
  refuse(() => pairwise(new Float32Array(0), aside), "RangeError", /indices below 0, .* got 0 in pair 0/);
});

test("pairwise: both scores of a pair infinite are refused, though their difference is no infinity", () => {
  for (const value of [Infinity, -Infinity])
    refuse(() => pairwise(Float32Array.of(value, value), aside), "RangeError", /item 0 of pair 0/);
});

test("pairwise: a score that no unmasked pair uses may be anything", () => {
  const wider = Float32Array.of(...scores, NaN);
  const { loss, grad } = pairwise(wider, pairs);
  assert.deepEqual(
    [loss, grad],
    [pairwise(scores, pairs).loss, Float32Array.of(...pairwise(scores, pairs).grad, 0)],
  );
});

test("pairwise refuses weights and losses beyond the finite ones, by pair", () => {
  const ones = new Float32Array(n).fill(1);
  const stream = pairwise.stream();
  const before = stream.save();
  for (const w of [-1, NaN, Infinity]) {
    for (const at of [0, 77, n - 1]) {
      const weights = put(ones, at, w);
      const says = new RegExp(`finite weights >= 0, got ${w} at pair ${at}$`);
      refuse(() => pairwise(scores, pairs, { weights }), "RangeError", says);
      refuse(() => stream.update(scores, pairs, { weights }), "RangeError", says);
    }
  }
  const far = Float32Array.of(0, 3e38, -3e38);
  const twice = Uint32Array.of(1, 2, 2, 1);
  refuse(
    () => pairwise(far, twice),
    "RangeError",
    /overflow at pair 1 \(scores -3\.0+\d*e\+38 and 3\.0*\d*e\+38/,
  );
  refuse(() => stream.update(far, twice), "RangeError", /overflow at pair 1/);
  refuse(
    () => pairwise(far, Uint32Array.of(0, 1), { weights: Float32Array.of(2), loss: "focal" }),
    "RangeError",
    /overflow at pair 0 .*weight 2/,
  );
  assert.deepEqual(stream.save(), before);
});

test("pairwise refuses options of another loss, and options that are none", () => {
  const cases: [PairwiseOptions, "TypeError" | "RangeError", RegExp][] = [
    [{ gamma: 2 }, "TypeError", /gamma beside the loss "focal" alone, got it beside "bpr"$/],
    [{ loss: "bpr", gamma: 0 }, "TypeError", /gamma/],
    [loose({ loss: "hinge" }), "RangeError", /loss as one of bpr, focal.*, got "hinge"/],
    [loose({ loss: 1 }), "TypeError", /loss as one of/],
    [{ loss: "focal", gamma: -1 }, "RangeError", /gamma in \[0, 1000\], got -1/],
    [{ loss: "focal", gamma: NaN }, "RangeError", /gamma/],
    [loose({ alpha: 0.5 }), "TypeError", /options among loss, .*got "alpha"/],
    [loose({ normalizer: "positives" }), "RangeError", /"count" or a number, got "positives"/],
    [{ normalizer: 0 }, "RangeError", /normalizer/],
    [loose({ reduction: "max" }), "RangeError", /reduction/],
  ];
  for (const [options, kind, says] of cases) {
    refuse(() => pairwise(scores, pairs, options), kind, says);
    refuse(() => pairwise.into({}, scores, pairs, options), kind, says);
    refuse(() => pairwise.stream(options), kind, says);
    refuse(() => pairwise.fromRows([], options), kind, says);
  }
  refuse(() => pairwise.stream(loose({ mask: new Uint8Array(1) })), "TypeError", /"mask"/);
  refuse(() => pairwise.stream().update(scores, pairs, loose({ gamma: 1 })), "TypeError", /"gamma"/);
  assert.equal(pairwise(scores, pairs, { loss: undefined, gamma: undefined }).count, n);
});

test("pairwise refuses arrays of another kind or length, and outputs that overlap", () => {
  refuse(() => pairwise(loose([1, 2]), aside), "TypeError", /scores as a Float32Array, got Array/);
  refuse(() => pairwise(scores, loose(Int32Array.of(0, 1))), "TypeError", /pairs as a Uint32Array/);
  refuse(() => pairwise(scores, pairs.subarray(1)), "RangeError", /two indices for each pair, got 79999/);
  const short = { mask: new Uint8Array(n - 1), weights: new Float32Array(n + 1) };
  refuse(() => pairwise(scores, pairs, { mask: short.mask }), "RangeError", /40000 mask bytes/);
  refuse(() => pairwise(scores, pairs, { weights: short.weights }), "RangeError", /40000 weights/);
  const into = (out: { grad?: Float32Array; losses?: Float32Array }) => (): unknown =>
    pairwise.into(out, scores, pairs);
  refuse(into({ grad: new Float32Array(499) }), "RangeError", /500 elements of grad, one for each score/);
  refuse(into({ losses: new Float32Array(500) }), "RangeError", /40000 elements of losses/);
  refuse(into(loose({ grads: scores })), "TypeError", /"grads"/);
  const shared = new Float32Array(pairs.buffer, 0, 500);
  refuse(into({ grad: shared }), "RangeError", /grad and pairs .* overlap/);
  const both = new Float32Array(n + 500);
  const overlap = { grad: both.subarray(100, 600), losses: both.subarray(0, n) };
  refuse(into(overlap), "RangeError", /grad and losses in separate memory/);
});
