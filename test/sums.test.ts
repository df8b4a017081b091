/** Sums are exact over the whole float32 range, whatever the number and the size of the losses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asl1, bce, density, ghmc, smoothL1 } from "../src/mod.ts";
import { batch, random } from "./data.ts";
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
  // Near the ends of 32-bit digits and of what a float64 holds, from both sides.
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

/** Weights that make element losses of the given values: softplus(128) is 128 in float32. */
function weightsFor(values: Float32Array): Float32Array<ArrayBuffer> {
  return values.map((v) => v / 128) as Float32Array<ArrayBuffer>;
}

test("sums are exact for every distance between the largest and the smallest loss", () => {
  const next = random(31);
  const n = 13;
  const [x, y] = [new Float32Array(n).fill(128), new Float32Array(n)];
  let sets = 0;
  for (let low = -141; low <= 127; low += 3) {
    for (let high = low; high <= 127; high++) {
      const values = Float32Array.from({ length: n }, (_, i) => {
        const exponent = i === 0 ? low : i === 1 ? high : low + Math.floor(next() * (high - low + 1));
        const significand = i < 4 ? 2 - 2 ** -23 : 1 + Math.floor(next() * 2 ** 23) / 2 ** 23;
        return i === 12 && high % 2 ? 0 : significand * 2 ** Math.min(exponent, 127) || 0;
      });
      const { loss, losses } = bce(x, y, { weights: weightsFor(values), reduction: "none" });
      const want = gridSum(losses as Float32Array);
      if (loss !== fromGrid(want)) assert.equal(loss, fromGrid(want), `from 2^${low} to 2^${high}`);
      sets++;
    }
  }
  assert.ok(sets > 10000);
});

test("sums are exact for many losses of one sign at any distance", () => {
  const n = 5000;
  const [x, y] = [new Float32Array(n).fill(128), new Float32Array(n)];
  for (let low = -135; low <= 100; low += 9) {
    for (const span of [
      0, 18, 19, 20, 21, 22, 40, 42, 62, 63, 64, 65, 66, 86, 87, 127, 128, 129, 130, 131, 200,
    ]) {
      const high = low + span;
      if (high > 127) continue;
      for (const share of [1.9999998807907104, 1.0000001192092896, 1.5]) {
        const values = new Float32Array(n).fill(share * 2 ** high);
        values[n - 1] = 2 ** low * share;
        const { loss, losses } = bce(x, y, { weights: weightsFor(values), reduction: "none" });
        const each = losses as Float32Array;
        if (high > -118) assert.equal(each[1], values[1], "the weights do make these losses");
        assert.equal(
          loss,
          fromGrid(toGrid(each[0]) * BigInt(n - 1) + toGrid(each[n - 1])),
          `2^${low} to 2^${high}`,
        );
      }
    }
  }
});

test("sums are exact where blocks leave few or many losses behind, and where some are 0", () => {
  const next = random(41);
  for (const n of [1, 5, 2047, 2049, 5003]) {
    const [x, y] = [new Float32Array(n).fill(128), new Float32Array(n)];
    for (const span of [67, 87, 95, 131, 175, 250]) {
      for (const far of [0.001, 0.3, 1]) {
        const values = Float32Array.from({ length: n }, (_, i) => {
          if (i % 5 === 3) return 0;
          return (1 + next()) * 2 ** (next() < far ? -next() * span : -next() * 20) * 2 ** (span / 2);
        });
        const { loss, losses } = bce(x, y, { weights: weightsFor(values), reduction: "none" });
        const want = fromGrid(gridSum(losses as Float32Array));
        assert.equal(loss, want, `${n} losses over ${span} octaves, ${far} of them far apart`);
      }
    }
  }
});

test("sums of residuals are exact wherever the one smallest or largest loss stands", () => {
  const next = random(43);
  const weights = new Float32Array(4111);
  for (const n of [1, 2, 3, 7, 2049, 4099]) {
    for (const octaves of [0, 9, 20, 43, 66, 87, 100]) {
      for (const where of [0, n >> 1, n - 1]) {
        // What an earlier, longer batch leaves behind the last element is not part of the range.
        smoothL1(weights.fill(2 ** 60), new Float32Array(4111), { weights });
        const residuals = Float32Array.from({ length: n }, (_, i) =>
          i === where ? 2 ** -octaves * 1.7 : 1 + next(),
        );
        const options = { weights: weights.slice(0, n).fill(2 ** (octaves / 2)), reduction: "none" } as const;
        for (const loss of [smoothL1, asl1]) {
          const { losses, loss: sum } = loss(residuals, new Float32Array(n), options);
          assert.equal(sum, fromGrid(gridSum(losses as Float32Array)), `${loss.name}: ${n}, 2^-${octaves}`);
        }
      }
    }
  }
});

test("bins of a ghmc stream are exact for any range of losses", () => {
  const next = random(37);
  const n = 5003;
  for (const reach of [
    0.01,
    1,
    5,
    8,
    10,
    12,
    14,
    15,
    16,
    20,
    40,
    87,
    104,
    1000,
    2 ** 17,
    2 ** 18,
    2 ** 30,
    1e38,
  ]) {
    for (const shift of [0, -reach / 2]) {
      const logits = Float32Array.from({ length: n }, () => (next() * 2 - 1) * reach + shift);
      const targets = Uint8Array.from({ length: n }, () => (next() < 0.3 ? 1 : 0));
      const losses = bce(logits, targets, { reduction: "none" }).losses;
      for (const bins of [1, 30, 256]) {
        const g = density.norms(logits, targets);
        const sums = new Map<number, bigint>();
        g.forEach((v, i) => {
          const j = Math.min(Math.floor(v * bins), bins - 1);
          sums.set(j, (sums.get(j) ?? 0n) + toGrid(losses[i]));
        });
        const rows = ghmc.stream({ bins }).update(logits, targets).toRows();
        assert.equal(rows.length, sums.size);
        for (const row of rows) {
          assert.equal(spelled(row), sums.get(Number(row.bin)), `reach ${reach}, bin ${row.bin} of ${bins}`);
        }
      }
    }
  }
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

test("a tie between two float64 is decided by the lowest digit", () => {
  const [row] = bce.stream().toRows();
  const tie = (0x80000000n << 96n) + (0x400n << 64n);
  for (const w0 of [0n, 1n]) {
    const { sum } = bce.fromRows([{ ...row!, count: 1n, w0, w2: 0x400n, w3: 0x80000000n }]).result();
    assert.equal(sum, fromGrid(tie + w0));
  }
  assert.notEqual(fromGrid(tie), fromGrid(tie + 1n));
});

test("the bins of a ghmc stream hold exact sums and counts, whatever the losses", () => {
  for (const bins of [1, 2, 10, 30, 256]) {
    for (const convention of ["paper", "mmdet"] as const) {
      const logits = Float32Array.of(...batch(3000, 77).logits, ...walk(15485863));
      const targets = Float32Array.from(logits, (_, i) => i & 1);
      const rows = ghmc.stream({ bins, convention }).update(logits, targets).toRows();
      const losses = bce(logits, targets, { reduction: "none" }).losses;
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
