/** Losses of residuals: real targets of every size, residuals beyond float32, tiny ones, and their theorems. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asl1, smoothL1 } from "../src/mod.ts";
import { mask, random } from "./data.ts";
import fc from "./property.ts";
import { MAX_FLOAT32, MIN_NORMAL } from "./reference/float32.ts";
import { refuse } from "./refusal.ts";
import { type Params, type Row, share, TABLE } from "./table.ts";

const ROWS = TABLE.filter((row) => row.real);
const EXTREMES: Record<string, Params[]> = {
  smoothL1: [{ beta: MAX_FLOAT32 }, { beta: 1e-45 }, { beta: 1e-38 }, { beta: 3e30 }],
  asl1: [{ mu: MAX_FLOAT32 }, { mu: MIN_NORMAL }, { mu: 1e-30 }, { mu: 3e30 }],
};
const rounded = ({ beta, mu }: Params): Params => ({
  ...(beta !== undefined && { beta: Math.fround(beta) }),
  ...(mu !== undefined && { mu: Math.fround(mu) }),
});

/** Floats of every exponent and sign. */
function anywhere(n: number, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => {
    const size = (1 + next()) * 2 ** (Math.floor(next() * 254) - 126);
    return next() < 0.5 ? -size : size;
  });
}

/** Predictions near their targets, whatever the size of these. */
function nearby(targets: Float32Array, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return targets.map(
    (t) => t * (1 - next() * 2 ** -Math.floor(1 + next() * 22)),
  ) as Float32Array<ArrayBuffer>;
}

function worstOf(row: Row, params: Params, x: Float32Array, y: Float32Array, weight = 1): number {
  const weights = new Float32Array(x.length).fill(weight);
  const { losses, grad } = row.loss(x, y, { ...params, weights, reduction: "none" });
  assert.ok(losses);
  let worst = 0;
  let where = "";
  x.forEach((_, i) => {
    const truth = row.truth(x[i], y[i], rounded(params));
    if (truth.loss < MIN_NORMAL / weight || Math.abs(truth.grad) < MIN_NORMAL / weight) return;
    const bound = row.bound(x[i], y[i], params, truth);
    const here = Math.max(
      share(losses[i] / weight, truth.loss, bound.loss),
      share(grad[i] / weight, truth.grad, bound.grad),
    );
    if (here <= worst) return;
    worst = here;
    where = `${x[i]} - ${y[i]}: loss ${losses[i]} (${truth.loss}), gradient ${grad[i]} (${truth.grad})`;
  });
  assert.ok(
    worst <= 1,
    `${row.name} ${JSON.stringify(params)}: ${worst.toFixed(3)} of the bound at ${where}`,
  );
  return worst;
}

