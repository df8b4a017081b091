/** What must hold between losses of rows, each with an assertion that it is not vacuous. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asymmetricSingleLabel,
  bce,
  focal,
  focalStar,
  softmaxCrossEntropy,
  softmaxFocal,
  softmaxFocalStar,
  softmaxHardTruncation,
  softmaxSoftTruncation,
} from "../src/mod.ts";
import { rowData } from "./rows-table.ts";

const none = "none" as const;

function near(one: ArrayLike<number>, other: ArrayLike<number>, relative: number): void {
  assert.equal(one.length, other.length);
  for (let i = 0; i < one.length; i++)
    assert.ok(Math.abs(one[i] - other[i]) <= relative * Math.abs(other[i]) + 1e-37, `${one[i]}, ${other[i]}`);
}

test("two classes are one logit, their difference", () => {
  const xs = Float32Array.from({ length: 401 }, (_, k) => (k - 200) / 4);
  const labels = Uint8Array.from(xs, (_, k) => k & 1);
  const pairs = Float32Array.from({ length: 802 }, (_, k) => (k & 1 ? xs[k >> 1] : 0));
  for (const gamma of [0, 2, 1.7]) {
    const rows = softmaxFocal(pairs, labels, { classes: 2, gamma, reduction: none });
    const binary = focal(xs, labels, { gamma, alpha: null, reduction: none });
    const relative = 2 ** -23 * (8 + 4 * gamma * 50);
    near(rows.losses ?? [], binary.losses as Float32Array, relative);
    near(
      rows.grad.filter((_, k) => k & 1),
      binary.grad,
      relative,
    );
  }
  const rows = softmaxCrossEntropy(pairs, labels, { classes: 2, reduction: none });
  near(rows.losses ?? [], bce(xs, labels, { reduction: none }).losses as Float32Array, 2 ** -20);
});

test("a saturated row keeps its gradient where 1 - p would be 0", () => {
  const { grad } = softmaxCrossEntropy(Float32Array.of(30, 0, 0), Int32Array.of(0), { classes: 3 });
  assert.equal(Math.fround(1 / (1 + 2 * Math.exp(-30))), 1);
  near(grad, [-2 * Math.exp(-30), Math.exp(-30), Math.exp(-30)], 2 ** -20);
});

test("a slope that flushes to 0 does not turn its sign on the way", () => {
  for (const classes of [2, 9, 10, 12]) {
    const from = Math.fround(87.33);
    const logits = new Float32Array(2048 * classes);
    for (let r = 0; r < 2048; r++) logits[r * classes] = from + r * 2 ** -17;
    const { grad } = softmaxCrossEntropy(logits, new Uint8Array(2048), { classes, reduction: none });
    assert.ok(grad.every((v, i) => (i % classes ? v >= 0 : v <= 0)));
    assert.ok(grad[0] < 0 && grad[2047 * classes] === 0);
  }
});

test("gamma 0, k 1 and both exponents 0 are what they should be", () => {
  const { logits, labels } = rowData(500, 9, 4, 12);
  const of = { classes: 9, reduction: none } as const;
  const ce = softmaxCrossEntropy(logits, labels, of);
  assert.ok((ce.losses ?? []).some((l) => l > 5));
  const flat = softmaxFocal(logits, labels, { ...of, gamma: 0 });
  near(flat.losses ?? [], ce.losses ?? [], 2 ** -21);
  near(flat.grad, ce.grad, 2 ** -20);
  const soft = softmaxSoftTruncation(logits, labels, { ...of, k: 1 });
  const focused = softmaxFocal(logits, labels, { ...of, gamma: 1 });
  near(soft.losses ?? [], focused.losses ?? [], 2 ** -19);
  near(soft.grad, focused.grad, 2 ** -19);
  const smooth = softmaxCrossEntropy(logits, labels, { ...of, labelSmoothing: 0.1 });
  assert.deepEqual(asymmetricSingleLabel(logits, labels, { ...of, gammaNeg: 0 }), smooth);
  assert.notDeepEqual(smooth.losses, ce.losses);
});

test("FL* of a row is FL* of its margin", () => {
  const xs = Float32Array.from({ length: 401 }, (_, k) => (k - 200) / 8);
  const labels = Uint8Array.from(xs, (_, k) => k & 1);
  const pairs = Float32Array.from({ length: 802 }, (_, k) => (k & 1 ? xs[k >> 1] : 0));
  for (const [gamma, beta] of [
    [1, 0],
    [2, 1],
    [4, 0],
  ]) {
    const rows = softmaxFocalStar(pairs, labels, { classes: 2, gamma, beta, reduction: none });
    const binary = focalStar(xs, labels, { gamma, beta, reduction: none });
    const relative = 2 ** -23 * (12 + 4 * gamma * 25);
    near(rows.losses ?? [], binary.losses as Float32Array, relative);
    near(
      rows.grad.filter((_, k) => k & 1),
      binary.grad,
      relative,
    );
  }
  const { logits, labels: many } = rowData(500, 9, 4, 12);
  const of = { classes: 9, reduction: none } as const;
  const star = softmaxFocalStar(logits, many, { ...of, gamma: 1, beta: 0 });
  const ce = softmaxCrossEntropy(logits, many, of);
  near(star.losses ?? [], ce.losses ?? [], 2 ** -18);
  near(star.grad, ce.grad, 2 ** -18);
  const even = softmaxFocalStar(Float32Array.of(0, 0.5), Uint8Array.of(0), { classes: 2 });
  assert.equal(even.grad[1], 0.5);
});

test("a hard step keeps the rows that are not learnt, as they are under cross-entropy", () => {
  const { logits, labels } = rowData(3000, 6, 14, 9);
  const of = { classes: 6, reduction: none } as const;
  const ce = softmaxCrossEntropy(logits, labels, of);
  assert.deepEqual(softmaxHardTruncation(logits, labels, { ...of, margin: 1 }), ce);
  for (const margin of [0.2, 0.5, 0.9]) {
    const { losses, grad } = softmaxHardTruncation(logits, labels, { ...of, margin });
    const limit = -Math.log(margin);
    const kept = Array.from(ce.losses ?? [], (l) => l > limit);
    assert.ok(kept.includes(true) && kept.includes(false));
    assert.ok(
      (ce.losses ?? []).every((l) => Math.abs(l - limit) > 1e-6),
      "no row is at the margin",
    );
    assert.deepEqual(
      losses,
      ce.losses?.map((l, r) => (kept[r] ? l : 0)),
    );
    assert.ok(grad.every((g, i) => (kept[Math.floor(i / 6)] ? Object.is(g, ce.grad[i]) : Math.abs(g) === 0)));
  }
  const even = softmaxHardTruncation(new Float32Array(2), Uint8Array.of(1), { classes: 2 });
  assert.deepEqual([even.loss, ...even.grad], [Math.fround(Math.LN2) / 2, 0.25, -0.25]);
});

test("without smoothing gammaNeg has no effect, with it it has", () => {
  const { logits, labels } = rowData(100, 5, 4, 6);
  const run = (gammaNeg: number, labelSmoothing: number): unknown =>
    asymmetricSingleLabel(logits, labels, { classes: 5, gammaNeg, labelSmoothing });
  assert.deepEqual(run(4, 0), run(0.5, 0));
  assert.notDeepEqual(run(4, 0.1), run(0.5, 0.1));
});

test("a constant added to a row changes nothing it should not, and excluding a class is leaving it out", () => {
  const x = Float32Array.of(1, -2, 0.5, 4);
  const base = softmaxFocal(x, Int32Array.of(0), { classes: 4, reduction: none });
  const moved = softmaxFocal(
    x.map((v) => v + 1024),
    Int32Array.of(0),
    { classes: 4, reduction: none },
  );
  assert.deepEqual(moved, base);
  for (const loss of [softmaxCrossEntropy, softmaxFocal, softmaxSoftTruncation]) {
    const wide = loss(Float32Array.of(1, -2, -Infinity, 0.5, 4, -Infinity), Int32Array.of(0), { classes: 6 });
    const narrow = loss(x, Int32Array.of(0), { classes: 4 });
    near([wide.loss], [narrow.loss], 2 ** -22);
    assert.deepEqual([wide.grad[2], wide.grad[5]], [0, 0]);
  }
});

test("the rival form takes an undecided row for done, the margin form does not", () => {
  const x = Float32Array.of(0, 0, -10);
  const p = 1 / (2 + Math.exp(-10));
  const weight = (form: "margin" | "rival"): number =>
    softmaxSoftTruncation(x, Int32Array.of(0), { classes: 3, form }).loss / -Math.log(p);
  near([weight("rival"), weight("margin")], [1 / (2 + Math.exp(10)), 1 - p], 1e-6);
});

test("a label further above all others than float32 reaches has the smoothed loss of that gap", () => {
  for (const classes of [2, 3, 5]) {
    const x = Float32Array.of(3e38, ...new Float32Array(classes - 1).fill(-3e38));
    // All others are as far away: -log p of each is the gap.
    const want = (0.1 / classes) * (classes - 1) * 6e38;
    for (const smoothed of [
      softmaxCrossEntropy(x, Int32Array.of(0), { classes, labelSmoothing: 0.1 }),
      asymmetricSingleLabel(x, Int32Array.of(0), { classes, gammaPos: 0, gammaNeg: 0 }),
    ]) {
      assert.ok(Math.abs(smoothed.loss / want - 1) < 1e-6, `${smoothed.loss}, ${want}`);
    }
    // With an exponent the sum is made in float32, and what leaves it is refused.
    const options = { classes, gammaPos: 1, gammaNeg: 0 };
    assert.throws(() => asymmetricSingleLabel(x, Int32Array.of(0), options), /overflow at row 0/);
  }
});

test("a row is refused for its own loss, and never for one of its neighbours", () => {
  const options = { classes: 2, k: 1000, reduction: "none" } as const;
  const near = Float32Array.of(0, 0, 0, 0);
  const far = Float32Array.of(0, 0, -3e38, 3e38);
  const labels = Int32Array.of(0, 0);
  // No gradient: the slope of the first row is infinite, and times 0 it would be NaN.
  const only = (logits: Float32Array) => {
    const losses = new Float32Array(2);
    softmaxSoftTruncation.into({ losses }, logits, labels, {
      ...options,
      rowWeights: Float32Array.of(1e38, 0.1),
    });
    return losses;
  };
  assert.equal(only(far)[0], only(near)[0]);
  assert.ok(Number.isFinite(only(far)[0]) && only(far)[0] > 3e37);
});
