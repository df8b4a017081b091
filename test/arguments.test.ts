/** Kinds of buffers, refusals and their messages, for every pointwise loss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { batch, mask } from "./data.ts";
import { type Options, type Row, TABLE } from "./table.ts";

const FORM = /^Cannot [^:]+: .+, got .+$/s;
const { logits, targets } = batch(70, 83);

/** Calls with arguments that the types forbid. */
function refuse(run: () => unknown, kind: "TypeError" | "RangeError", says: RegExp): void {
  assert.throws(run, (error: Error) => {
    assert.equal(error.name, kind, error.message);
    assert.match(error.message, FORM);
    assert.match(error.message, says);
    return true;
  });
}

const loose = <T>(value: unknown): T => value as T;

function put(array: Float32Array, at: number, value: number): Float32Array<ArrayBuffer> {
  const copy = Float32Array.from(array);
  copy[at] = value;
  return copy;
}

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
      refuse(() => call(row, logits, loose(new BigInt64Array(70))), "TypeError", /BigInt64Array/);
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
        for (const bad of [-1, 1.5, 2, Number.NaN, Infinity, -1e-30, 1.0000001192092896]) {
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
      refuse(() => call(row, logits, put(targets, 5, -1)), "RangeError", /-1/);
    });
  }

  test(`${row.name}: a bad element far behind the first chunk is named too`, () => {
    const far = batch(40000, 89);
    for (const at of [16383, 16384, 33333]) {
      const x = put(put(far.logits, 39999, Infinity), at, Number.NaN);
      refuse(() => row.loss(x, far.targets), "RangeError", new RegExp(`\\b${at}\\b`));
      refuse(() => row.loss(far.logits, put(far.targets, at, 2)), "RangeError", new RegExp(`\\b${at}\\b`));
    }
    const y = Uint8Array.from(far.targets);
    y[20001] = 3;
    refuse(() => row.loss(far.logits, y), "RangeError", /\b20001\b/);
  });

  test(`${row.name}: options are refused before any work`, () => {
    refuse(() => row.loss(logits, targets, loose({ gama: 2 })), "TypeError", /gama/);
    refuse(() => row.loss.stream(loose({ colour: 2 })), "TypeError", /colour/);
    refuse(() => row.loss(logits, targets, loose({ reduction: "median" })), "RangeError", /median/);
    refuse(() => row.loss(logits, targets, loose({ normalizer: "rows" })), "RangeError", /rows/);
    for (const bad of [0, -1, Number.NaN, Infinity]) {
      refuse(() => row.loss(logits, targets, { normalizer: bad }), "RangeError", /normalizer/);
    }
    refuse(() => row.loss(logits, targets, loose(7)), "TypeError", /7/);
    refuse(
      () => row.loss.into(loose({ gradient: new Float32Array(70) }), logits, targets),
      "TypeError",
      /gradient/,
    );
    refuse(() => row.loss.into({ grad: new Float32Array(69) }, logits, targets), "RangeError", /69/);
    refuse(() => row.loss.into({ losses: loose([]) }, logits, targets), "TypeError", /losses/);
  });

  test(`${row.name}: undefined options are absent ones`, () => {
    const options = { reduction: undefined, mask: undefined, weights: undefined, normalizer: undefined };
    assert.deepEqual(row.loss(logits, targets, options), row.loss(logits, targets));
  });

  test(`${row.name}: the gradient may take the place of the logits or the targets`, () => {
    for (const n of [5, 70, 16384, 40001]) {
      const b = batch(n, 97);
      const m = mask(n, 5);
      for (const options of [{}, { mask: m }, { reduction: "none" }] as Options[]) {
        const want = row.loss(b.logits, b.targets, options);
        const x = b.logits.slice();
        assert.equal(row.loss.into({ grad: x }, x, b.targets, options).loss, want.loss);
        assert.deepEqual(x, want.grad);
        const y = b.targets.slice();
        assert.equal(row.loss.into({ grad: y }, b.logits, y, options).loss, want.loss);
        assert.deepEqual(y, want.grad);
        const z = b.logits.slice();
        row.loss.into({ losses: z }, z, b.targets, options);
        const losses = row.loss(b.logits, b.targets, { ...options, reduction: "none" }).losses;
        assert.deepEqual(z, losses);
      }
    }
  });

  test(`${row.name}: arrays that overlap in part are refused`, () => {
    const buffer = new Float32Array(200);
    const [a, b] = [buffer.subarray(0, 70), buffer.subarray(1, 71)];
    refuse(() => row.loss.into({ grad: b }, a, targets), "RangeError", /overlap/);
    refuse(() => row.loss.into({ losses: b }, a, targets), "RangeError", /overlap/);
    refuse(() => row.loss.into({ grad: a, losses: b }, logits, targets), "RangeError", /overlap/);
    refuse(() => row.loss.into({ grad: a, losses: a }, logits, targets), "RangeError", /overlap/);
    refuse(
      () => row.loss.into({ grad: a }, logits, new Uint8Array(buffer.buffer, 8, 70)),
      "RangeError",
      /overlap/,
    );
    const next = row.loss.into(
      { grad: buffer.subarray(70, 140) },
      a,
      buffer.subarray(140, 200).length ? targets : a,
    );
    assert.equal(next.count, 70, "neighbours that only touch are fine");
  });

  test(`${row.name}: memory around an output is not touched`, () => {
    for (const n of [1, 5, 70, 16387]) {
      const b = batch(n, 101);
      const guard = new Float32Array(n + 32).fill(7);
      row.loss.into({ grad: guard.subarray(16, 16 + n) }, b.logits, b.targets);
      assert.ok(guard.subarray(0, 16).every((v) => v === 7) && guard.subarray(16 + n).every((v) => v === 7));
      assert.deepEqual(guard.slice(16, 16 + n), row.loss(b.logits, b.targets).grad);
    }
  });

  test(`${row.name}: inputs are read only, results do not share memory`, () => {
    const [x, y] = [logits.slice(), targets.slice()];
    const first = row.loss(x, y);
    const copy = first.grad.slice();
    row.loss(
      y,
      x.map((v) => (v > 0 ? 1 : 0)),
    );
    assert.deepEqual([x, y, first.grad], [logits, targets, copy]);
  });

  test(`${row.name}: shared and resizable buffers work, unaligned views too`, () => {
    const want = row.loss(logits, targets);
    const shared = new Float32Array(new SharedArrayBuffer(280));
    shared.set(logits);
    const grad = new Float32Array(new SharedArrayBuffer(280));
    assert.equal(row.loss.into({ grad }, shared, targets).loss, want.loss);
    assert.deepEqual(Float32Array.from(grad), want.grad);
    const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
    const soft = new Float32Array(new Resizable(280, { maxByteLength: 4096 }));
    soft.set(logits);
    assert.equal(row.loss(soft, targets).loss, want.loss);
    const bytes = new Uint8Array(new SharedArrayBuffer(77), 3, 70);
    bytes.set(targets);
    const ones = new Uint8Array(new SharedArrayBuffer(77), 1, 70).fill(9);
    assert.equal(row.loss(logits, bytes, { mask: ones }).loss, want.loss);
  });

  test(`${row.name}: a detached array is refused`, () => {
    const gone = new Float32Array(70);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    assert.equal(gone.length, 0);
    refuse(() => row.loss(gone, targets), "TypeError", /detached/);
    refuse(() => row.loss(gone, gone), "TypeError", /detached/);
    refuse(() => row.loss.into({ grad: gone }, logits, targets), "TypeError", /detached/);
  });

  test(`${row.name}: a refused call leaves the next one untouched`, () => {
    const want = row.loss(logits, targets);
    for (const [, call] of WAYS) {
      assert.throws(() => call(row, put(logits, 33, Number.NaN), targets));
      assert.throws(() => call(row, logits, put(targets, 12, 9)));
      assert.deepEqual(row.loss(logits, targets), want);
    }
  });
}

test("parameters out of range are refused by name and value", () => {
  const [bce, focal] = TABLE;
  for (const bad of [-1, Number.NaN, Infinity]) {
    refuse(() => bce.loss(logits, targets, { posWeight: bad }), "RangeError", /posWeight/);
    refuse(() => focal.loss(logits, targets, { gamma: bad }), "RangeError", /gamma/);
    refuse(() => focal.loss(logits, targets, { alpha: bad }), "RangeError", /alpha/);
  }
  refuse(() => focal.loss(logits, targets, { alpha: 1.01 }), "RangeError", /1\.01/);
  refuse(() => focal.loss(logits, targets, { gamma: loose("2") }), "TypeError", /gamma/);
  refuse(() => bce.loss(logits, targets, loose({ gamma: 2 })), "TypeError", /gamma/);
});