for (const row of ROWS) {
  test(`${row.name} keeps its bound for predictions and targets of every size`, () => {
    const targets = anywhere(20000, 3);
    let worst = 0;
    for (const params of [...row.settings, ...EXTREMES[row.name]]) {
      // A quarter of any residual's loss fits a float32, as a quarter of its weight does.
      worst = Math.max(worst, worstOf(row, params, anywhere(20000, 5), targets, 0.25));
      worst = Math.max(worst, worstOf(row, params, nearby(targets, 7), targets, 0.25));
      const small = targets.map((t) => (Math.abs(t) < 2 ** 60 ? t : 1 / t));
      worst = Math.max(worst, worstOf(row, params, nearby(small, 9), small));
    }
    assert.ok(worst > 0.2, "the bound is no loose one");
  });

  test(`${row.name}: a residual beyond float32 is computed where its weighted loss fits, else refused`, () => {
    const x = new Float32Array(70).fill(1);
    const y = new Float32Array(70);
    for (const at of [0, 41, 69]) {
      const [far, back] = [x.slice(), y.slice()];
      far[at] = MAX_FLOAT32;
      back[at] = -MAX_FLOAT32;
      const named = new RegExp(`index ${at} \\(prediction 3.4028234663852886e\\+38, target -3.40`);
      refuse(() => row.loss(far, back), "RangeError", named);
      refuse(() => row.loss.stream().update(far, back), "RangeError", named);
      refuse(() => row.loss(back, far), "RangeError", new RegExp(`index ${at}\\b`));
      const weights = new Float32Array(70).fill(0.5);
      const { losses, grad, loss } = row.loss(far, back, { weights, reduction: "none" });
      assert.equal(losses?.[at], MAX_FLOAT32);
      assert.equal(grad[at], 0.5);
      assert.ok(Number.isFinite(loss) && loss >= MAX_FLOAT32);
      assert.equal(
        row.loss(far, back, { mask: Uint8Array.from(x, (_, i) => +(i !== at)), weights }).count,
        69,
      );
    }
  });

  test(`${row.name}: one residual beyond float32, or near its end, leaves all others their bits`, () => {
    const below = (v: number): number => (Math.abs(v) < 2 ** 126 ? v : v / 4);
    const [x, y] = [anywhere(5000, 13).map(below), anywhere(5000, 17).map(below)];
    assert.ok(x.some((v, i) => Math.abs(v - y[i]) > 2 ** 125.5));
    const weights = new Float32Array(5001).fill(0.25);
    for (const params of [...row.settings, ...EXTREMES[row.name]]) {
      const options = { ...params, reduction: "none" } as const;
      const alone = row.loss(x, y, { ...options, weights: weights.subarray(1) });
      for (const end of [1, -3e38]) {
        const far = [Float32Array.of(...x, end), Float32Array.of(...y, 3e38)] as const;
        const beside = row.loss(...far, { ...options, weights });
        assert.deepEqual(beside.losses?.subarray(0, 5000), alone.losses);
        assert.deepEqual(beside.grad.subarray(0, 5000), alone.grad);
      }
    }
  });

  test(`${row.name}: the gradient is the derivative of the loss, in steps finer than its bend`, () => {
    const n = 401;
    const zeros = new Float32Array(n);
    for (const params of row.settings) {
      const bend = params.mu ?? params.beta ?? (row.name === "asl1" ? 0.02 : 1);
      const size = bend || 1;
      const h = size / 64;
      const x = Float32Array.from({ length: n }, (_, k) => (size * (k - 200)) / 25);
      const at = (by: number): Float32Array =>
        row.loss(
          x.map((v) => v + by),
          zeros,
          { ...params, reduction: "none" },
        ).losses as Float32Array;
      const [up, down] = [at(h), at(-h)];
      const { grad } = row.loss(x, zeros, { ...params, reduction: "none" });
      x.forEach((v, i) => {
        const slope = (up[i] - down[i]) / (2 * h);
        assert.ok(
          Math.abs(slope - grad[i]) <= 1e-2,
          `${JSON.stringify(params)} at ${v}: ${slope}, ${grad[i]}`,
        );
      });
    }
  });

  test(`${row.name} is even in the residual, 0 at 0, and its gradient at most 1 and odd`, () => {
    const x = anywhere(5000, 11).map((v) => (Math.abs(v) < 2 ** 60 ? v : 1 / v));
    for (const params of [...row.settings, ...EXTREMES[row.name]]) {
      const none = { ...params, reduction: "none" } as const;
      const zeros = new Float32Array(5000);
      const one = row.loss(x, zeros, none);
      assert.deepEqual(row.loss(zeros, x, none).losses, one.losses);
      assert.deepEqual(
        row.loss(zeros, x, none).grad,
        one.grad.map((v) => -v),
      );
      assert.ok(one.grad.every((v, i) => Math.abs(v) <= 1 && v * x[i] >= 0));
      const still = row.loss(x, x, none);
      assert.ok(still.losses?.every((v) => v === 0) && still.grad.every((v) => v === 0));
    }
  });

  test(`${row.name}: byte targets are numbers up to 255`, () => {
    const y = Uint8Array.of(0, 1, 7, 255);
    const x = Float32Array.of(3, 3, 3, 3);
    assert.deepEqual(
      row.loss(x, y, { reduction: "none" }),
      row.loss(x, Float32Array.from(y), { reduction: "none" }),
    );
  });

  test(`${row.name}: masked elements may hold anything, real targets included`, () => {
    const n = 16400;
    const next = random(13);
    const [x, y] = [0, 1].map(() => Float32Array.from({ length: n }, () => (next() - 0.5) * 9));
    const valid = mask(n, 17);
    const want = row.loss(x, y, { mask: valid });
    const dirty = (v: Float32Array): Float32Array =>
      v.map((u, i) => (valid[i] ? u : [Number.NaN, -Infinity, 3e38][i % 3]));
    assert.deepEqual(row.loss(dirty(x), dirty(y), { mask: valid }), want);
  });

  test(`${row.name}: predictions are called so`, () => {
    const one = Float32Array.of(1);
    refuse(() => row.loss(Float32Array.of(Number.NaN), one), "RangeError", /finite predictions, got NaN/);
    refuse(() => row.loss(one, Float32Array.of(Infinity)), "RangeError", /finite targets, got Infinity/);
    refuse(() => row.loss([1] as never, one), "TypeError", /predictions/);
  });
}

