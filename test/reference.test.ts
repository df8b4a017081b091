/** The oracles are code too: each is held to numbers that were made elsewhere, or to a second definition. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./project.ts";
import fc from "./property.ts";
import { bracketTruth, densityTruth, regionTruth } from "./reference/density.ts";
import { exactly, quotient } from "./reference/dyadic.ts";
import { fromGrid, gridSum, toGrid } from "./reference/fixed-point.ts";
import { neighbour, toBits, ulp, walk } from "./reference/float32.ts";
import { ghmTruth } from "./reference/ghm.ts";
import { bceTruth, focalHardTruth, focalTruth } from "./reference/pointwise.ts";

interface Vector {
  x: number;
  y: number;
  gamma: number;
  alpha: number;
  loss: number;
  grad: number;
}

const { focal } = json<{ focal: Vector[] }>("test", "golden", "vectors.json");

const near = (got: number, want: number, bound = 4e-15): void =>
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want), `got ${got}, want ${want}`);

test("the focal oracle gives forty-digit values", () => {
  for (const { x, y, gamma, alpha, loss, grad } of focal) {
    const truth = focalHardTruth(x, y, gamma, alpha);
    near(truth.loss, loss, 2e-14);
    near(truth.grad, grad, 2e-14);
  }
  near(focalTruth(0.3, 0.7, 2, null).loss, 0.142473171, 2e-9);
});

test("the derivatives of the oracles are those of their values", () => {
  const h = 1e-5;
  for (const y of [0, 0.2, 0.5, 0.9, 1]) {
    for (const gamma of [0, 0.5, 1, 2, 3.3]) {
      for (let x = -8; x <= 8; x += 0.37) {
        const slope = (f: (x: number) => number): number => (f(x + h) - f(x - h)) / (2 * h);
        const truth = focalTruth(x, y, gamma, 0.3);
        assert.ok(
          Math.abs(truth.grad - slope((v) => focalTruth(v, y, gamma, 0.3).loss)) < 1e-8,
          `${x} ${y} ${gamma}`,
        );
        const bce = bceTruth(x, y, 1 + gamma);
        assert.ok(Math.abs(bce.grad - slope((v) => bceTruth(v, y, 1 + gamma).loss)) < 1e-8);
      }
    }
  }
});

test("the soft form of the focal oracle meets the hard one at its ends", () => {
  for (let x = -30; x <= 30; x += 0.7) {
    for (const y of [0, 1]) {
      const inside = focalTruth(x, y === 0 ? 1e-300 : 1 - 2 ** -53, 2, 0.25);
      const hard = focalHardTruth(x, y, 2, 0.25);
      assert.ok(Math.abs(inside.grad - hard.grad) <= 1e-12 * hard.scale + 2 ** -40, `${x} ${y}`);
    }
  }
});

test("fractions are exact", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (v) => {
      const { top, shift } = exactly(v);
      assert.ok(Number(top) * 2 ** -Math.min(shift, 1000) * 2 ** -Math.max(shift - 1000, 0) === v);
    }),
  );
  near(quotient(1n, 3n), 1 / 3, 2 ** -52);
  near(quotient(10n ** 40n, 7n), 1e40 / 7, 2 ** -52);
});

test("the grid holds every float32 of 2^-102 and above exactly, and rounds what is smaller to even", () => {
  for (const v of walk(7919 * 13)) {
    if (Math.abs(v) >= 2 ** -102) assert.equal(fromGrid(toGrid(v)), v);
    else assert.ok(Math.abs(fromGrid(toGrid(v)) - v) <= 2 ** -127);
  }
  assert.equal(toGrid(2 ** -127), 0n);
  assert.equal(toGrid(3 * 2 ** -127), 2n);
  assert.equal(toGrid(5 * 2 ** -127), 2n);
  assert.equal(toGrid(neighbour(2 ** -127, 1)), 1n);
  assert.equal(gridSum([1, -1, 2 ** -126]), 1n);
});

test("ulp and neighbours agree", () => {
  for (const v of walk(104729 * 3)) {
    if (Math.abs(v) < 2e-38 || Math.abs(v) > 3e38) continue;
    assert.equal(Math.abs(neighbour(v, v > 0 ? 1 : -1) - v), ulp(v));
  }
  assert.equal(toBits(neighbour(0, -1)), 0x80000001);
});

test("the density oracle gives the worked example", () => {
  // In twentieths, so that no window edge is a rounded decimal: scaled by 1/32 to be exact in binary.
  const g = [0, 1, 2, 2, 3, 6, 10, 11, 18, 20].map((v) => v / 32);
  const { counts } = densityTruth(g, 4 / 32);
  assert.deepEqual(counts, [2, 4, 5, 5, 4, 1, 2, 2, 1, 2]);
  const closed = densityTruth([0.5, 0.9375, 1, 1], 0.125);
  assert.deepEqual(closed.counts, [1, 3, 3, 3]);
  assert.deepEqual(closed.density, [8, 24, 48, 48]);
  assert.deepEqual(regionTruth([0, 0.2, 0.2, 1], 4).counts, [3, 3, 3, 1]);
});

test("the bracket of the oracle holds the exact count", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40, size: "max" }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 12 }),
      (g, refine, m) => {
        const { counts } = densityTruth(g, 1 / m);
        const { lower, upper } = bracketTruth(g, 1 / m, refine);
        counts.forEach((n, i) => {
          assert.ok(lower[i] <= n && n <= upper[i], `${lower[i]} <= ${n} <= ${upper[i]}`);
        });
      },
    ),
  );
});

test("both conventions of the harmonizing oracle differ by M over the occupied bins", () => {
  const logits = [-4, -3.9, -3, 0.3, 2, 2.1];
  const targets = [0, 0, 0, 1, 1, 0];
  const paper = ghmTruth({ logits, targets }, { bins: 10, convention: "paper" });
  const mmdet = ghmTruth({ logits, targets }, { bins: 10, convention: "mmdet" });
  const occupied = paper.counts.filter((r) => r > 0).length;
  assert.equal(occupied, 4);
  near(mmdet.loss, (10 / occupied) * paper.loss);
});
