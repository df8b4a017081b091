/** What ties gradient harmonizing of rows to the losses and densities that it is made of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { density, ghmc, ghmcSoftmax, softmaxCrossEntropy } from "../src/mod.ts";
import { shuffled } from "./data.ts";
import { CONVENTIONS, ghmBatch, near, occupiedOf } from "./ghm-data.ts";
import { cut, type GhmRows, ghmRows, keptRows, pickRows } from "./ghm-rows.ts";
import { densityTruth } from "./reference/density.ts";

/** Plain cross-entropy, undivided, and the norms of the rows that exist. */
function plain({ logits, labels, mask, classes }: GhmRows) {
  const { grad, losses } = softmaxCrossEntropy(logits, labels, { classes, mask, reduction: "none" });
  return { grad, losses: losses as Float32Array, norm: (r: number) => -grad[r * classes + labels[r]] };
}

test("the gradient is that of cross-entropy times the float32 weight of the row, bit for bit", () => {
  for (const [rows, classes, bins] of [
    [1, 2, 30],
    [700, 5, 30],
    [700, 5, 100],
    [5000, 7, 10],
    [3, 20000, 4],
  ]) {
    const b = ghmRows(rows, classes, bins, rows, 0.2);
    const { grad, norm } = plain(b);
    const got = ghmcSoftmax(b.logits, b.labels, { classes, bins, mask: b.mask });
    const { counts, total } = got.histogram;
    const want = new Float32Array(rows * classes);
    for (const r of keptRows(b)) {
      const count = counts[Math.min(Math.floor(norm(r) * bins), bins - 1)];
      const weight = Math.fround(1 / (bins * total * (count / total)));
      for (let i = r * classes; i < (r + 1) * classes; i++) want[i] = grad[i] * weight;
    }
    assert.deepEqual(got.grad, want);
    assert.ok(want.some((v) => v < 0) && want.some((v) => v > 0));
  }
});

for (const convention of CONVENTIONS) {
  test(`ghmcSoftmax, ${convention}: state, stream and one shot agree bit for bit, in place too`, () => {
    for (const [rows, classes, step] of [
      [1, 3, 1],
      [100, 3, 7],
      [7001, 3, 777],
      [40001, 2, 9999],
      [1000, 80, 333],
      [5, 20000, 2],
    ]) {
      const b = ghmRows(rows, classes, 30, rows + 1, 0.2);
      const own = { classes, convention };
      const whole = ghmcSoftmax(b.logits, b.labels, { ...own, mask: b.mask });
      const [state, other] = [0, 1].map(() => ghmcSoftmax.create({ ...own, momentum: 0 }));
      assert.deepEqual(state.step(...cut(b, 0, rows)), whole);
      const x = b.logits.slice();
      const { grad: _, ...values } = whole;
      assert.deepEqual(other.into({ grad: x }, x, b.labels, { mask: b.mask }), values);
      assert.deepEqual([x, other.save()], [whole.grad, state.save()]);
      assert.deepEqual(other.into({}, ...cut(b, 0, rows)), values, "the loss alone");
      const stream = ghmcSoftmax.stream(own);
      for (let r = 0; r < rows; r += step) stream.update(...cut(b, r, r + step));
      assert.deepEqual(stream.result(), values);
      const loaded = ghmcSoftmax.load(stream.save());
      for (let r = 0; r < rows; r += step) {
        const part = whole.grad.slice(r * classes, (r + step) * classes);
        assert.deepEqual(loaded.grad(...cut(b, r, r + step)), part);
      }
    }
  });

  test(`ghmcSoftmax, ${convention}: two classes are one logit, their difference`, () => {
    const { logits, targets } = ghmBatch(4000, 30, 3);
    const pairs = Float32Array.from({ length: 8000 }, (_, i) => (i & 1 ? logits[i >> 1] : 0));
    const labels = Uint8Array.from(targets);
    const want = ghmc(logits, targets, { convention });
    const got = ghmcSoftmax(pairs, labels, { classes: 2, convention });
    assert.deepEqual(got.histogram.counts, want.histogram.counts);
    near(got.loss, want.loss, "loss");
    want.grad.forEach((v, i) => {
      near(got.grad[2 * i + 1], v, `gradient ${i}`, 26 * 2 ** -24);
    });
    assert.ok(occupiedOf(got) === 30 && want.grad.some((v) => v < 0));
    const auto = [
      ghmc(logits, targets, { bins: "auto" }),
      ghmcSoftmax(pairs, labels, { classes: 2, bins: "auto" }),
    ];
    assert.equal(auto[0].histogram.bins, auto[1].histogram.bins);
  });

  test(`ghmcSoftmax, ${convention}: permuted rows are a permuted result`, () => {
    const b = ghmRows(3003, 6, 30, 17, 0.1);
    const order = shuffled(3003, 3);
    const [p, want] = [
      pickRows(b, order),
      ghmcSoftmax(b.logits, b.labels, { classes: 6, convention, mask: b.mask }),
    ];
    const got = ghmcSoftmax(p.logits, p.labels, { classes: 6, convention, mask: p.mask });
    const grad = pickRows({ ...b, logits: want.grad as Float32Array<ArrayBuffer> }, order).logits;
    assert.deepEqual(got, { ...want, grad });
  });
}

