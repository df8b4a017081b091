/** Every loss of rows: values against the formulas in f64, shapes, masks, weights, sums, refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "./data.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import type { RowTruth } from "./reference/rows.ts";
import { loose, put, refuse } from "./refusal.ts";
import { ROWS, type RowEntry, type RowParams, rowData } from "./rows-table.ts";

const UNIT = 2 ** -24;
const none = "none" as const;
/** Around the width of a vector, around the length from which rows stay as they are, and many. */
const CLASSES = [1, 2, 3, 4, 5, 7, 8, 13, 63, 64, 65, 66, 67, 1000];

/** An error as a share of what is admitted: a factor below the normal numbers flushes before it is multiplied. */
function share(got: number, want: number, bound: number, factor: number): number {
  const error = Math.abs(got - want);
  if (Number.isNaN(error)) return Infinity;
  return Math.max(error - 2 * MIN_NORMAL * factor, 0) / bound;
}

/** Holds one row to its truth. Returns the worst share of the bound. */
function judge(entry: RowEntry, params: RowParams, x: Float32Array, t: number): number {
  const classes = x.length;
  const { grad, losses } = entry.loss(x, Int32Array.of(t), { classes, ...params, reduction: none });
  const truth: RowTruth = entry.truth(x, t, params);
  const units = entry.units(params, truth);
  const safe = truth.margin === -Infinity ? 1 : 1 + Math.max(Math.abs(truth.margin), 1) * 1024;
  const isWide = entry.isWide?.(params) ?? false;
  const tail = params.labelSmoothing ? 8 : 0;
  let worst = share(losses?.[0] ?? NaN, truth.loss, units * UNIT * truth.loss + 1e-45, safe);
  for (let k = 0; k < classes; k++) {
    const gap = k === t ? 0 : truth.gaps[k];
    const bound = isWide
      ? UNIT * Math.abs(truth.grad[k]) + 2 ** -40 * truth.scale[k] + 1e-45
      : (units + 8 + tail + gap) * UNIT * truth.scale[k] + 1e-45;
    worst = Math.max(worst, share(grad[k], truth.grad[k], bound, safe));
    if (x[k] === -Infinity) assert.equal(Math.abs(grad[k]), 0, "an excluded class has no gradient");
  }
  assert.ok(
    worst <= 1,
    `${entry.name} ${JSON.stringify(params)}, ${classes} classes: ${worst} of the bound, ` +
      `label ${t} of ${x.slice(0, 8)}: ${losses?.[0]} (${truth.loss}), ${grad.slice(0, 8)} (${truth.grad.slice(0, 8)})`,
  );
  return worst;
}

