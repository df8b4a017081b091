/** Refusals and their messages, for every pointwise loss and every way to feed it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  drLoss,
  ghmc,
  ghmcSoftmax,
  ghmr,
  lossCdf,
  ohem,
  pairwise,
  share,
  softmaxFocal,
  sohem,
} from "../src/mod.ts";
import { batch } from "./data.ts";
import { loose, put, refuse } from "./refusal.ts";
import { type Options, type Row, rowOf, TABLE } from "./table.ts";

const { logits, targets } = batch(70, 83);

const NOT_FINITE = [Number.NaN, Infinity, -Infinity];
const NOT_CLASSES = [-1, 1.5, 2, -1e-30, 1.0000001192092896];

/** What every way of feeding a loss has to refuse in the same words. */
const WAYS: [string, (row: Row, x: Float32Array, y: Float32Array, options?: Options) => unknown][] = [
  ["one shot", (row, x, y, options) => row.loss(x, y, options)],
  ["into", (row, x, y, options) => row.loss.into({ grad: new Float32Array(70) }, x, y, options)],
  ["loss only", (row, x, y, options) => row.loss.into({}, x, y, options)],
  [
    "stream",
    (row, x, y, { mask: m, weights, ...options } = {}) =>
      row.loss.stream(options).update(x, y, { mask: m, weights }),
  ],
];