test("the mean weight is n / M, or 1; mmdetection's loss is M / n times the paper's; meanLoss is the plain mean", () => {
  for (const [rows, bins] of [
    [4, 10],
    [1000, 30],
    [3000, 8],
  ]) {
    const b = ghmRows(rows, 5, bins, rows);
    const paper = ghmcSoftmax(b.logits, b.labels, { classes: 5, bins });
    const mmdet = ghmcSoftmax(b.logits, b.labels, { classes: 5, bins, convention: "mmdet" });
    const { norm } = plain(b);
    const mean = (grad: Float32Array): number =>
      b.labels.reduce((sum, t, r) => sum - grad[r * 5 + t] / norm(r), 0);
    const occupied = occupiedOf(paper);
    near(mean(paper.grad), occupied / bins, "paper", 1e-5);
    near(mean(mmdet.grad), 1, "mmdet", 1e-5);
    near(mmdet.loss, (bins / occupied) * paper.loss, "ratio", 1e-12);
    assert.equal(paper.meanLoss, softmaxCrossEntropy(b.logits, b.labels, { classes: 5 }).loss);
    assert.ok(rows > 4 || occupied < bins);
  }
});

test("the exact form is cross-entropy divided by the density of its slopes", () => {
  for (const [rows, classes, width, zeros] of [
    [1, 3, undefined, 0],
    [300, 3, 0.2, 0],
    [300, 80, undefined, 0.3],
    [700, 4, 1, 0.1],
  ] as const) {
    const b = ghmRows(rows, classes, 30, rows, zeros);
    const { grad, losses, norm } = plain(b);
    const kept = keptRows(b);
    const truth = densityTruth(kept.map(norm), width ?? 1 / 30);
    const got = ghmcSoftmax.exact(b.logits, b.labels, { classes, width, mask: b.mask });
    const want = new Float32Array(rows * classes);
    let [loss, mean] = [0, 0];
    kept.forEach((r, k) => {
      loss += losses[r] / truth.density[k];
      mean += losses[r] / kept.length;
      const weight = Math.fround(1 / truth.density[k]);
      for (let i = r * classes; i < (r + 1) * classes; i++) want[i] = grad[i] * weight;
    });
    want.forEach((v, i) => {
      near(got.grad[i], v, `gradient ${i}`, 2 ** -22);
    });
    near(got.loss, loss, "loss", 1e-7);
    near(got.meanLoss, mean, "mean loss", 1e-12);
    assert.equal(got.count, kept.length);
    assert.ok(zeros === 0 || kept.length < rows);
  }
  const b = ghmRows(5000, 3, 30, 8, 0.1);
  const { norm } = plain(b);
  const { beta } = density.exact(Float32Array.from(keptRows(b), norm));
  const got = ghmcSoftmax.exact(b.logits, b.labels, { classes: 3, mask: b.mask });
  keptRows(b).forEach((r, k) => {
    const weight = -got.grad[r * 3 + b.labels[r]] / norm(r);
    near(weight, beta[k] / beta.length, `weight of row ${r}, some chunks away`, 2 ** -22);
  });
});

test("a row that is as wrong as can be lies in the last region, one without other classes in the first", () => {
  const x = Float32Array.of(0, 200, 0, 3e38, 0, -200, 5, -Infinity);
  for (const convention of CONVENTIONS) {
    const got = ghmcSoftmax(x, new Uint8Array(4), { classes: 2, bins: 3, convention });
    assert.deepEqual([...got.histogram.counts], [2, 0, 2]);
    assert.deepEqual([got.grad[6], got.grad[7], got.grad[1]], [0, 0, got.grad[3]]);
  }
});

test("beyond 2^20 rows regions are found again, with the same bits", () => {
  const rows = 2 ** 20 + 5;
  const logits = Float32Array.from({ length: rows }, (_, r) => ((r * 7919) % 1000) / 50 - 12);
  const labels = new Int32Array(rows).map((_, r) => (r % 1000 === 7 ? -100 : 1));
  const grid = Float32Array.from({ length: 3 * rows }, (_, i) => (i % 3 === 1 ? logits[(i - 1) / 3] : 0));
  const { grad, histogram } = ghmcSoftmax(grid, labels, { classes: 3 });
  const stream = ghmcSoftmax.stream({ classes: 3 }).update(grid, labels);
  assert.deepEqual(stream.grad(grid, labels), grad);
  assert.ok(histogram.counts.every((count) => count > 0) && histogram.total < rows);
});
