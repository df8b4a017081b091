/** DR loss against its definition, at its edges, and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drLoss } from "../src/mod.ts";
import { mask, random, shuffled } from "./data.ts";
import fc from "./property.ts";
import { type DrParams, drLoss as truth } from "./reference/dr.ts";
import { loose, put, refuse } from "./refusal.ts";
import { soil } from "./soil.ts";

/** Rows with labels from -1 to the number of classes, logits of some spread around a place. */
function data(rows: number, classes: number, seed: number, spread = 6, place = -1) {
  const next = random(seed);
  const logits = Float32Array.from(
    { length: rows * classes },
    () => place + (next() + next() + next() - 1.5) * spread,
  );
  const labels = Int32Array.from({ length: rows }, () => Math.floor(next() * (classes + 2)) - 1);
  return { logits, labels };
}

/** Holds the loss, both expectations and every gradient to the stated bounds. */
function compare(logits: Float32Array, labels: Int32Array, options: DrParams): void {
  const got = drLoss(logits, labels, options);
  const want = truth(logits, labels, options);
  const near = (a: number, b: number, bound: number, what: string): void =>
    assert.ok(Math.abs(a - b) <= bound, `${what} of ${JSON.stringify(options)}: got ${a}, want ${b}`);
  near(got.loss, want.loss, 2 ** -40 * want.loss, "loss");
  near(got.pPos, want.pPos, 2 ** -40 * want.pPos + 2 ** -56, "P+");
  near(got.pNeg, want.pNeg, 2 ** -40 * want.pNeg + 2 ** -56, "P-");
  got.grad.forEach((g, i) => {
    const bound = 2 ** -24 * Math.abs(want.grad[i]) + 2 ** -40 * want.terms[i] + 2 ** -149;
    near(g, want.grad[i], bound, `gradient ${i}`);
  });
}

const LAMBDAS = [1e-6, 1e-4, 0.001, 0.005, 0.02, 0.0798, 0.3, 1, 50, 1e12, Number.MAX_VALUE];

test("loss and gradient keep their bounds for every temperature, shape and spread", () => {
  let seed = 0;
  for (const lambdaPos of LAMBDAS) {
    for (const lambdaNeg of LAMBDAS) {
      const classes = 1 + (seed % 6);
      const { logits, labels } = data(5 + (seed % 50), classes, ++seed, [2, 6, 30, 120][seed & 3]);
      compare(logits, labels, { classes, lambdaPos, lambdaNeg });
    }
  }
  assert.equal(seed, 121);
});

test("gradients keep their bounds where p - P and lambda cancel", () => {
  for (const lambda of [1e-5, 0.001, 0.0798]) {
    for (const middle of [0.01, 0.5, 0.999]) {
      const next = random(7);
      const logits = Float32Array.from({ length: 6000 }, () => {
        const p = Math.min(Math.max(middle + 4 * lambda * (next() - 0.5), 1e-6), 1 - 1e-6);
        return Math.log(p / (1 - p));
      });
      const labels = Int32Array.from({ length: 2000 }, () => Math.floor(next() * 4));
      compare(logits, labels, { classes: 3, lambdaPos: lambda, lambdaNeg: lambda });
    }
  }
});

test("lengths of all remainders and chunk borders, in an arena that is full of NaN", () => {
  for (const classes of [1, 2, 3, 7]) {
    for (let rows = 0; rows < 20; rows++) {
      soil();
      const { logits, labels } = data(rows, classes, 100 * classes + rows);
      compare(logits, labels, { classes, lambdaNeg: 0.004 });
    }
  }
  for (const classes of [1, 3, 4096, 16383, 16384, 16385, 40000]) {
    const { logits, labels } = data(Math.ceil(40000 / classes), classes, classes);
    compare(logits, labels, { classes, lambdaNeg: 0.004, lambdaPos: 0.01 });
  }
});

test("options reach the loss", () => {
  const { logits, labels } = data(40, 3, 5);
  for (const options of [{ scale: 1e-6 }, { scale: 1e3 }, { tau: 0.3 }, { margin: -2 }, { margin: 1e5 }])
    compare(logits, labels, { classes: 3, ...options });
  assert.equal(drLoss(logits, labels, { classes: 3, tau: 0 }).loss, 0);
  const named = { lambdaPos: 1, lambdaNeg: 0.1 / Math.log(3.5), scale: 6, tau: 4, margin: 0.5 };
  assert.deepEqual(drLoss(logits, labels, { classes: 3, ...named }), drLoss(logits, labels, { classes: 3 }));
});

test("the gradient is the derivative, through the weights", () => {
  for (const [lambdaPos, lambdaNeg] of [
    [1, 0.0798],
    [0.2, 0.5],
    [100, 100],
  ]) {
    const { logits, labels } = data(12, 3, 11, 4);
    logits.forEach((x, i) => {
      logits[i] = Math.round(x * 4096) / 4096; // so that a step of 2^-8 is exact
    });
    const options = { classes: 3, lambdaPos, lambdaNeg };
    const { grad } = drLoss(logits, labels, options);
    const most = Math.max(...grad.map(Math.abs));
    const slope = (i: number, h: number): number => {
      const [up, down] = [h, -h].map(
        (step) => drLoss(put(logits, i, logits[i] + step), labels, options).loss,
      );
      return (up - down) / (2 * h);
    };
    grad.forEach((g, i) => {
      const want = (4 * slope(i, 2 ** -8) - slope(i, 2 ** -7)) / 3;
      assert.ok(Math.abs(g - want) <= 1e-6 * most, `${i}: ${g} and ${want}`);
    });
    assert.ok(most > 1e-3);
  }
});