for (const row of TABLE) {
  for (const [way, call] of WAYS) {
    test(`${row.name}, ${way}: kinds are refused, and the message says what to pass instead`, () => {
      refuse(() => call(row, loose([1, 2]), targets), "TypeError", /Float32Array/);
      refuse(() => call(row, loose(new Float64Array(70)), targets), "TypeError", /Float64Array/);
      refuse(() => call(row, loose(undefined), targets), "TypeError", /undefined/);
      refuse(() => call(row, logits, loose(new Int32Array(70))), "TypeError", /Int32Array/);
      refuse(() => call(row, logits, loose(new Int8Array(70))), "TypeError", /Int8Array/);
      refuse(
        () => call(row, logits, loose(new BigInt64Array(70))),
        "TypeError",
        /BigInt64Array \(convert it: Float32Array\.from\(array, Number\)\)/,
      );
      refuse(() => call(row, logits, loose([...targets])), "TypeError", /Uint8Array/);
      refuse(() => call(row, logits, loose([true, false])), "TypeError", /Uint8Array/);
      refuse(() => call(row, logits, targets, { mask: loose(new Float32Array(70)) }), "TypeError", /mask/);
      refuse(
        () => call(row, logits, targets, { weights: loose(new Float64Array(70)) }),
        "TypeError",
        /weights/,
      );
    });

    test(`${row.name}, ${way}: shapes are refused with both lengths`, () => {
      refuse(() => call(row, logits, targets.slice(1)), "RangeError", /69/);
      refuse(() => call(row, logits, targets, { mask: new Uint8Array(71) }), "RangeError", /71/);
      refuse(() => call(row, logits, targets, { weights: new Float32Array(3) }), "RangeError", /3/);
    });

    test(`${row.name}, ${way}: the first bad element is named`, () => {
      for (const at of [0, 3, 35, 64, 69]) {
        const named = new RegExp(`\\b${at}\\b`);
        for (const bad of [Number.NaN, Infinity, -Infinity]) {
          refuse(() => call(row, put(put(logits, 69, Number.NaN), at, bad), targets), "RangeError", named);
        }
        for (const bad of row.real ? NOT_FINITE : [...NOT_FINITE, ...NOT_CLASSES]) {
          refuse(() => call(row, logits, put(targets, at, bad)), "RangeError", named);
        }
        const ones = new Float32Array(70).fill(1);
        for (const bad of [-1, Number.NaN, Infinity, -1e-45]) {
          refuse(() => call(row, logits, targets, { weights: put(ones, at, bad) }), "RangeError", named);
        }
        const zero = put(ones, at, 0);
        refuse(() => call(row, put(logits, at, Number.NaN), targets, { weights: zero }), "RangeError", named);
      }
      refuse(() => call(row, put(logits, 5, Number.NaN), targets), "RangeError", /NaN/);
      refuse(() => call(row, logits, put(targets, 5, -Infinity)), "RangeError", /-Infinity/);
      if (row.real) return;
      refuse(() => call(row, logits, put(targets, 5, -1)), "RangeError", /-1/);
    });
  }

  test(`${row.name}: a bad element far behind the first chunk is named too`, () => {
    const far = batch(40000, 89);
    for (const at of [32767, 32768, 39998]) {
      const x = put(put(far.logits, 39999, Infinity), at, Number.NaN);
      refuse(() => row.loss(x, far.targets), "RangeError", new RegExp(`\\b${at}\\b`));
      refuse(
        () => row.loss(far.logits, put(far.targets, at, Number.NaN)),
        "RangeError",
        new RegExp(`\\b${at}\\b`),
      );
    }
    if (row.real) return;
    const y = Uint8Array.from(far.targets);
    y[20001] = 3;
    refuse(() => row.loss(far.logits, y), "RangeError", /\b20001\b/);
  });

  test(`${row.name}: options are refused before any work`, () => {
    refuse(() => row.loss(logits, targets, loose({ gama: 2 })), "TypeError", /gama/);
    refuse(() => row.loss.stream(loose({ colour: 2 })), "TypeError", /colour/);
    refuse(() => row.loss(logits, targets, loose({ reduction: "median" })), "RangeError", /median/);
    refuse(() => row.loss(logits, targets, loose({ normalizer: "rows" })), "RangeError", /rows/);
    for (const bad of [0, -1, 2 ** -127, Number.NaN, Infinity]) {
      refuse(() => row.loss(logits, targets, { normalizer: bad }), "RangeError", /normalizer/);
    }
    for (const [bad, got] of [
      [7, /options.*7/],
      [null, /options.*null/],
      [[], /options.*Array/],
      [new ArrayBuffer(4), /options.*ArrayBuffer/],
      [new Map([["gamma", 2]]), /options.*Map/],
    ] as const) {
      refuse(() => row.loss(logits, targets, loose(bad)), "TypeError", got);
    }
    for (const bad of [undefined, null, 7, new Float32Array(70), new ArrayBuffer(4)])
      refuse(() => row.loss.into(loose(bad), logits, targets), "TypeError", /outputs as an object, got/);
    refuse(
      () => row.loss.into(loose({ gradient: new Float32Array(70) }), logits, targets),
      "TypeError",
      /gradient/,
    );
    refuse(() => row.loss.into({ grad: new Float32Array(69) }, logits, targets), "RangeError", /69/);
    refuse(() => row.loss.into({ losses: loose([]) }, logits, targets), "TypeError", /losses/);
  });

  test(`${row.name}: options may be inherited, or asked for`, () => {
    const options = { reduction: "sum", normalizer: 3 } as const;
    const want = row.loss(logits, targets, options);
    assert.deepEqual(row.loss(logits, targets, Object.create(options)), want);
    const lazy = Object.defineProperty({}, "reduction", { get: () => "sum", enumerable: false });
    assert.deepEqual(row.loss(logits, targets, lazy), want);
  });

  test(`${row.name}: undefined options are absent ones`, () => {
    const options = { reduction: undefined, mask: undefined, weights: undefined, normalizer: undefined };
    assert.deepEqual(row.loss(logits, targets, options), row.loss(logits, targets));
  });

  test(`${row.name}: a refused call leaves the next one untouched`, () => {
    const want = row.loss(logits, targets);
    for (const [, call] of WAYS) {
      assert.throws(() => call(row, put(logits, 33, Number.NaN), targets));
      assert.throws(() => call(row, logits, put(targets, 12, row.real ? Infinity : 9)));
      assert.deepEqual(row.loss(logits, targets), want);
    }
  });
}

for (const row of TABLE.filter(({ isHard }) => isHard)) {
  test(`${row.name}: soft targets are refused by their index, in every way to feed it`, () => {
    for (const [, call] of WAYS) {
      for (const at of [0, 41, 69]) {
        for (const soft of [0.5, 1e-45, 0.9999999403953552]) {
          refuse(
            () => call(row, logits, put(targets, at, soft)),
            "RangeError",
            new RegExp(`0 or 1.*\\b${at}\\b`),
          );
        }
      }
    }
  });
}

