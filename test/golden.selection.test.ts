/** Selections of peers and by brute force on fixed inputs; see `test/golden/README.md`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, ohem, sohem } from "../src/mod.ts";
import { json } from "./project.ts";

interface Case<P, I, E> {
  name: string;
  params: P;
  input: I;
  expected: E;
}

function load<P, I, E>(file: string): Case<P, I, E>[] {
  return json<{ cases: Case<P, I, E>[] }>("test", "golden", `${file}.json`).cases;
}

const ascending = (indices: Uint32Array): number[] => [...indices].sort((a, b) => a - b);

test("oracle.topk: 76 cases", () => {
  type Want = { selectedByLossThenIndex: number[]; sumSelected: number };
  const cases = load<{ k: number }, { loss: number[]; mask?: number[] }, Want>("oracle.topk");
  for (const { name, params, input, expected } of cases) {
    const mask = input.mask && Uint8Array.from(input.mask);
    const got = ohem(Float32Array.from(input.loss), { budget: params.k, mask });
    assert.deepEqual([...got.indices], expected.selectedByLossThenIndex, name);
  }
  assert.equal(cases.length, 76);
});

test("oracle.nms_ohem: 25 cases", () => {
  type Params = { iouThreshold: number; batchSize: number };
  type Want = { keep: number[]; hard: number[] };
  const cases = load<Params, { boxes: number[]; loss: number[] }, Want>("oracle.nms_ohem");
  for (const { name, params, input, expected } of cases) {
    const losses = Float32Array.from(input.loss);
    const options = { boxes: Float32Array.from(input.boxes), iou: params.iouThreshold };
    assert.deepEqual(
      [...ohem(losses, { ...options, budget: params.batchSize }).indices],
      expected.hard,
      name,
    );
    assert.deepEqual([...ohem(losses, { ...options, budget: losses.length }).indices], expected.keep, name);
  }
  assert.equal(cases.length, 25);
});

test("oracle.strata_topk: 7 cases", () => {
  type Params = { strata: number; quota: number[] };
  const cases = load<Params, { stratum: number[]; loss: number[] }, { refilledSorted: number[] }>(
    "oracle.strata_topk",
  );
  for (const { name, params, input, expected } of cases) {
    const losses = Float32Array.from(input.loss);
    const got = sohem(losses, new Float32Array(losses.length), {
      budget: params.quota.reduce((a, b) => a + b),
      key: Float32Array.from(input.stratum),
      cuts: [1, 2, 3],
      quotas: [...params.quota, 0].slice(0, 4),
    });
    // A budget above the number of examples is cut down to it, and shares with it.
    if (losses.length >= params.quota.reduce((a, b) => a + b)) {
      assert.deepEqual([...got.quotas], [...params.quota, 0].slice(0, 4), name);
    }
    assert.deepEqual(ascending(got.indices), expected.refilledSorted, name);
  }
  assert.equal(cases.length, 7);
});

test("oracle.ohem_bce: 10 cases, the selection as the mask of a loss", () => {
  type Params = { k: number; reduction: "mean" | "sum" };
  type Input = Record<"logits" | "targets" | "mask", number[]>;
  type Want = { loss: number; grad: number[]; extra: { selectedSorted: number[] } };
  const cases = load<Params, Input, Want>("oracle.ohem_bce");
  for (const { name, params, input, expected } of cases) {
    const [x, y] = [Float32Array.from(input.logits), Float32Array.from(input.targets)];
    const mask = Uint8Array.from(input.mask);
    const { losses } = bce(x, y, { mask, reduction: "none" });
    const hard = ohem(losses ?? x, { budget: params.k, mask });
    assert.deepEqual(ascending(hard.indices), expected.extra.selectedSorted, name);
    const got = bce(x, y, { mask: hard.mask, reduction: params.reduction });
    assert.ok(Math.abs(got.loss / expected.loss - 1) < 2 ** -21, name);
    got.grad.forEach((g, i) => {
      assert.ok(Math.abs(g - expected.grad[i]) <= 2 ** -21 * Math.abs(expected.grad[i]), `${name} ${i}`);
    });
  }
  assert.equal(cases.length, 10);
});
