/** Gradient harmonizing in both conventions: values, the moving average, its bytes, refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc } from "../src/mod.ts";
import { pick, shuffled } from "./data.ts";
import { agree, BINS, ghmBatch, near, SUBJECTS } from "./ghm-data.ts";
import { GhmOracle, ghmTruth } from "./reference/ghm.ts";

for (const { name, ghm, own, bins, draw, wrong, convention } of SUBJECTS) {
  test(`${name}, ${convention}: one batch agrees with the formula, 1 to 256 bins`, () => {
    for (const bins of BINS) {
      for (const n of [1, 2, 7, 64, 1001]) {
        const b = draw(n, bins, bins + n);
        agree(
          ghm(b.logits, b.targets, { bins, convention }),
          ghmTruth(b, { ...own, bins, convention }),
          `${bins} of ${n}`,
        );
      }
    }
  });

  test(`${name}, ${convention}: around chunk borders too`, () => {
    for (const n of [32767, 32768, 32769, 65537]) {
      const b = draw(n, bins, n);
      agree(
        ghm(b.logits, b.targets, { convention }),
        ghmTruth(b, { ...own, bins, convention }),
        `${n} elements`,
      );
    }
  });

  test(`${name}, ${convention}: masked elements change nothing, whatever they hold`, () => {
    for (const n of [5, 70, 16390]) {
      const b = draw(n, bins, 3 * n, 0.4);
      const want = ghm(b.logits, b.targets, { convention, mask: b.mask });
      agree(want, ghmTruth(b, { ...own, bins, convention }), "masked");
      const dirty = b.logits.map((v, i) => (b.mask[i] ? v : [Number.NaN, Infinity, 0][i % 3]));
      const odd = b.targets.map((v, i) => (b.mask[i] ? v : [Number.NaN, 0.5, -1][i % 3]));
      assert.deepEqual(ghm(dirty, odd, { convention, mask: b.mask }), want);
      const kept = [...b.mask.keys()].filter((i) => b.mask[i]);
      const sub = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.from(kept, (i) => v[i]);
      const alone = ghm(sub(b.logits), sub(b.targets), { convention });
      assert.deepEqual(
        [alone.loss, alone.meanLoss, alone.histogram],
        [want.loss, want.meanLoss, want.histogram],
      );
      assert.deepEqual(sub(want.grad), alone.grad);
      assert.ok(kept.length < n && want.grad.every((v, i) => b.mask[i] || v === 0));
    }
  });

  test(`${name}, ${convention}: the moving average over unequal batches, with and without correction`, () => {
    for (const momentum of [0, 0.5, 0.75, 0.9, 0.99]) {
      for (const biasCorrection of [undefined, true, false]) {
        for (const maxWeight of [undefined, 1.5]) {
          const settings = { bins: 10, convention, momentum, biasCorrection, maxWeight };
          const state = ghm.create(settings);
          const oracle = new GhmOracle({ ...own, ...settings });
          for (let t = 0; t < 6; t++) {
            const b = draw([300, 2, 64, 17, 1000, 5][t], 10, 7 + t, 0.1);
            agree(state.step(b.logits, b.targets, { mask: b.mask }), oracle.step(b), `step ${t}`);
            oracle.average.forEach((v, j) => {
              near(state.counts[j], v, `average ${j}`, 1e-14);
            });
          }
        }
      }
    }
  });

  test(`${name}, ${convention}: an empty or masked batch changes nothing, the step count included`, () => {
    const make = (): ReturnType<typeof ghm.create> => ghm.create({ bins: 10, convention });
    const [one, other] = [make(), make()];
    for (let t = 0; t < 3; t++) {
      const b = draw(100, 10, t);
      const hidden = one.step(b.logits, b.targets, { mask: new Uint8Array(100) });
      assert.deepEqual([hidden.loss, hidden.meanLoss, hidden.count], [0, 0, 0]);
      assert.ok(hidden.grad.every((v) => v === 0));
      assert.equal(one.step(new Float32Array(0), new Float32Array(0)).loss, 0);
      const results = [one, other].map((s) => s.step(b.logits, b.targets));
      assert.deepEqual(results[0], results[1]);
      assert.deepEqual(one.save(), other.save());
    }
  });

  test(`${name}, ${convention}: state survives save and load, also in the middle of a run`, () => {
    let state = ghm.create({ bins: 12, convention, momentum: 0.6, maxWeight: 40 });
    const steady = ghm.create({ bins: 12, convention, momentum: 0.6, maxWeight: 40 });
    for (let t = 0; t < 5; t++) {
      const b = draw(70, 12, t);
      const bytes = state.save();
      state = ghm.loadState(bytes);
      assert.deepEqual(state.save(), bytes);
      assert.deepEqual(state.step(b.logits, b.targets), steady.step(b.logits, b.targets));
      assert.deepEqual(state.counts, steady.counts);
      assert.notDeepEqual(state.save(), bytes);
    }
  });

  test(`${name}, ${convention}: a refused step changes nothing`, () => {
    const state = ghm.create({ bins: 10, convention });
    const b = draw(40000, 10, 5);
    state.step(b.logits, b.targets);
    const before = state.save();
    for (const [at, bad] of [
      [0, Number.NaN],
      [32768, Infinity],
      [39999, -Infinity],
    ]) {
      const x = b.logits.slice();
      x[at] = bad;
      assert.throws(() => state.step(x, b.targets), {
        name: "RangeError",
        message: new RegExp(`\\b${at}\\b`),
      });
      const y = b.targets.slice();
      y[at] = wrong;
      assert.throws(() => state.step(b.logits, y), {
        name: "RangeError",
        message: new RegExp(`\\b${at}\\b`),
      });
    }
    assert.throws(() => state.step(b.logits, b.targets.slice(1)), RangeError);
    assert.throws(() => state.step(b.logits, b.targets, { mask: new Uint8Array(1) }), RangeError);
    assert.deepEqual(state.save(), before);
  });

  test(`${name}, ${convention}: one pass of a stream and a second for the gradient are the one shot, bit for bit`, () => {
    for (const n of [1, 100, 40000]) {
      const b = draw(n, bins, n + 1, 0.2);
      const whole = ghm(b.logits, b.targets, { convention, mask: b.mask });
      const stream = ghm.stream({ convention });
      const cuts: [number, number][] = [];
      for (let i = 0; i < n; i += 777) cuts.push([i, Math.min(i + 777, n)]);
      for (const [i, j] of cuts) {
        stream.update(b.logits.subarray(i, j), b.targets.subarray(i, j), { mask: b.mask.subarray(i, j) });
      }
      const { loss, meanLoss, count, histogram } = stream.result();
      assert.deepEqual([loss, meanLoss, count], [whole.loss, whole.meanLoss, whole.count]);
      assert.deepEqual(histogram, whole.histogram);
      const grad = new Float32Array(n);
      for (const [i, j] of cuts) {
        const mask = b.mask.subarray(i, j);
        grad.set(stream.grad(b.logits.subarray(i, j), b.targets.subarray(i, j), { mask }), i);
      }
      assert.deepEqual(grad, whole.grad);
    }
  });

  test(`${name}, ${convention}: a permuted batch is a permuted result, a doubled one has the same mean weight`, () => {
    const b = draw(1003, bins, 17);
    const order = shuffled(1003, 3);
    const want = ghm(b.logits, b.targets, { convention });
    const got = ghm(pick(b.logits, order), pick(b.targets, order), { convention });
    assert.deepEqual(got, { ...want, grad: pick(want.grad, order) });
    const twice = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.of(...v, ...v);
    const double = ghm(twice(b.logits), twice(b.targets), { convention });
    near(double.loss, want.loss, "loss of the doubled batch", 1e-12);
    near(double.grad[5] * 2, want.grad[5], "gradient of the doubled batch", 2 ** -22);
  });

  test(`${name}, ${convention}: into and the one shot agree, in place too`, () => {
    for (const n of [1, 70, 16385]) {
      const b = draw(n, bins, n, 0.1);
      const first = ghm.create({ convention, momentum: 0 });
      const second = ghm.create({ convention, momentum: 0 });
      const want = first.step(b.logits, b.targets, { mask: b.mask });
      const x = b.logits.slice();
      const { loss } = second.into({ grad: x }, x, b.targets, { mask: b.mask });
      assert.equal(loss, want.loss);
      assert.deepEqual(x, want.grad);
      assert.deepEqual(second.save(), first.save());
      assert.deepEqual(ghm(b.logits, b.targets, { convention, mask: b.mask }).grad, want.grad);
    }
  });
}

test("options out of range and soft targets are refused", () => {
  const b = ghmBatch(10, 10, 1);
  const loose = (options: unknown): never => options as never;
  for (const bins of [0, 257, 2.5, Number.NaN, -1]) {
    assert.throws(() => ghmc(b.logits, b.targets, { bins }), { name: "RangeError", message: /bins/ });
    assert.throws(() => ghmc.create({ bins }), RangeError);
    assert.throws(() => ghmc.stream({ bins }), RangeError);
  }
  for (const momentum of [1, -0.1, Number.NaN]) assert.throws(() => ghmc.create({ momentum }), RangeError);
  for (const maxWeight of [0, -1, Number.NaN]) assert.throws(() => ghmc.create({ maxWeight }), RangeError);
  for (const width of [0, 1.01, -1, Number.NaN]) {
    assert.throws(() => ghmc.exact(b.logits, b.targets, { width }), RangeError);
  }
  assert.throws(() => ghmc(b.logits, b.targets, loose({ convention: "torch" })), RangeError);
  assert.throws(() => ghmc(b.logits, b.targets, loose({ bin: 3 })), { name: "TypeError", message: /bin\b/ });
  assert.throws(() => ghmc.create(loose({ gamma: 3 })), { name: "TypeError", message: /gamma/ });
  const soft = b.targets.slice();
  soft[7] = 0.5;
  for (const call of [ghmc, ghmc.exact]) {
    assert.throws(() => call(b.logits, soft), { name: "RangeError", message: /\b7\b.*0\.5|0\.5.*\b7\b/ });
  }
});