test("smoothL1 is between its parabola and its line, and beta is a limit", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -50, max: 50 }), fc.integer({ min: 1, max: 99 }), (d, k) => {
      const beta = k / 16;
      const at = (b: number): number =>
        smoothL1(Float32Array.of(d), Float32Array.of(0), { beta: b, reduction: "none" })
          .losses?.[0] as number;
      assert.ok(at(beta) <= Math.abs(d) && at(beta) >= Math.abs(d) - beta / 2 - 1e-5);
      assert.ok(at(beta) <= (d * d) / (2 * beta) + 1e-5 + MIN_NORMAL);
      assert.equal(at(0), Math.abs(d));
    }),
  );
  const loss = (beta: number): Float32Array | undefined =>
    smoothL1(Float32Array.of(-0.1, 0, -1.5), new Float32Array(3), { beta, reduction: "none" }).losses;
  const near = (got: Float32Array | undefined, want: number[]): void =>
    want.forEach((v, i) => {
      assert.ok(Math.abs((got?.[i] ?? Number.NaN) - v) <= 2e-7 * v, `${got?.[i]}, want ${v}`);
    });
  near(loss(0.5), [0.01, 0, 1.25]);
  near(loss(0.05), [0.075, 0, 1.475]);
});

test("beta 0 has the sign as its gradient, and 0 at 0, at the smallest residuals too", () => {
  const x = Float32Array.of(0, -0, 1e-45, -1e-45, 3, -3e38, 5);
  const { grad } = smoothL1(x, Float32Array.of(0, 0, 0, 0, 3, 0, -1e-45), { beta: 0, reduction: "none" });
  assert.deepEqual(
    [...grad].map((v) => v + 0),
    [0, 0, 1, -1, 0, -1, 1],
  );
});

test("asl1 keeps the tiny residuals that the textbook form loses", () => {
  const d = Float32Array.of(1e-8, 1e-5, 1e-4, 1e-3, 0.02, 0.1, 5);
  const { losses, grad } = asl1(d, new Float32Array(7), { reduction: "none" });
  const want = [
    [2.5e-15, 5e-7],
    [2.49999984375e-9, 4.999999375e-4],
    [2.4999843752e-7, 4.99993750117e-3],
    [2.49843945007857e-5, 0.0499376169438922],
    [0.0082842712474619, Math.SQRT1_2],
    [0.0819803902718557, 0.98058067569092],
    [4.98003999984, 0.999992000095999],
  ];
  want.forEach(([loss, slope], i) => {
    assert.ok(Math.abs((losses?.[i] ?? 0) / loss - 1) < 4e-7, `loss of ${d[i]}: ${losses?.[i]}`);
    assert.ok(Math.abs(grad[i] / slope - 1) < 4e-7, `gradient of ${d[i]}: ${grad[i]}`);
  });
  const r = Math.fround;
  const mu = r(0.02);
  const textbook = r(r(Math.sqrt(r(r(d[1] * d[1]) + r(mu * mu)))) - mu);
  assert.ok(Math.abs(textbook / want[1][0] - 1) > 0.1, `the textbook form gives ${textbook}`);
});

test("asl1 neither overflows nor forgets that a huge residual is hard", () => {
  const { losses, grad } = asl1(Float32Array.of(300, 2e19, 3e38), new Float32Array(3), { reduction: "none" });
  assert.deepEqual(losses, Float32Array.of(299.98, 2e19, 3e38));
  assert.deepEqual(grad, Float32Array.of(1, 1, 1));
});

test("parameters out of range are refused by name and value", () => {
  const one = Float32Array.of(1);
  for (const beta of [-1, Number.NaN, Infinity])
    refuse(() => smoothL1(one, one, { beta }), "RangeError", /beta/);
  for (const mu of [0, -1, 1e-39, Number.NaN, Infinity])
    refuse(() => asl1(one, one, { mu }), "RangeError", /mu/);
  refuse(() => asl1(one, one, { beta: 1 } as never), "TypeError", /beta/);
  refuse(() => smoothL1(one, one, { classes: 2 } as never), "TypeError", /classes/);
});
