/** Values and gradients of every pointwise loss, against its formula in f64 and against exact sums. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { focal } from "../src/mod.ts";
import { batch, mask, softTargets } from "./data.ts";
import fc from "./property.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { MAX_FLOAT32, ulp, walk } from "./reference/float32.ts";
import { focalTruth } from "./reference/pointwise.ts";
import { gainOf, type Options, type Params, type Row, SOFT, share, TABLE, targetsFor } from "./table.ts";

/** Chunks of the library hold 32768 elements: lengths on both sides of one and of two borders. */
const BORDERS = [32767, 32768, 32769, 65535, 65536, 65537];
const LENGTHS = [...Array.from({ length: 71 }, (_, n) => n), ...BORDERS];

/** Steps of 2^-7 over the range in which sigmoid is neither 0 nor 1 in float32, and beyond. */
const DENSE: Float32Array<ArrayBuffer> = Float32Array.from({ length: 28161 }, (_, k) => (k - 14080) / 128);

function everywhere(xs: Float32Array, y: number): Float32Array<ArrayBuffer> {
  return new Float32Array(xs.length).fill(y);
}

/** A walk over all exponents, as far as the weighted losses fit a float32. */
function walkFor(params: Params, stride: number): Float32Array<ArrayBuffer> {
  const most = MAX_FLOAT32 / Math.max(params.posWeight ?? 1, 1);
  return Float32Array.from(walk(stride).filter((x) => Math.abs(x) <= most));
}

/** Fails at the worst element, if that one is worse than admitted. Returns the worst share for the curious. */
function judge(row: Row, params: Params, xs: Float32Array, ys: Float32Array): number {
  const { grad, losses } = row.loss(xs, ys, { ...params, reduction: "none" });
  assert.ok(losses, "losses come back for reduction none");
  let worst = 0;
  let where = "";
  for (let i = 0; i < xs.length; i++) {
    const truth = row.truth(xs[i], ys[i], params);
    const bound = row.bound(xs[i], ys[i], params, truth);
    const factor = gainOf(row, params);
    const here = Math.max(
      share(losses[i], truth.loss, bound.loss, factor),
      share(grad[i], truth.grad, bound.grad, factor),
    );
    if (here <= worst) continue;
    worst = here;
    where = `x = ${xs[i]}, y = ${ys[i]}: loss ${losses[i]} (${truth.loss}), gradient ${grad[i]} (${truth.grad})`;
  }
  assert.ok(
    worst <= 1,
    `${row.name} ${JSON.stringify(params)}: ${worst.toFixed(3)} of the bound at ${where}`,
  );
  return worst;
}