test("published values: P- and P+ at (0, 1), (1/2, 1/2) and (1, 0)", () => {
  const at = (positive: number, negative: number) =>
    drLoss(Float32Array.of(positive, negative), Int32Array.of(1), { classes: 2 });
  for (const [got, pNeg, pPos, loss] of [
    [drLoss(new Float32Array(0), new Int32Array(0), { classes: 2 }), 0, 1, 0.032391568],
    [at(1000, -1000), 0, 1, 0.032391568],
    [at(0, 0), 0.5, 0.5, 2.032391568],
    [at(-1000, 1000), 1, 0, 6.000082268],
  ] as const) {
    assert.deepEqual([got.pNeg, got.pPos], [pNeg, pPos]);
    assert.equal(got.loss.toFixed(9), loss.toFixed(9));
  }
});

test("a negative far below P- is pushed up", () => {
  const lambdaNeg = 0.1;
  const logits = Float32Array.of(2, 1.9, 1.5, 0, -1);
  const { grad, pNeg } = drLoss(logits, new Int32Array(5), { classes: 1, lambdaNeg });
  const isBelow = Array.from(logits, (x) => 1 / (1 + Math.exp(-x)) < pNeg - lambdaNeg);
  assert.deepEqual(isBelow, [false, false, false, true, true]);
  assert.deepEqual(
    Array.from(grad, (g) => g < 0),
    isBelow,
  );
});

test("a label names the positive of its row, in every kind of array", () => {
  const logits = Float32Array.of(1, -1, 0.5, 2, -2, 0.3, 0.1, 0.2, 4);
  const want = drLoss(logits, Int32Array.of(3, 0, 1), { classes: 3 });
  assert.deepEqual([want.count, want.positives], [3, 2]);
  assert.deepEqual(drLoss(logits, Uint8Array.of(3, 0, 1), { classes: 3 }), want);
  assert.deepEqual(drLoss(logits, Uint16Array.of(3, 0, 1), { classes: 3 }), want);
  const { grad } = drLoss(logits, Int32Array.of(3, 0, 1), { classes: 3, lambdaNeg: 9 }); // none is far below P-
  assert.deepEqual(
    Array.from(grad, (g) => g < 0),
    [false, false, true, false, false, false, true, false, false],
  );
  refuse(
    () => drLoss(logits, Int32Array.of(0, 0, 4), { classes: 3 }),
    "RangeError",
    /up to 3, got 4 at row 2/,
  );
});

test("ignored and masked rows change nothing, whatever they hold", () => {
  const { logits, labels } = data(300, 3, 9);
  const valid = mask(300, 4);
  const want = drLoss(logits, labels, { classes: 3, mask: valid });
  const dirty = logits.slice();
  const kept: number[] = [];
  labels.forEach((label, r) => {
    if (label >= 0 && valid[r]) kept.push(r);
    else dirty.set([Number.NaN, Infinity, -3e38], 3 * r);
  });
  const wild = labels.map((label, r) => (valid[r] ? label : 99));
  assert.deepEqual(drLoss(dirty, wild, { classes: 3, mask: valid }), want);
  const some = kept.flatMap((r) => [...logits.subarray(3 * r, 3 * r + 3)]);
  const alone = drLoss(
    Float32Array.from(some),
    labels.filter((_, r) => kept.includes(r)),
    { classes: 3 },
  );
  assert.deepEqual([alone.loss, alone.count, alone.positives], [want.loss, kept.length, want.positives]);
  let k = 0;
  for (let i = 0; i < 900; i++)
    assert.equal(want.grad[i], kept.includes(Math.floor(i / 3)) ? alone.grad[k++] : 0);
  assert.ok(kept.length > 100 && kept.length < 280);
});

test("one side alone, and none at all", () => {
  const logits = Float32Array.of(-2, 0.3, 5);
  for (const [label, pPos, pNeg] of [
    [1, undefined, 0],
    [0, 1, undefined],
    [-1, 1, 0],
  ]) {
    const labels = new Int32Array(3).fill(label!);
    const got = drLoss(logits, labels, { classes: 1 });
    compare(logits, labels, { classes: 1 });
    if (pPos !== undefined) assert.equal(got.pPos, pPos);
    if (pNeg !== undefined) assert.equal(got.pNeg, pNeg);
    assert.equal(got.count, label! < 0 ? 0 : 3);
    assert.equal(
      got.grad.some((g) => g !== 0),
      label! >= 0,
    );
  }
});

