/** Sums are exact over the whole float32 range, whatever the number and the size of the losses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density, ghmc } from "../src/mod.ts";
import { batch } from "./data.ts";
import { logit, spelled } from "./laws.ts";
import fc from "./property.ts";
import { fromGrid, gridSum, toGrid } from "./reference/fixed-point.ts";
import { walk } from "./reference/float32.ts";
import { edgesOf } from "./reference/ghm.ts";

/** Logits whose loss of target 0 is near a value, and the loss itself. */
function lossNear(value: number): { x: number; loss: number } {
  const x = Math.fround(value > 100 ? value : value < 1e-3 ? Math.log(value) : Math.log(Math.expm1(value)));
  const { losses } = bce(Float32Array.of(x), Float32Array.of(0), { reduction: "none" });
  return { x, loss: (losses as Float32Array)[0] };
}

test("sums stay exact when many equal losses drive any part of the sum across 2^63", () => {
  const n = 100000;
  const targets = new Float32Array(n);
  const values: number[] = [];
  // Near the ends of the parts that a split onto the grids 2^-24, 2^-75 and 2^-126 makes, from both sides.
  for (const top of [
    2 ** 27,
    2 ** 26,
    2 ** -24,
    2 ** -25,
    2 ** -74,
    2 ** -75,
    2 ** -76,
    2 ** -100,
    2 ** -120,
    1,
    2 ** 70,
    2 ** 127,
  ]) {
    for (const share of [1.01, 0.99, 0.76, 0.51, 0.49, 0.26]) values.push(top * share);
  }
  for (const value of values) {
    const { x, loss } = lossNear(Math.max(value, 1.2e-38));
    assert.ok(Math.abs(loss / value - 1) < 1e-4, `a loss near ${value}`);
    const logits = new Float32Array(n).fill(x);
    const stream = bce.stream({ reduction: "sum" }).update(logits, targets);
    const want = toGrid(loss) * BigInt(n);
    assert.equal(spelled(stream.toRows()[0]), want, `${n} losses of ${loss}`);
    assert.equal(stream.result().loss, fromGrid(want));
    assert.equal(bce(logits, targets, { reduction: "sum" }).loss, fromGrid(want));
    for (let k = 0; k < 6; k++) stream.merge(stream);
    assert.equal(spelled(stream.toRows()[0]), want * 64n);
    assert.equal(stream.result().sum, fromGrid(want * 64n));
  }
});

test("sums are exact for losses of all sizes at once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(logit, fc.integer({ min: 0, max: 1 }), fc.float({ min: 0, max: 1, noNaN: true })), {
        maxLength: 200,
        size: "max",
      }),
      (rows) => {
        const logits = Float32Array.from(rows, ([x]) => x);
        const targets = Float32Array.from(rows, ([, y]) => y);
        const weights = Float32Array.from(rows, ([, , w]) => w);
        const { loss, losses } = bce(logits, targets, { reduction: "none", weights });
        const want = gridSum(losses as Float32Array);
        assert.equal(loss, fromGrid(want));
        const stream = bce.stream().update(logits, targets, { weights });
        assert.equal(spelled(stream.toRows()[0]), want);
      },
    ),
    { numRuns: 200 },
  );
});

test("losses below the grid are rounded by themselves, to even", () => {
  const weights = Float32Array.from([1, 3, 5, 7, 1.5, 2.5, 0.5, 6], (k) => k * 2 ** -127);
  const logits = new Float32Array(8).fill(-1).fill(1, 4);
  const targets = new Float32Array(8);
  const { losses, loss } = bce(logits, targets, { weights, reduction: "none" });
  assert.equal(loss, fromGrid(gridSum(losses as Float32Array)));
  const rows = bce.stream().update(logits, targets, { weights }).toRows();
  assert.equal(spelled(rows[0]), gridSum(losses as Float32Array));
});

test("the bins of a ghmc stream hold exact sums and counts, whatever the losses", () => {
  for (const bins of [1, 2, 10, 30, 256]) {
    for (const convention of ["paper", "mmdet"] as const) {
      const logits = Float32Array.of(...batch(3000, 77).logits, ...walk(15485863));
      const targets = Float32Array.from(logits, (_, i) => i & 1);
      const rows = ghmc.stream({ bins, convention }).update(logits, targets).toRows();
      const losses = bce(logits, targets, { reduction: "none" }).losses as Float32Array;
      const g = density.norms(logits, targets);
      const edges = edgesOf(bins, convention);
      const members = Array.from({ length: bins }, (): number[] => []);
      g.forEach((v, i) => {
        let j = Math.min(Math.floor(v * bins), bins - 1);
        if (convention === "mmdet") {
          j = bins - 1;
          while (v < edges[j]) j--;
        }
        members[j].push(losses[i]);
      });
      const occupied = members.flatMap((list, j) => (list.length ? [j] : []));
      assert.deepEqual(
        rows.map((row) => Number(row.bin)),
        occupied,
      );
      for (const row of rows) {
        const list = members[Number(row.bin)];
        assert.deepEqual(
          [row.count, spelled(row)],
          [BigInt(list.length), gridSum(list)],
          `bin ${row.bin} of ${bins}`,
        );
      }
    }
  }
});

test("many equal losses in one bin stay exact", () => {
  const n = 100000;
  for (const value of [2e-38, 1e-10, 2 ** -10, 0.005, 0.7, 3, 15, 2 ** 17 * 1.9, 2 ** 18, 2 ** 27, 1e38]) {
    const { x, loss } = lossNear(value);
    const stream = ghmc.stream({ bins: 256 }).update(new Float32Array(n).fill(x), new Uint8Array(n));
    const [row, ...others] = stream.toRows();
    assert.deepEqual(
      [others.length, row.count, spelled(row)],
      [0, BigInt(n), toGrid(loss) * BigInt(n)],
      `${loss}`,
    );
  }
});
