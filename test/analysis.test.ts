/** What a loss is made of: its distribution, its gradient by difficulty, its classes; and the prior's bias. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, breakdown, density, focal, gradientMass, lossCdf, ohem, priorBias, share } from "../src/mod.ts";
import { kernel } from "../src/wasm/kernel.ts";
import { batch, mask, random } from "./data.ts";
import fc from "./property.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { loose, put, refuse } from "./refusal.ts";

/** Losses from subnormal to the largest float32, with ties and zeros. */
const loss = fc.oneof(
  { weight: 3, arbitrary: fc.float({ min: 0, max: 20, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 3.4028234663852886e38, 2 ** -102, 2 ** -103, 1e-45, 1e-30) },
);
const losses = fc.array(loss, { maxLength: 60, size: "max" }).map((list) => Float32Array.from(list));

function checkCdf(values: Float32Array, valid?: Uint8Array): void {
  const { fraction, cumulative } = lossCdf(values, valid && { mask: valid });
  const sorted = values.filter((_, i) => valid?.[i] !== 0).sort();
  const n = sorted.length;
  assert.deepEqual([fraction.length, cumulative.length], [n, n]);
  const total = fromGrid(gridSum(sorted));
  let sum = 0n;
  sorted.forEach((v, i) => {
    sum += gridSum([v]);
    assert.equal(fraction[i], (i + 1) / n);
    assert.equal(cumulative[i], total > 0 ? fromGrid(sum) / total : (i + 1) / n);
  });
  if (n > 0) assert.equal(cumulative[n - 1], 1);
}

test("the cumulative loss is exact at every point, over all exponents", () => {
  fc.assert(
    fc.property(losses, fc.boolean(), (values, isMasked) => {
      checkCdf(values, isMasked ? mask(values.length, values.length) : undefined);
    }),
    { numRuns: 500 },
  );
});

test("the cumulative loss of long batches: within two float64 and beyond", () => {
  const next = random(3);
  for (const reach of [10, 50, 52, 120]) {
    checkCdf(Float32Array.from({ length: 40001 }, () => (1 + next()) * 2 ** -Math.floor(next() * reach)));
  }
  // Just above the middle between two float64, by a bit that two of them have no room for.
  checkCdf(Float32Array.of(2 ** -100, 2 ** -46, 2 ** 7));
  const ties = Float32Array.from({ length: 40001 }, () => Math.floor(next() * 3));
  checkCdf(ties, mask(40001, 5));
});

test("the curve is convex and does not fall", () => {
  const { logits, targets } = batch(30000, 3);
  const { cumulative } = lossCdf(focal(logits, targets, { reduction: "none" }).losses);
  for (let i = 2; i < cumulative.length; i++) {
    const [a, b, c] = cumulative.subarray(i - 2, i + 1);
    assert.ok(a <= b && b <= c && c - b >= b - a - 2 ** -52);
  }
});

test("a share is the curve read from the hard end", () => {
  fc.assert(
    fc.property(losses, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (values, f, isMasked) => {
      const options = isMasked ? { mask: mask(values.length, 7) } : {};
      const { cumulative } = lossCdf(values, options);
      const n = cumulative.length;
      const at = (k: number): number => (k <= 0 || n === 0 ? 0 : cumulative[k - 1]);
      const exact = n - f * n;
      const k = Math.floor(exact);
      const want = n === 0 ? f : 1 - (at(k) + (exact - k) * ((k < n ? at(k + 1) : at(k)) - at(k)));
      const got = share(values, f, options);
      assert.ok(Math.abs(got - want) < 1e-12 && got >= 0 && got <= 1, `${got} ${want}`);
    }),
    { numRuns: 500 },
  );
  const values = Float32Array.of(1, 6, 0, 3);
  assert.deepEqual(
    [0, 0.25, 0.375, 0.5, 1].map((f) => share(values, f)),
    [0, 0.6, 0.75, 0.9, 1],
  );
  assert.deepEqual([share(new Float32Array(3), 0.3), share(new Float32Array(0), 0.3)], [0.3, 0.3]);
});

test("the share of a long batch takes no memory for the batch", () => {
  const values = Float32Array.from({ length: 3e6 }, (_, i) => (i % 1000) / 256);
  share(values.subarray(0, 40000), 0.001);
  const before = kernel.memory.buffer.byteLength;
  const got = share(values, 0.001);
  assert.equal(kernel.memory.buffer.byteLength, before);
  assert.ok(Math.abs(got - 0.002) < 1e-12, `${got}`);
});

test("a share is that of the mask that was checked", () => {
  const values = Float32Array.of(1, 6, 0, 3);
  let reads = 0;
  const options = {
    get mask() {
      return reads++ ? Uint8Array.of(0, 1) : Uint8Array.of(1, 0, 1, 1);
    },
  };
  assert.equal(share(values, 1 / 3, options), 0.75);
});

test("a share is at most 1, however its last part rounds", () => {
  assert.equal(share(Float32Array.of(2 ** 53, 3, 2), 1 - 2 ** -53), 1);
});

test("the gradient mass is exact, by difficulty, and masked gradients count nowhere", () => {
  for (const n of [0, 1, 70, 40001]) {
    for (const bins of [1, 10, 100, 256]) {
      const { logits, targets } = batch(n, 5);
      const grad = focal(logits, targets).grad;
      for (const valid of [undefined, mask(n, 3), new Uint8Array(n)]) {
        const got = gradientMass(logits, targets, grad, { bins, mask: valid });
        const g = density.norms(logits, targets, { mask: valid });
        const kept = grad.filter((_, i) => valid?.[i] !== 0).map(Math.abs);
        const bin = Array.from(g, (norm) => Math.min(Math.floor(norm * bins), bins - 1));
        const total = fromGrid(gridSum(kept));
        const by: number[][] = Array.from({ length: bins }, () => []);
        bin.forEach((k, i) => {
          by[k].push(kept[i]);
        });
        by.forEach((list, k) => {
          assert.equal(got.counts[k], list.length);
          assert.equal(got.mass[k], fromGrid(gridSum(list)));
          assert.equal(got.share[k], total > 0 ? got.mass[k] / total : 0);
        });
      }
    }
  }
});

test("difficulty is half open but at 1", () => {
  const logits = Float32Array.of(-200, 0, 0, 200, 200);
  const targets = Uint8Array.of(0, 0, 1, 0, 1);
  const grad = Float32Array.of(1, -2, 4, -8, 16);
  const { mass, counts } = gradientMass(logits, targets, grad, { bins: 2 });
  assert.deepEqual(
    [[...mass], [...counts]],
    [
      [17, 14],
      [2, 3],
    ],
  );
});

test("losses and counts by class and sign are exact", () => {
  for (const classes of [1, 3, 80]) {
    for (const rows of [0, 1, 37, classes === 1 ? 70001 : 700]) {
      const n = rows * classes;
      const { logits, targets } = batch(n, classes, 0.2);
      const all = bce(logits, targets, { reduction: "none" }).losses;
      for (const valid of [undefined, mask(n, 3), new Uint8Array(n)]) {
        const got = breakdown(all, targets, { classes, mask: valid });
        let [count, seen] = [0, 0];
        for (const [side, sign] of [
          [got.positives, 1],
          [got.negatives, 0],
        ] as const) {
          for (let c = 0; c < classes; c++) {
            const own = all.filter((_, i) => i % classes === c && targets[i] === sign && valid?.[i] !== 0);
            assert.deepEqual([side.counts[c], side.lossSums[c]], [own.length, fromGrid(gridSum(own))]);
            count += own.length;
            seen++;
          }
        }
        assert.deepEqual(
          [got.classes, count, seen],
          [classes, valid ? valid.filter((v) => v).length : n, 2 * classes],
        );
      }
    }
  }
  const soft = breakdown(Float32Array.of(-1, 2, 3), Float32Array.of(0.5, 0.51, 1));
  assert.deepEqual([soft.positives.lossSums[0], soft.negatives.lossSums[0]], [5, -1]);
});

/** ln(p / q) of two whole numbers by the series of atanh in whole numbers of 2^-200. */
function logOf(p: bigint, q: bigint): number {
  let [a, k] = [p, 0];
  while (a >= 2n * q) [q, k] = [q * 2n, k + 1];
  while (a < q) [a, k] = [a * 2n, k - 1];
  const series = (top: bigint, bottom: bigint): bigint => {
    let power = (top << 200n) / bottom;
    let sum = 0n;
    for (let i = 1n; power !== 0n; i += 2n) {
      sum += power / i;
      power = (power * top * top) / (bottom * bottom);
    }
    return 2n * sum;
  };
  return Number(series(a - q, a + q) + BigInt(k) * series(1n, 3n)) * 2 ** -200;
}

test("the prior's bias: the paper's value, symmetry, and the bound", () => {
  assert.ok(Math.abs(priorBias(0.01) + 4.595119850134589) < 1e-15);
  assert.equal(priorBias(0.5), 0);
  assert.ok(Math.abs(priorBias(0.01, { classes: 81 }) / 8.977146484808472 - 1) < 2 ** -51);
  let seen = 0;
  const next = random(9);
  for (let i = 0; i < 3000; i++) {
    const shift =
      i < 1000
        ? 0.5 + (next() - 0.5) * 2 ** -Math.floor(next() * 40)
        : next() * 2 ** -Math.floor(next() * 45);
    const pi = Math.min(Math.max(shift, 2 ** -100), 1 - 2 ** -53);
    const top = BigInt(pi * 2 ** 160);
    const one = 1n << 160n;
    const want = logOf(top, one - top);
    const got = priorBias(pi);
    assert.ok(
      Math.abs(got - want) <= 4 * 2 ** -53 * Math.abs(want) + Number.MIN_VALUE,
      `${pi}: ${got} ${want}`,
    );
    if (pi <= 0.5 && 1 - (1 - pi) === pi) {
      assert.ok(Math.abs(priorBias(1 - pi) + got) <= 4 * 2 ** -52 * Math.abs(want), "symmetric");
      seen++;
    }
    for (const classes of [2, 81, 30000]) {
      const background = logOf(BigInt(classes - 1) * (one - top), top);
      const bias = priorBias(pi, { classes });
      assert.ok(
        Math.abs(bias - background) <= 4 * 2 ** -53 * Math.max(1, Math.abs(background)),
        `${pi} ${classes}`,
      );
    }
  }
  assert.ok(seen > 100);
  // Odds beyond float64 once they are multiplied by the classes.
  for (const classes of [2, 81, 2 ** 31 - 1]) {
    for (const power of [-1000, -990]) {
      const want = Math.log(classes - 1) - power * Math.LN2;
      assert.ok(Math.abs(priorBias(2 ** power, { classes }) / want - 1) < 2 ** -49, `2^${power}, ${classes}`);
    }
  }
});

test("what the analysis refuses", () => {
  const x = Float32Array.of(1, 2, 3);
  const y = Uint8Array.of(0, 1, 0);
  for (const call of [(v: Float32Array) => lossCdf(v), (v: Float32Array) => share(v, 0.5)]) {
    for (const bad of [Number.NaN, Infinity, -1, -1e-45])
      refuse(() => call(put(x, 1, bad)), "RangeError", /index 1/);
    refuse(() => call(loose([1])), "TypeError", /Float32Array/);
  }
  const hidden = { mask: Uint8Array.of(1, 0, 1) };
  assert.deepEqual(lossCdf(put(x, 1, Number.NaN), hidden).cumulative, Float64Array.of(0.25, 1));
  assert.equal(share(put(x, 1, -1), 0.5, hidden), 0.75);
  refuse(() => lossCdf(x, { mask: new Uint8Array(2) }), "RangeError", /\b2\b/);
  refuse(() => share(x, 1.5), "RangeError", /1.5/);
  refuse(() => share(x, loose("1")), "TypeError", /fraction/);
  refuse(() => lossCdf(x, loose({ bins: 3 })), "TypeError", /"bins"/);
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    refuse(() => gradientMass(x, y, put(x, 2, bad)), "RangeError", /index 2/);
    refuse(() => breakdown(put(x, 2, bad), y), "RangeError", /index 2/);
  }
  refuse(() => gradientMass(put(x, 0, Number.NaN), y, x), "RangeError", /index 0/);
  refuse(() => gradientMass(x, y, new Float32Array(2)), "RangeError", /\b2\b/);
  refuse(() => gradientMass(x, y, x, { bins: 0 }), "RangeError", /bins/);
  refuse(() => breakdown(x, Float32Array.of(0, 2, 1)), "RangeError", /index 1/);
  refuse(() => breakdown(x, y, { classes: 2 }), "RangeError", /\b3\b/);
  const none = new Float32Array(0);
  refuse(() => breakdown(none, none, { classes: 2 ** 25 + 1 }), "RangeError", /classes.* 33554433/);
  refuse(() => breakdown(x, new Uint8Array(2)), "RangeError", /\b2\b/);
  for (const bad of [0, 1, -1, 2, Number.NaN]) refuse(() => priorBias(bad), "RangeError", /pi/);
  refuse(() => priorBias(0.01, { classes: 1 }), "RangeError", /classes/);
  refuse(() => priorBias(loose("0.01")), "TypeError", /pi/);
});

test("the hardest of a batch carry the share that a selection of them has", () => {
  const { logits, targets } = batch(10000, 3);
  const all = bce(logits, targets, { reduction: "none" }).losses;
  const { mask: hard } = ohem(all, { budget: 100 });
  const part =
    bce(logits, targets, { mask: hard, reduction: "sum" }).loss /
    bce(logits, targets, { reduction: "sum" }).loss;
  assert.equal(share(all, 0.01), part);
});