test("the largest logits leave no NaN, and gradients of 0", () => {
  const logits = Float32Array.of(3.4e38, -3.4e38, 3.4e38, -3.4e38, 1e-45, -0);
  for (const lambda of [1e-6, 1, 1e300]) {
    const labels = Int32Array.of(1, 1, 0, 0, 1, 0);
    const got = drLoss(logits, labels, { classes: 1, lambdaPos: lambda, lambdaNeg: lambda });
    assert.ok(got.loss > 0 && got.loss < 7);
    assert.deepEqual([...got.grad.subarray(0, 4)].map(Math.abs), [0, 0, 0, 0]);
    assert.ok(got.grad.every(Number.isFinite));
  }
});

test("a small lambda is the hardest element, a large one the mean", () => {
  const { logits, labels } = data(50, 3, 21);
  const p = Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));
  const side = (isPositive: boolean): number[] =>
    p.filter((_, i) => {
      const label = labels[Math.floor(i / 3)];
      return label >= 0 && (label === (i % 3) + 1) === isPositive;
    });
  const hard = drLoss(logits, labels, { classes: 3, lambdaPos: 1e-6, lambdaNeg: 1e-6 });
  assert.ok(Math.abs(hard.pPos - Math.min(...side(true))) < 1e-9);
  assert.ok(Math.abs(hard.pNeg - Math.max(...side(false))) < 1e-9);
  const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length;
  const flat = drLoss(logits, labels, { classes: 3, lambdaPos: 1e15, lambdaNeg: 1e15 });
  assert.ok(Math.abs(flat.pPos - mean(side(true))) < 1e-12);
  assert.ok(Math.abs(flat.pNeg - mean(side(false))) < 1e-12);
});

test("the order of the rows does not show", () => {
  const { logits, labels } = data(9000, 2, 31, 30);
  const order = shuffled(9000, 5);
  const moved = Float32Array.from({ length: 18000 }, (_, i) => logits[2 * order[i >> 1] + (i & 1)]);
  const options = { classes: 2, lambdaNeg: 0.001, lambdaPos: 0.002 };
  const [one, other] = [
    drLoss(logits, labels, options),
    drLoss(
      moved,
      Int32Array.from(order, (r) => labels[r]),
      options,
    ),
  ];
  assert.deepEqual({ ...other, grad: 0 }, { ...one, grad: 0 });
  other.grad.forEach((g, i) => {
    assert.equal(g, one.grad[2 * order[i >> 1] + (i & 1)]);
  });
});

test("into writes the gradient of the call, in place too, or none", () => {
  const { logits, labels } = data(7000, 3, 41);
  const { grad, ...rest } = drLoss(logits, labels, { classes: 3 });
  assert.deepEqual(drLoss.into({}, logits, labels, { classes: 3 }), rest);
  const own = logits.slice();
  assert.deepEqual(drLoss.into({ grad: own }, own, labels, { classes: 3 }), rest);
  assert.deepEqual(own, grad);
});

test("what is outside the domain is refused by index", () => {
  const { logits, labels } = data(20000, 2, 51);
  labels.fill(1, 19000);
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    const says = new RegExp(`finite logits, got ${bad} at index 38123`);
    refuse(() => drLoss(put(logits, 38123, bad), labels, { classes: 2 }), "RangeError", says);
  }
  for (const [options, says] of [
    [{ classes: 2, lambdaPos: 0 }, /lambdaPos in \[0.000001, /],
    [{ classes: 2, lambdaNeg: Number.NaN }, /lambdaNeg/],
    [{ classes: 2, scale: 0 }, /scale/],
    [{ classes: 2, tau: -1 }, /tau/],
    [{ classes: 2, margin: Infinity }, /margin/],
    [{ classes: 3 }, /a multiple of 3 classes/],
    [{ classes: 0 }, /classes in/],
    [{ classes: 2, mask: new Uint8Array(3) }, /mask bytes/],
  ] as const)
    refuse(() => drLoss(logits, labels, options), "RangeError", says);
  for (const options of [
    { classes: 2, gamma: 1 },
    { classes: "2" },
    {},
    undefined,
    { classes: 2, reduction: "sum" },
  ])
    refuse(() => drLoss(logits, labels, loose(options)), "TypeError", /./);
  refuse(() => drLoss(loose([1, 2]), labels, { classes: 2 }), "TypeError", /logits/);
  refuse(() => drLoss(logits, loose(logits), { classes: 2 }), "TypeError", /labels/);
  refuse(() => drLoss.into(loose({ losses: logits }), logits, labels, { classes: 2 }), "TypeError", /losses/);
});

test("any rows at all: finite, within bounds, counted", () => {
  const row = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.float({ noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 70 }), fc.constantFrom(...LAMBDAS), (rows, lambda) => {
      const classes = 2;
      const labels = Int32Array.from(rows, ([label]) => label);
      const logits = Float32Array.from(rows.flatMap(([, x]) => [x, Math.fround(-x / 2)]));
      const options = { classes, lambdaNeg: lambda, lambdaPos: lambda };
      compare(logits, labels, options);
      const { count, positives } = drLoss(logits, labels, options);
      assert.equal(count, labels.filter((label) => label >= 0).length);
      assert.equal(positives, labels.filter((label) => label > 0).length);
    }),
  );
});