for (const row of TABLE) {
  test(`${row.name} keeps its bound on a walk over all exponents, hard targets`, () => {
    for (const params of row.settings) {
      const xs = walkFor(params, 41999);
      for (const y of [0, 1]) judge(row, params, xs, everywhere(xs, y));
    }
  });

  test(`${row.name} keeps its bound on a dense walk from -110 to 110, hard targets`, () => {
    for (const params of row.settings) {
      for (const y of [0, 1]) {
        const worst = judge(row, params, DENSE, everywhere(DENSE, y));
        assert.ok(
          worst > 0 || row.real,
          "an error of exactly 0 everywhere would mean that nothing was compared",
        );
      }
    }
  });

  test(`${row.name} keeps its bound for any parameters`, () => {
    fc.assert(
      fc.property(
        row.params,
        fc.array(
          fc.tuple(
            fc.float({ min: -120, max: 120, noNaN: true }),
            fc.constantFrom(...targetsFor(row, [0, 1, 0.25, 0.9])),
          ),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        (params, pairs) => {
          const xs = Float32Array.from(pairs, ([x]) => x);
          judge(
            row,
            params,
            xs,
            Float32Array.from(pairs, ([, y]) => y),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test(`${row.name} is finite for the largest logits and has the right sign`, () => {
    for (const params of row.settings) {
      const most = MAX_FLOAT32 / Math.max(params.posWeight ?? 1, 1);
      const xs = Float32Array.of(most, -most, most * 0.999, -most * 0.999, 1e-45, -1e-45);
      for (const y of [0, 1]) {
        const { grad, losses } = row.loss(xs, everywhere(xs, y), { ...params, reduction: "none" });
        assert.ok(losses?.every((v) => Number.isFinite(v) && v >= 0));
        const sign = (x: number): number => (row.real ? Math.sign(x - y) : 1 - 2 * y);
        assert.ok(grad.every((v, i) => Number.isFinite(v) && v * sign(xs[i]) >= 0));
      }
    }
  });

  // Those of residuals bend within less than a step: regression.test.ts has a finer one.
  if (!row.real)
    test(`${row.name}: the gradient is the derivative of the loss`, () => {
      const xs = Float32Array.from({ length: 301 }, (_, k) => (k - 150) / 16);
      const h = 2 ** -5;
      let compared = 0;
      const moved = (by: number): Float32Array<ArrayBuffer> => xs.map((x) => x + by);
      for (const params of row.settings) {
        for (const y of targetsFor(row, [0, 0.3, 1])) {
          const ys = everywhere(xs, y);
          const none = { ...params, reduction: "none" } as const;
          const { grad } = row.loss(xs, ys, none);
          const up = row.loss(moved(h), ys, none).losses as Float32Array;
          const down = row.loss(moved(-h), ys, none).losses as Float32Array;
          xs.forEach((x, i) => {
            if (row.isSmooth && !row.isSmooth(x, y, params)) return;
            compared++;
            const slope = (up[i] - down[i]) / (2 * h);
            const noise =
              (up[i] + down[i]) * 1e-5 +
              2e-3 * Math.max(1, params.gamma ?? 0, params.posWeight ?? 0, params.k ?? 0);
            assert.ok(Math.abs(slope - grad[i]) <= noise, `x = ${x}, y = ${y}: ${slope} against ${grad[i]}`);
          });
        }
      }
      assert.ok(compared > 1000);
    });

  test(`${row.name}: lengths 0 to 70 and around chunk borders agree with single elements and exact sums`, () => {
    const all = batch(65537, 11);
    const single = row.loss(all.logits, all.targets, { reduction: "none" });
    const losses = single.losses as Float32Array;
    for (let i = 0; i < 71; i++) {
      const one = row.loss(all.logits.slice(i, i + 1), all.targets.slice(i, i + 1), { reduction: "none" });
      assert.deepEqual([one.losses?.[0], one.grad[0]], [losses[i], single.grad[i]]);
    }
    for (const n of LENGTHS) {
      const [x, y] = [all.logits.slice(0, n), all.targets.slice(0, n)];
      const sum = row.loss(x, y, { reduction: "sum" });
      assert.equal(sum.loss, fromGrid(gridSum(losses.subarray(0, n))), `${n} elements`);
      assert.deepEqual(sum.grad, single.grad.slice(0, n), `${n} elements`);
      assert.equal(sum.count, n);
      assert.equal(sum.losses, undefined);
    }
  });

  test(`${row.name}: sums are exact whatever the size of the losses`, () => {
    for (const params of row.settings) {
      const xs = walkFor(params, 104729 * 5);
      const ys = Float32Array.from(xs, (_, i) => i & 1);
      const { loss, losses } = row.loss(xs, ys, { ...params, reduction: "none" });
      assert.equal(loss, fromGrid(gridSum(losses as Float32Array)));
    }
  });

  test(`${row.name}: mean divides sum and gradient once, by the count, the positives or a number`, () => {
    for (const n of [1, 5, 67, 16385]) {
      const { logits, targets } = batch(n, 13);
      const valid = mask(n, 17);
      const none = row.loss(logits, targets, { reduction: "none", mask: valid });
      const count = valid.reduce((sum, v) => sum + (v ? 1 : 0), 0);
      const positives = valid.reduce((sum, v, i) => sum + (v && targets[i] > 0.5 ? 1 : 0), 0);
      assert.equal(none.count, count);
      const cases: [Options["normalizer"], number][] = [
        [undefined, Math.max(count, 1)],
        ["count", Math.max(count, 1)],
        ["positives", Math.max(positives, 1)],
        [3, 3],
        [0.1, 0.1],
        [1e7 + 1, 1e7 + 1],
      ];
      for (const [normalizer, divisor] of cases) {
        const mean = row.loss(logits, targets, { reduction: "mean", normalizer, mask: valid });
        assert.equal(mean.loss, none.loss / divisor, `loss, ${n} elements by ${normalizer}`);
        assert.deepEqual(
          mean.grad,
          none.grad.map((g) => Math.fround(g / divisor)),
          `${n} elements by ${normalizer}`,
        );
      }
      const plain = row.loss(logits, targets, { mask: valid });
      assert.equal(plain.loss, none.loss / Math.max(count, 1), "mean over valid elements is the default");
    }
  });

  test(`${row.name}: an empty or fully masked batch gives 0 and a zero gradient`, () => {
    const { logits, targets } = batch(9, 1);
    for (const reduction of ["mean", "sum", "none"] as const) {
      for (const normalizer of ["count", "positives", 2] as const) {
        const empty = row.loss(new Float32Array(0), new Float32Array(0), { reduction, normalizer });
        assert.deepEqual([empty.loss, empty.count, empty.grad.length], [0, 0, 0]);
        const hidden = row.loss(logits, targets, { reduction, normalizer, mask: new Uint8Array(9) });
        assert.deepEqual([hidden.loss, hidden.count], [0, 0]);
        assert.deepEqual(hidden.grad, new Float32Array(9));
      }
    }
  });
}

for (const row of SOFT) {
  test(`${row.name} keeps its bound on soft targets`, () => {
    for (const params of row.settings) {
      judge(row, params, DENSE, softTargets(DENSE.length, 5));
      for (const y of [0.5, 2 ** -20, 1 - 2 ** -20]) judge(row, params, DENSE, everywhere(DENSE, y));
    }
  });

  test(`${row.name}: soft targets above one half are the positives`, () => {
    const logits = new Float32Array(40).fill(1);
    const targets = softTargets(40, 3);
    targets[7] = 0.5;
    const positives = targets.reduce((sum, y) => sum + (y > 0.5 ? 1 : 0), 0);
    assert.ok(positives > 1 && positives < 40);
    const none = row.loss(logits, targets, { reduction: "none" });
    assert.equal(row.loss(logits, targets, { normalizer: "positives" }).loss, none.loss / positives);
    assert.equal(row.loss.stream().update(logits, targets).result().positives, positives);
  });
}

test("focal of soft targets is rounded once, for exponents that are no float32 too", () => {
  const x = Float32Array.from({ length: 400 }, (_, i) => (i - 200) / 9);
  for (const gamma of [2, 2.3, 0.7, 7.9]) {
    for (const t of [2 ** -20, 0.3, 1 - 2 ** -20].map(Math.fround)) {
      const { losses } = focal(x, everywhere(x, t), { gamma, alpha: null, reduction: "none" });
      x.forEach((v, i) => {
        const { loss } = focalTruth(v, t, gamma, null);
        const got = (losses as Float32Array)[i];
        assert.ok(Math.abs(got - loss) <= 0.501 * ulp(loss), `${gamma} ${t} ${v}: ${got} ${loss}`);
      });
    }
  }
});