test("options of harmonized and ranking losses may be inherited", () => {
  const [x, y] = [Float32Array.of(2.2, -1.3, 0.4, 5), Float32Array.of(1, 0, 1, 0)];
  const labels = Int32Array.of(1, 2);
  const mmdet = { bins: 5, convention: "mmdet" } as const;
  assert.deepEqual(ghmc(x, y, Object.create(mmdet)), ghmc(x, y, mmdet));
  assert.deepEqual(ghmr(x, y, Object.create({ mu: 1 })), ghmr(x, y, { mu: 1 }));
  assert.deepEqual(ghmr.exact(x, y, Object.create({ mu: 1 })), ghmr.exact(x, y, { mu: 1 }));
  const two = { classes: 2, bins: 4 };
  const own = Int32Array.of(1, 0);
  assert.deepEqual(ghmcSoftmax(x, own, Object.create(two)), ghmcSoftmax(x, own, two));
  const ranking = { classes: 2, tau: 1, scale: 2, margin: 0 };
  assert.deepEqual(drLoss(x, labels, Object.create(ranking)), drLoss(x, labels, ranking));
  assert.notEqual(drLoss(x, labels, ranking).loss, drLoss(x, labels, { classes: 2 }).loss);
});

test("of two values that are wrong, the first is named", () => {
  const scores = Float32Array.of(1, 2);
  const pairs = Uint32Array.of(0, 1, 0, 9);
  const weights = Float32Array.of(Number.NaN, 1);
  const named = /weights .*NaN at pair 0/;
  refuse(() => pairwise(scores, pairs, { loss: "bpr", weights }), "RangeError", named);
  refuse(() => pairwise(scores, pairs, { loss: "ghm", weights }), "RangeError", named);
  refuse(() => lossCdf(Float32Array.of(Number.NaN, -1)), "RangeError", /NaN at index 0/);
  refuse(() => share(Float32Array.of(Infinity, -1), 0.5), "RangeError", /Infinity at index 0/);
});

test("parameters out of range are refused by name and value", () => {
  const [bce, focal, star] = ["bce", "focal", "focalStar"].map(rowOf);
  const [hard, soft, asymmetric] = ["hardTruncation", "softTruncation", "asymmetric"].map(rowOf);
  for (const bad of [-1, Number.NaN, Infinity]) {
    refuse(() => bce.loss(logits, targets, { posWeight: bad }), "RangeError", /posWeight/);
    refuse(() => focal.loss(logits, targets, { gamma: bad }), "RangeError", /gamma/);
    refuse(() => focal.loss(logits, targets, { alpha: bad }), "RangeError", /alpha/);
  }
  for (const gamma of [0, -1, 0.0009, 1001, Number.NaN]) {
    refuse(() => star.loss(logits, targets, { gamma }), "RangeError", /gamma/);
  }
  refuse(() => star.loss(logits, targets, { beta: 1001 }), "RangeError", /beta.*1001/);
  for (const margin of [0, -0.1, 1.1, Number.NaN]) {
    refuse(() => hard.loss(logits, targets, { margin }), "RangeError", /margin/);
  }
  for (const k of [0, -1, 1001, Infinity])
    refuse(() => soft.loss(logits, targets, { k }), "RangeError", /k in/);
  for (const clip of [-0.1, 1, 1.5, 1e-31, Number.NaN]) {
    refuse(() => asymmetric.loss(logits, targets, { clip }), "RangeError", /clip/);
  }
  refuse(() => asymmetric.loss(logits, targets, { gammaPos: -1 }), "RangeError", /gammaPos/);
  refuse(() => asymmetric.loss(logits, targets, { gammaNeg: 1001 }), "RangeError", /gammaNeg/);
  refuse(() => asymmetric.loss(logits, targets, { detachFocus: loose(1) }), "TypeError", /detachFocus.*1/);
  refuse(() => focal.loss(logits, targets, { alpha: 1.01 }), "RangeError", /1\.01/);
  refuse(() => focal.loss(logits, targets, { gamma: loose("2") }), "TypeError", /gamma/);
  refuse(() => bce.loss(logits, targets, loose({ gamma: 2 })), "TypeError", /gamma/);
});

test("null is no options, also where some are required", () => {
  const [x, none] = [Float32Array.of(1, 2), loose(null)];
  const calls = [
    () => drLoss(x, Int32Array.of(1), none),
    () => drLoss.stream(none),
    () => ohem(x, none),
    () => ohem.stream(none),
    () => pairwise(x, Uint32Array.of(0, 1), none),
    () => softmaxFocal(x, Int32Array.of(1), none),
    () => sohem(x, x, none),
    () => sohem.stream(none),
  ];
  for (const call of calls) refuse(call, "TypeError", /expected options as an object, got null$/);
});
