/** Stratified selection: sizes, prefixes, spill, the degenerate case, and seeded ties. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ohem, sohem } from "../src/mod.ts";
import { random } from "./data.ts";
import fc from "./property.ts";
import { ranked, survivors } from "./reference/selection.ts";
import { loose, put, refuse } from "./refusal.ts";

const value = fc.oneof(fc.constantFrom(0, 0.25, 0.5, 1), fc.float({ min: 0, max: 50, noNaN: true }));
const pairs = fc.array(fc.tuple(value, value, fc.boolean()), { maxLength: 60, size: "max" });
const quota = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.integer({ min: 1, max: 3 }));

/** The selection by its definition, without a kernel. */
function define(
  losses: Float32Array,
  strata: ArrayLike<number>,
  quotas: ArrayLike<number>,
  budget: number,
): number[] {
  const order = ranked(losses, (i) => strata[i] !== 255);
  const chosen = new Set<number>();
  for (let s = 0; s < 4; s++) {
    for (const i of order.filter((k) => strata[k] === s).slice(0, quotas[s])) chosen.add(i);
  }
  for (const i of order) if (chosen.size < budget) chosen.add(i);
  return order.filter((i) => chosen.has(i));
}

test("quotas are filled by loss, what is left goes to the hardest of the rest", () => {
  let spilled = 0;
  fc.assert(
    fc.property(
      pairs,
      fc.nat(70),
      quota,
      fc.boolean(),
      fc.constantFrom("ratio", "combined"),
      (list, budget, quotas, isMasked, key) => {
        const [c, l] = [0, 1].map((k) => Float32Array.from(list, (p) => p[k] as number));
        const mask = Uint8Array.from(list, (p) => (p[2] ? 1 : 0));
        const cuts = [0.25, 0.5, 0.75];
        const options = { budget, quotas, cuts, key: key as "ratio", ...(isMasked && { mask }) };
        const got = sohem(c, l, options);
        const losses = c.map((v, i) => v + l[i]);
        const strata = list.map((_, i) => {
          if (isMasked && mask[i] === 0) return 255;
          const by = key === "combined" ? losses[i] : c[i] + l[i] > 0 ? l[i] / (c[i] + l[i]) : 0;
          return cuts.filter((cut) => by >= cut).length;
        });
        assert.deepEqual([...got.strata], strata);
        assert.deepEqual([...got.indices], define(losses, strata, got.quotas, Math.min(budget, list.length)));
        assert.equal(got.count, Math.min(budget, strata.filter((s) => s !== 255).length));
        assert.equal(
          got.quotas.reduce((a, b) => a + b),
          Math.min(budget, list.length),
        );
        const sum = quotas.reduce((a, b) => a + b);
        got.quotas.forEach((size, s) => {
          assert.ok(
            Math.abs(size - (Math.min(budget, list.length) * quotas[s]) / sum) < 1,
            "within one of its share",
          );
          if (strata.filter((k) => k === s).length < size) spilled++;
        });
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(spilled > 100);
});

test("largest remainders: 10 by thirds and sixths", () => {
  const zeros = new Float32Array(10);
  const sizes = (...quotas: number[]): number[] => [...sohem(zeros, zeros, { budget: 10, quotas }).quotas];
  assert.deepEqual(sizes(1, 1, 1, 0), [4, 3, 3, 0], "equal remainders from the first stratum on");
  assert.deepEqual(sizes(1, 2, 1, 2), [2, 3, 2, 3], "1.67, 3.33: the larger remainders get the rest");
  assert.deepEqual(sizes(0, 0, 0, 5), [0, 0, 0, 10]);
  const few = sohem(zeros, zeros, { budget: 2, quotas: [4, 1, 1, 0] });
  assert.deepEqual([...few.quotas], [2, 0, 0, 0], "thirds are equal, however they round");
  fc.assert(
    fc.property(fc.array(fc.nat(12), { minLength: 4, maxLength: 4 }), fc.nat(60), (quotas, budget) => {
      const sum = quotas.reduce((a, b) => a + b);
      if (sum === 0) return;
      const losses = new Float32Array(60);
      const want = quotas.map((quota) => Math.floor((budget * quota) / sum));
      const order = [0, 1, 2, 3].sort(
        (a, b) => ((budget * quotas[b]) % sum) - ((budget * quotas[a]) % sum) || a - b,
      );
      for (const s of order) if (want.reduce((a, b) => a + b) < budget) want[s]++;
      assert.deepEqual([...sohem(losses, losses, { budget, quotas }).quotas], want, `${quotas} of ${budget}`);
    }),
    { numRuns: 2000 },
  );
  assert.deepEqual(sizes(0.1, 0.2, 0.3, 0.4), [1, 2, 3, 4]);
  assert.deepEqual([...sohem(zeros, zeros, { budget: 2 }).quotas], [1, 1, 0, 0]);
});

test("one stratum and a sum of both losses is plain selection, boxes included", () => {
  const next = random(3);
  const [c, l] = [0, 1].map(() => Float32Array.from({ length: 200 }, () => Math.floor(next() * 16) / 4));
  const boxes = Float32Array.from({ length: 800 }, (_, k) => (k & 2 ? 5 : 0) + Math.floor(next() * 4));
  const losses = c.map((v, i) => v + l[i]);
  const far = [Infinity, Infinity, Infinity];
  for (const budget of [0, 1, 30, 200]) {
    for (const more of [{}, { boxes }, { boxes, iou: 0.4 }]) {
      const { mask, indices, count } = sohem(c, l, { budget, cuts: far, ...more });
      assert.deepEqual({ mask, indices, count }, ohem(losses, { budget, ...more }));
    }
  }
});

test("a schedule sets weights, cuts and quotas; what it leaves out stays", () => {
  const c = Float32Array.of(4, 3, 2, 1);
  const l = Float32Array.of(1, 2, 3, 4);
  const seen: number[] = [];
  const schedule = (progress: number) => {
    seen.push(progress);
    return { a: 1 - progress, b: progress };
  };
  const cuts = [Infinity, Infinity, Infinity];
  const at = (progress: number): number[] => [
    ...sohem(c, l, { budget: 2, cuts, schedule, progress }).indices,
  ];
  assert.deepEqual(at(0), [0, 1]);
  assert.deepEqual(at(1), [3, 2]);
  assert.deepEqual(seen, [0, 1]);
  const only = sohem(c, l, { budget: 1, schedule: () => ({ cuts: [0.1, 0.2, 0.3], quotas: [1, 0, 0, 0] }) });
  assert.deepEqual([...only.strata], [2, 3, 3, 3]);
  assert.deepEqual([...only.indices], [0], "nothing in the first stratum: the hardest, equal ones by index");
});

test("a key of one value per example", () => {
  const ones = new Float32Array(6).fill(1);
  const key = Float32Array.of(0, 10, 20, 30, 10, -5);
  const got = sohem(ones, ones, { budget: 3, key, cuts: [10, 20, 30], quotas: [0, 1, 1, 1] });
  assert.deepEqual([...got.strata], [0, 1, 2, 3, 1, 0]);
  assert.deepEqual([...got.indices], [1, 2, 3]);
});

test("a seed breaks ties at random, evenly, and nothing but ties", () => {
  const n = 12;
  const c = Float32Array.from({ length: n }, (_, i) => (i < 4 ? 5 : 1));
  const zeros = new Float32Array(n);
  const hits = new Float64Array(n);
  for (let seed = 0; seed < 800; seed++) {
    const got = sohem(c, zeros, { budget: 6, seed });
    assert.deepEqual(sohem(c, zeros, { budget: 6, seed }), got);
    for (const i of got.indices) hits[i]++;
  }
  assert.ok(hits.subarray(0, 4).every((count) => count === 800));
  assert.ok(
    hits.subarray(4).every((count) => Math.abs(count - 200) < 60),
    `${hits}`,
  );
  assert.deepEqual([...sohem(c, zeros, { budget: 6 }).indices], [0, 1, 2, 3, 4, 5]);
});

test("with a seed masks, boxes, groups and strata still belong to their examples", () => {
  const next = random(9);
  const n = 80;
  const c = Float32Array.from({ length: n }, (_, i) => 1 + i / 8);
  const l = Float32Array.from({ length: n }, () => next() * 3);
  const boxes = Float32Array.from({ length: 4 * n }, (_, k) => (k & 2 ? 5 : 0) + Math.floor(next() * 4));
  const groups = Uint16Array.from({ length: n }, (_, i) => i % 3);
  const mask = Uint8Array.from({ length: n }, (_, i) => (i % 5 ? 1 : 0));
  const options = { budget: 20, boxes, groups, mask, iou: 0.5 };
  const plain = sohem(c, l, options);
  for (const seed of [0, 1, 4294967295]) assert.deepEqual(sohem(c, l, { ...options, seed }), plain);
  const losses = c.map((v, i) => v + l[i]);
  const left = survivors(
    ranked(losses, (i) => mask[i] !== 0),
    { boxes, iou: 0.5, groups },
  );
  assert.deepEqual(
    plain.strata.map((s) => (s === 255 ? 0 : 1)),
    Uint8Array.from({ length: n }, (_, i) => (left.includes(i) ? 1 : 0)),
  );
});

test("what stratified selection refuses", () => {
  const c = Float32Array.of(1, 2, 3);
  const call =
    (options: object, l: unknown = c) =>
    () =>
      sohem(c, loose(l), loose({ budget: 2, ...options }));
  refuse(call({ budget: undefined }), "TypeError", /budget/);
  refuse(call({}, [1, 2, 3]), "TypeError", /localizationLosses/);
  refuse(call({}, Float32Array.of(1)), "RangeError", /\b1\b/);
  for (const bad of [Number.NaN, Infinity, -1]) refuse(call({}, put(c, 1, bad)), "RangeError", /index 1/);
  refuse(call({ schedule: () => ({ a: 3e38, b: 1 }) }), "RangeError", /index 1/);
  refuse(call({ schedule: () => undefined }), "TypeError", /options/);
  refuse(call({ schedule: () => ({ c: 1 }) }), "TypeError", /"c"/);
  refuse(call({ schedule: 3 }), "TypeError", /schedule/);
  refuse(call({ progress: 1.5 }), "RangeError", /progress/);
  refuse(call({ key: "loss" }), "RangeError", /ratio, combined/);
  refuse(call({ key: "combined" }), "TypeError", /cuts/);
  refuse(call({ key: new Float32Array(2), cuts: [1, 2, 3] }), "RangeError", /key/);
  refuse(call({ key: Float32Array.of(1, Number.NaN, 2), cuts: [1, 2, 3] }), "RangeError", /index 1/);
  refuse(call({ cuts: [1, 0, 2] }), "RangeError", /1, 0, 2/);
  refuse(call({ cuts: [1, 2] }), "RangeError", /\b2\b/);
  refuse(call({ quotas: [0, 0, 0, 0] }), "RangeError", /quotas/);
  refuse(call({ quotas: [-1, 1, 1, 1] }), "RangeError", /quotas/);
  refuse(call({ seed: 1.5 }), "RangeError", /seed/);
  refuse(call({ ratio: 3 }), "TypeError", /"ratio"/);
});
