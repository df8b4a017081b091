/** Gradient harmonizing of rows in both conventions: values, the moving average, its bytes, refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmcSoftmax } from "../src/mod.ts";
import { BINS, CONVENTIONS, near } from "./ghm-data.ts";
import { agreeRows, cut, ghmRows, keptRows, pickRows } from "./ghm-rows.ts";
import { GhmOracle } from "./reference/ghm.ts";
import { loose, put, refuse } from "./refusal.ts";

const CLASSES = [1, 2, 3, 4, 5, 8, 13, 80];

for (const convention of CONVENTIONS) {
  const truth = (b: ReturnType<typeof ghmRows>, bins: number) =>
    new GhmOracle({ bins, convention }).stepRows(b);

  test(`ghmcSoftmax, ${convention}: one batch agrees with the formula, 1 to 256 bins, 1 to 80 classes`, () => {
    BINS.forEach((bins, k) => {
      for (const rows of [1, 2, 7, 64, 301]) {
        const classes = CLASSES[(k + rows) % CLASSES.length];
        const b = ghmRows(rows, classes, bins, bins + rows);
        const got = ghmcSoftmax(b.logits, b.labels, { classes, bins, convention });
        agreeRows(got, truth(b, bins), b, `${bins} bins, ${rows} x ${classes}`);
      }
    });
  });

  test(`ghmcSoftmax, ${convention}: around chunk borders, and rows longer than a chunk`, () => {
    for (const [rows, classes] of [
      [2047, 3],
      [2048, 3],
      [2049, 2],
      [6001, 1],
      [204, 80],
      [205, 80],
      [409, 80],
      [3, 20000],
    ]) {
      const b = ghmRows(rows, classes, 30, rows, 0.1);
      const got = ghmcSoftmax(b.logits, b.labels, { classes, convention, mask: b.mask });
      agreeRows(got, truth(b, 30), b, `${rows} x ${classes}`);
    }
  });

  test(`ghmcSoftmax, ${convention}: masked and ignored rows change nothing, whatever they hold`, () => {
    for (const rows of [5, 70, 5001]) {
      const b = ghmRows(rows, 3, 30, 3 * rows, 0.3);
      const own = { classes: 3, convention, mask: b.mask };
      const want = ghmcSoftmax(b.logits, b.labels, own);
      const kept = keptRows(b);
      const exists = (i: number): boolean =>
        b.mask[Math.floor(i / 3)] !== 0 && b.labels[Math.floor(i / 3)] >= 0;
      const dirty = b.logits.map((v, i) => (exists(i) ? v : [Number.NaN, Infinity, -Infinity][i % 3]));
      const odd = b.labels.map((v, r) => (b.mask[r] ? v : 77));
      assert.deepEqual(ghmcSoftmax(dirty, odd, own), want);
      const exact = (x: Float32Array, y: Int32Array) => ghmcSoftmax.exact(x, y, { classes: 3, mask: b.mask });
      assert.deepEqual(exact(dirty, odd), exact(b.logits, b.labels));
      const other = odd.map((v) => (v === -100 ? 255 : v));
      assert.deepEqual(ghmcSoftmax(dirty, other, { ...own, ignoreIndex: 255 }), want);
      const one = pickRows(b, kept);
      const alone = ghmcSoftmax(one.logits, one.labels, { classes: 3, convention });
      const { loss, meanLoss, histogram } = want;
      assert.deepEqual([alone.loss, alone.meanLoss, alone.histogram], [loss, meanLoss, histogram]);
      assert.deepEqual(alone.grad, pickRows({ ...b, logits: want.grad as typeof b.logits }, kept).logits);
      assert.ok(kept.length < rows && want.grad.every((v, i) => exists(i) || Object.is(v, 0)));
    }
  });

  test(`ghmcSoftmax, ${convention}: the moving average, saved and loaded between the steps`, () => {
    for (const momentum of [0, 0.75, 0.99]) {
      for (const biasCorrection of [undefined, true, false]) {
        for (const maxWeight of [undefined, 1.5]) {
          const settings = { bins: 10, convention, momentum, biasCorrection, maxWeight };
          let state = ghmcSoftmax.create({ classes: 4, ...settings });
          const steady = ghmcSoftmax.create({ classes: 4, ...settings });
          const oracle = new GhmOracle(settings);
          for (let t = 0; t < 6; t++) {
            const rows = [300, 2, 64, 17, 1000, 5][t];
            const b = ghmRows(rows, 4, 10, 7 + t, 0.1);
            const bytes = state.save();
            state = ghmcSoftmax.loadState(bytes);
            assert.deepEqual(state.save(), bytes);
            const got = state.step(...cut(b, 0, rows));
            agreeRows(got, oracle.stepRows(b), b, `step ${t}`);
            assert.deepEqual(steady.step(...cut(b, 0, rows)), got);
            oracle.average.forEach((v, j) => {
              near(state.counts[j], v, `average ${j}`, 1e-14);
            });
          }
        }
      }
    }
  });

  test(`ghmcSoftmax, ${convention}: an empty or masked batch changes nothing, the step count included`, () => {
    const [one, other] = [0, 1].map(() => ghmcSoftmax.create({ classes: 3, bins: 10, convention }));
    for (let t = 0; t < 3; t++) {
      const b = ghmRows(100, 3, 10, t);
      for (const hide of [
        { labels: b.labels, mask: new Uint8Array(100) },
        { labels: b.labels.map(() => -100), mask: undefined },
      ]) {
        const hidden = one.step(b.logits, hide.labels, { mask: hide.mask });
        assert.deepEqual([hidden.loss, hidden.meanLoss, hidden.count], [0, 0, 0]);
        assert.deepEqual(hidden.grad, new Float32Array(300));
      }
      assert.equal(one.step(new Float32Array(0), new Uint8Array(0)).loss, 0);
      assert.deepEqual(one.step(b.logits, b.labels), other.step(b.logits, b.labels));
      assert.deepEqual(one.save(), other.save());
    }
    const nothing = ghmcSoftmax.exact(new Float32Array(0), new Int32Array(0), { classes: 3 });
    assert.deepEqual(nothing, { loss: 0, grad: new Float32Array(0), meanLoss: 0, count: 0 });
  });

  test(`ghmcSoftmax, ${convention}: what it is not defined for is refused, and nothing changes`, () => {
    const b = ghmRows(5000, 3, 10, 5);
    const state = ghmcSoftmax.create({ classes: 3, bins: 10, convention });
    const stream = ghmcSoftmax.stream({ classes: 3, bins: 10, convention }).update(b.logits, b.labels);
    state.step(b.logits, b.labels);
    const before = [state.save(), stream.save()];
    const own = 4711 * 3 + b.labels[4711];
    const other = 4711 * 3 + ((b.labels[4711] + 1) % 3);
    const label = (at: number, value: number) => b.labels.map((t, r) => (r === at ? value : t));
    const far = b.logits.map((x, i) => (i < 14997 ? x : [-3e38, 3e38, 0][i % 3]));
    const bad: [Float32Array, Int32Array, RegExp][] = [
      [put(b.logits, other, Number.NaN), b.labels, new RegExp(`NaN at index ${other}`)],
      [put(b.logits, own, -Infinity), b.labels, new RegExp(`label, got -Infinity at index ${own}`)],
      [b.logits, label(4999, 3), /labels in \[0, 2\] or ignoreIndex -100, got 3 at row 4999/],
      [far, label(4999, 0), /overflow at row 4999/],
    ];
    for (const [x, y, says] of bad) {
      refuse(() => state.step(x, y), "RangeError", says);
      refuse(() => stream.update(x, y), "RangeError", says);
      refuse(() => ghmcSoftmax(x, y, { classes: 3 }), "RangeError", says);
      refuse(() => ghmcSoftmax.exact(x, y, { classes: 3 }), "RangeError", says);
    }
    refuse(() => state.step(b.logits, b.labels.subarray(1)), "RangeError", /5000 labels/);
    refuse(() => state.step(b.logits.subarray(1), b.labels), "RangeError", /multiple of 3 classes/);
    refuse(() => state.step(b.logits, b.labels, loose({ classes: 3 })), "TypeError", /"classes"/);
    assert.deepEqual([state.save(), stream.save()], before);
  });
}

test("the defaults are 30 bins, momentum 0.75 and ignored rows of label -100", () => {
  const given = { classes: 3, bins: 30, momentum: 0.75, ignoreIndex: -100 };
  assert.deepEqual(ghmcSoftmax.create({ classes: 3 }).save(), ghmcSoftmax.create(given).save());
});

test("classes are required, and options are those of rows and of gradient harmonizing", () => {
  const b = ghmRows(10, 3, 30, 1);
  const call = (options: unknown) => (): unknown => ghmcSoftmax(b.logits, b.labels, loose(options));
  refuse(call(undefined), "TypeError", /classes as a number/);
  refuse(ghmcSoftmax.stream as unknown as () => void, "TypeError", /classes as a number/);
  refuse(call({ classes: 0 }), "RangeError", /classes/);
  refuse(call({ classes: 3, ignoreIndex: 0.5 }), "RangeError", /ignoreIndex/);
  refuse(call({ classes: 3, bins: 257 }), "RangeError", /bins/);
  refuse(call({ classes: 3, momentum: 0 }), "TypeError", /"momentum"/);
  refuse(call({ classes: 3, rowWeights: b.logits }), "TypeError", /"rowWeights"/);
  refuse(() => ghmcSoftmax.exact(b.logits, b.labels, loose({ classes: 3, bins: 3 })), "TypeError", /"bins"/);
  refuse(() => ghmcSoftmax(b.logits, loose(new Float32Array(10)), { classes: 3 }), "TypeError", /labels/);
});