for (const entry of ROWS) {
  const { name, loss } = entry;

  test(`${name} keeps its bound for logits near and far, any number of classes`, () => {
    let worst = 0;
    for (const params of entry.settings) {
      for (const classes of CLASSES) {
        for (const spread of [0.1, 1, 10, 60, 200]) {
          const rows = classes > 100 ? 2 : 25;
          const { logits, labels } = rowData(rows, classes, classes + spread, spread);
          for (let r = 0; r < rows; r++) {
            const x = logits.slice(r * classes, (r + 1) * classes);
            worst = Math.max(worst, judge(entry, params, x, labels[r]));
          }
        }
      }
    }
    assert.ok(worst > 0.05, "an error of next to nothing would mean that nothing was compared");
  });

  test(`${name} keeps its bound where the label is as likely as all others together`, () => {
    const steep = name === "softmaxSoftTruncation" ? [{ k: 1000 }, { k: 300 }] : [];
    let worst = 0;
    for (const params of [...entry.settings, ...steep]) {
      for (const classes of [2, 5, 100]) {
        for (let r = 0; r < 40; r++) {
          const x = rowData(1, classes, 31 * r + classes, r % 4 ? 2 : 0).logits;
          let sum = 0;
          for (let k = 1; k < classes; k++) sum += Math.exp(x[k]);
          x[0] = Math.log(sum) + (1 + (r % 3)) * (r % 2 ? 0.003 : -0.003);
          worst = Math.max(worst, judge(entry, params, x, 0));
        }
      }
    }
    assert.ok(worst > 0.02, `${worst}`);
  });

  test(`${name}: saturated rows, ties, and rows where all other classes are excluded`, () => {
    const rows: [number[], number][] = [
      [[100, 0, 0], 0],
      [[100, 0, 0], 1],
      [[17, 0], 0],
      [[0, 0, 0, 0, 0], 3],
      [[1e30, -1e30, 0], 0],
      [[3.4e38, 3.4e38, 3.4e38], 2],
      [[3.4e38, -Infinity, -Infinity], 0],
      [[1.6e38, -1.7e38], 0],
      [[-3.4e38, -Infinity], 0],
      [[-5], 0],
      [[3, -Infinity, 2], 2],
      [[3, ...new Array<number>(69).fill(-Infinity)], 0],
      [[0, 0, -10], 0],
    ];
    for (const params of entry.settings) {
      for (const [x, t] of rows) {
        judge(entry, params, Float32Array.from(x), t);
        const { loss: value, grad } = loss(Float32Array.from(x), Int32Array.of(t), {
          classes: x.length,
          ...params,
        });
        assert.ok(Number.isFinite(value) && value >= 0 && grad.every(Number.isFinite));
        if (x.every((v, k) => k === t || v === -Infinity))
          assert.deepEqual([value, Math.abs(grad[t])], [0, 0]);
      }
    }
  });

  test(`${name}: a row's bits depend on that row only`, () => {
    for (const params of entry.settings) {
      for (const classes of CLASSES) {
        const rows = classes > 100 ? 40 : 5000;
        const { logits, labels } = rowData(rows, classes, 3, 12);
        const all = loss(logits, labels, { classes, ...params, reduction: none });
        const next = random(classes);
        for (let k = 0; k < 12; k++) {
          const r = Math.floor(next() * rows);
          const x = logits.slice(r * classes, (r + 1) * classes);
          const one = loss(x, labels.slice(r, r + 1), { classes, ...params, reduction: none });
          assert.deepEqual(one.losses?.[0], all.losses?.[r]);
          assert.deepEqual(one.grad, all.grad.slice(r * classes, (r + 1) * classes));
        }
        const only = new Float32Array(rows);
        const { loss: sum } = loss.into({ losses: only }, logits, labels, {
          classes,
          ...params,
          reduction: "sum",
        });
        assert.deepEqual(only, all.losses, "the same losses without gradients");
        assert.equal(sum, fromGrid(gridSum(only)), "the sum is exact");
      }
    }
  });

  test(`${name}: rows that an earlier batch had behind the last one are not counted`, () => {
    const { logits } = rowData(8, 3, 3, 12);
    for (let rows = 1; rows < 8; rows++) {
      loss(logits, new Int32Array(8).fill(1), { classes: 3 });
      const stream = loss.stream({ classes: 3 }).update(logits.subarray(0, 3 * rows), new Int32Array(rows));
      const { count, positives } = stream.result();
      assert.deepEqual([count, positives], [rows, 0]);
    }
  });

  test(`${name}: gradients of a row add up to nothing`, () => {
    for (const params of entry.settings) {
      const { logits, labels } = rowData(50, 13, 8, 10);
      const { grad } = loss(logits, labels, { classes: 13, ...params, reduction: none });
      for (let r = 0; r < 50; r++) {
        const row = Array.from(grad.slice(r * 13, (r + 1) * 13));
        const size = row.reduce((sum, g) => sum + Math.abs(g), 0);
        assert.ok(Math.abs(row.reduce((sum, g) => sum + g, 0)) <= 4e-6 * size + 1e-7);
      }
    }
  });

  test(`${name}: rows longer than a chunk`, () => {
    const { logits, labels } = rowData(3, 50000, 5, 9);
    for (const params of entry.settings.slice(0, 2)) {
      for (let r = 0; r < 3; r++) judge(entry, params, logits.slice(r * 50000, (r + 1) * 50000), labels[r]);
      const all = loss(logits, labels, { classes: 50000, ...params, reduction: "sum" });
      const each = [0, 1, 2].map((r) =>
        loss(logits.slice(r * 50000, (r + 1) * 50000), labels.slice(r, r + 1), {
          classes: 50000,
          ...params,
        }),
      );
      assert.equal(all.loss, fromGrid(gridSum(Float32Array.from(each, (e) => e.loss))));
      assert.deepEqual(all.grad.slice(50000, 100000), each[1].grad);
    }
  });

  test(`${name}: an ignored or masked row does not exist, whatever it holds`, () => {
    const classes = 5;
    const { logits, labels } = rowData(9, classes, 2, 4);
    const keep = [0, 2, 3, 6, 8];
    const part = (v: Float32Array): Float32Array =>
      Float32Array.from(keep.flatMap((r) => Array.from(v.slice(r * classes, (r + 1) * classes))));
    const wanted = loss(
      part(logits),
      Int32Array.from(keep, (r) => labels[r]),
      { classes },
    );
    const foul = logits.map((x, i) =>
      keep.includes(Math.floor(i / classes)) ? x : [NaN, Infinity, -Infinity][i % 3],
    );
    const weights = new Float32Array(9).map((_, r) => (keep.includes(r) ? 1 : NaN));
    for (const ignoreIndex of [-100, 255, -1]) {
      const marked = labels.map((t, r) => (keep.includes(r) ? t : ignoreIndex));
      const byLabel = loss(foul, marked, { classes, ignoreIndex, rowWeights: weights });
      assert.deepEqual([byLabel.loss, byLabel.count], [wanted.loss, 5]);
      assert.deepEqual(part(byLabel.grad), wanted.grad);
      assert.ok(byLabel.grad.every((g, i) => keep.includes(Math.floor(i / classes)) || Object.is(g, 0)));
      const stream = loss.stream({ classes, ignoreIndex }).update(foul, marked);
      assert.deepEqual([stream.result().loss, stream.result().count], [wanted.loss, 5]);
    }
    const mask = Uint8Array.from({ length: 9 }, (_, r) => (keep.includes(r) ? 7 : 0));
    const byMask = loss(foul, labels, { classes, mask, rowWeights: weights });
    assert.deepEqual([byMask.loss, byMask.count], [wanted.loss, 5]);
    assert.deepEqual(part(byMask.grad), wanted.grad);
    const nothing = loss(foul, labels, { classes, mask: new Uint8Array(9) });
    assert.deepEqual([nothing.loss, nothing.count, nothing.grad], [0, 0, new Float32Array(45)]);
    assert.deepEqual(loss(new Float32Array(0), new Int32Array(0), { classes }), {
      loss: 0,
      grad: new Float32Array(0),
      count: 0,
    });
  });

  test(`${name}: labels of any kind, weights, and means by rows, positives or a number`, () => {
    const classes = 7;
    for (const rows of [1, 60, 5003]) {
      const { logits, labels } = rowData(rows, classes, 21, 6);
      const rowWeights = Float32Array.from({ length: rows }, (_, r) => (r % 5) / 2);
      const sum = loss(logits, labels, { classes, rowWeights, reduction: none });
      for (const same of [Uint8Array.from(labels), Uint16Array.from(labels)])
        assert.deepEqual(loss(logits, same, { classes, rowWeights, reduction: none }), sum);
      const plain = loss(logits, labels, { classes, reduction: none });
      plain.losses?.forEach((l, r) => {
        assert.ok(Math.abs((sum.losses?.[r] as number) - l * rowWeights[r]) <= 1e-6 * l * rowWeights[r]);
      });
      const positives = labels.reduce((count, t) => count + (t > 0 ? 1 : 0), 0);
      for (const [normalizer, divisor] of [
        [undefined, rows],
        ["positives", Math.max(positives, 1)],
        [0.1, 0.1],
        [3, 3],
      ] as const) {
        const mean = loss(logits, labels, { classes, rowWeights, normalizer });
        assert.equal(mean.loss, sum.loss / divisor);
        assert.deepEqual(
          mean.grad,
          sum.grad.map((g) => Math.fround(g / divisor)),
        );
      }
      const grad = logits.slice();
      const into = loss.into({ grad }, grad, labels, { classes, rowWeights, reduction: none });
      assert.deepEqual([into.loss, into.count, grad], [sum.loss, rows, sum.grad], "in place");
    }
  });

  test(`${name} refuses what it is not defined for, by index, and nothing changes`, () => {
    const classes = 3;
    const { logits, labels } = rowData(5000, classes, 4, 3, 0);
    const stream = loss.stream({ classes }).update(logits, labels);
    const before = stream.save();
    const label = (at: number, value: number): Int32Array => {
      const copy = labels.slice();
      copy[at] = value;
      return copy;
    };
    const own = 4711 * classes + labels[4711];
    const other = 4711 * classes + ((labels[4711] + 1) % classes);
    const bad: [Float32Array, Int32Array, RegExp][] = [
      [put(logits, other, NaN), labels, new RegExp(`NaN at index ${other}`)],
      [put(logits, other, -NaN), labels, new RegExp(`NaN at index ${other}`)],
      [put(logits, other, Infinity), labels, new RegExp(`Infinity at index ${other}`)],
      [put(logits, own, NaN), labels, new RegExp(`NaN at index ${own}`)],
      [put(logits, own, -Infinity), labels, new RegExp(`label, got -Infinity at index ${own}`)],
      [put(logits, own, Infinity), labels, new RegExp(`Infinity at index ${own}`)],
      [logits, label(4999, 3), /labels in \[0, 2\] or ignoreIndex -100, got 3 at row 4999/],
      [logits, label(0, -1), /got -1 at row 0/],
    ];
    for (const [x, y, says] of bad) {
      refuse(() => loss(x, y, { classes }), "RangeError", says);
      refuse(() => stream.update(x, y), "RangeError", says);
      assert.deepEqual(stream.save(), before);
    }
    const weights = new Float32Array(5000).fill(1);
    for (const w of [-1, NaN, Infinity])
      refuse(
        () => loss(logits, labels, { classes, rowWeights: put(weights, 77, w) }),
        "RangeError",
        /rowWeights >= 0, got .* at index 77/,
      );
    const far = Float32Array.of(0, 0, 0, -3e38, 3e38, 0);
    refuse(() => loss(far, Int32Array.of(0, 0), { classes }), "RangeError", /overflow at row 1/);
    refuse(() => loss(logits, labels, loose({})), "TypeError", /classes as a number/);
    refuse(() => loss(logits, labels, { classes: 0 }), "RangeError", /classes/);
    refuse(() => loss(logits, labels, { classes: 7 }), "RangeError", /multiple of 7 classes/);
    refuse(
      () => loss(logits, labels.subarray(1), { classes }),
      "RangeError",
      /5000 labels, one for each row/,
    );
    refuse(() => loss(logits, loose(Array.from(labels)), { classes }), "TypeError", /labels as a Int32Array/);
    refuse(() => loss(logits, loose(Float32Array.from(labels)), { classes }), "TypeError", /labels/);
    refuse(() => loss(logits, labels, loose({ classes, weights })), "TypeError", /"weights"/);
    refuse(() => loss(logits, labels, { classes, ignoreIndex: 0.5 }), "RangeError", /ignoreIndex/);
    refuse(
      () => loss.into({ grad: logits.subarray(1, 4) }, logits, labels, { classes }),
      "RangeError",
      /grad/,
    );
    refuse(
      () => loss.into({ losses: new Float32Array(logits.buffer, 0, 5000) }, logits, labels, { classes }),
      "RangeError",
      /overlap/,
    );
  });
}

test("smoothed gradients are right where their terms cancel", () => {
  const entry = ROWS.find(({ name }) => name === "softmaxCrossEntropy") as RowEntry;
  let smallest = 1;
  for (const classes of [2, 4, 10, 80]) {
    for (const labelSmoothing of [0.01, 0.1, 0.5]) {
      const part = labelSmoothing / classes;
      // Where every gradient is 0, but for rounding, and a little beside it.
      const lead = Math.log((1 - labelSmoothing + part) / part);
      for (const off of [0, 1e-6, -1e-4, 1e-2]) {
        const x = Float32Array.from({ length: classes }, (_, k) => 5 + (k === 1 ? lead + off : k * off));
        judge(entry, { labelSmoothing }, x, 1);
        const truth = entry.truth(x, 1, { labelSmoothing });
        smallest = Math.min(smallest, ...truth.grad.map((g, k) => Math.abs(g) / truth.scale[k]));
      }
    }
  }
  assert.ok(smallest < 1e-7, "no gradient cancelled");
});

test("a label that is even with thousands of others keeps the digits that cancel", () => {
  const next = random(5);
  for (const name of ["softmaxCrossEntropy", "softmaxFocal"]) {
    const entry = ROWS.find((row) => row.name === name) as RowEntry;
    for (let classes = 1000; classes < 5000; classes += 20) {
      const x = Float32Array.from({ length: classes }, () => (next() - 0.5) * 0.9);
      // Peak less label is about -7, the logarithm of the sum about 7.
      x[0] = Math.log(x.subarray(1).reduce((sum, v) => sum + Math.exp(v), 0)) + (next() - 0.5) * 0.1;
      assert.ok(Math.abs(entry.truth(x, 0, {}).margin) < 0.1);
      judge(entry, {}, x, 0);
    }
  }
});
