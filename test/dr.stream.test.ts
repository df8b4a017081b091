/** The stream of DR loss keeps the laws of `laws.ts`, in one bucket of weights and in many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DrLossStream, drLoss, type Row as StateRow } from "../src/mod.ts";
import { random } from "./data.ts";
import { addRows, mergeable, mergeTree, type State } from "./laws.ts";
import { loose, refuse } from "./refusal.ts";
import { saved } from "./saved.ts";
import { forge } from "./seal.ts";

/** A stream that takes what the laws feed: rows of one class. */
class Single implements State<Single> {
  readonly inner: DrLossStream;
  constructor(inner: DrLossStream) {
    this.inner = inner;
  }
  update(logits: Float32Array, targets: Float32Array, options?: { mask?: Uint8Array }): this {
    this.inner.update(logits, Int32Array.from(targets), options);
    return this;
  }
  merge(other: Single): this {
    this.inner.merge(other?.inner ?? other);
    return this;
  }
  save(): Uint8Array {
    return this.inner.save();
  }
  toRows(): StateRow[] {
    return this.inner.toRows();
  }
  result(): unknown {
    return this.inner.result();
  }
}

for (const lambda of [0.08, 0.001]) {
  const options = { classes: 1, lambdaPos: lambda, lambdaNeg: lambda };
  const subject = {
    name: `drLoss, lambda ${lambda}`,
    make: () => new Single(drLoss.stream(options)),
    load: (bytes: Uint8Array) => new Single(drLoss.load(bytes)),
    fromRows: (rows: StateRow[]) => new Single(drLoss.fromRows(rows, options)),
  };
  mergeable(subject);
  saved(subject);
}

const ROWS = 3000;
const CLASSES = 4;

/** Rows whose scores rise from near 0 to near 1, so that later ones fill higher buckets and drop the first. */
function rising(): { logits: Float32Array; labels: Int32Array } {
  const next = random(77);
  const logits = Float32Array.from(
    { length: ROWS * CLASSES },
    (_, i) => (i / (ROWS * CLASSES)) * 12 - 6 + next(),
  );
  const labels = Int32Array.from({ length: ROWS }, () => Math.floor(next() * (CLASSES + 2)) - 1);
  return { logits, labels };
}

function cut(from: number, to: number): [Float32Array, Int32Array] {
  const { logits, labels } = rising();
  return [logits.subarray(from * CLASSES, to * CLASSES), labels.subarray(from, to)];
}

const STEEP = { classes: CLASSES, lambdaPos: 0.0007, lambdaNeg: 0.0004 };

test("a stream is the one shot, bit for bit, loss and gradient, where buckets are dropped", () => {
  const { logits, labels } = rising();
  const { grad, ...shot } = drLoss(logits, labels, STEEP);
  const whole = drLoss.stream(STEEP).update(logits, labels).save();
  for (const step of [1000, 170, 37]) {
    const cuts = Array.from({ length: Math.ceil(ROWS / step) }, (_, k) => [
      k * step,
      Math.min((k + 1) * step, ROWS),
    ]);
    const parts = cuts.map(([i, j]) => drLoss.stream(STEEP).update(...cut(i!, j!)));
    const tops = new Set(parts.flatMap((part) => part.toRows().map(({ bin }) => bin)));
    assert.ok(tops.size > 12, `sums of ${tops.size} kinds`);
    const added = addRows(parts.flatMap((part) => part.toRows()).reverse());
    assert.deepEqual(drLoss.fromRows(added, STEEP).save(), whole);
    const down = drLoss.stream(STEEP);
    for (const [i, j] of [...cuts].reverse()) down.update(...cut(i!, j!));
    assert.deepEqual(down.save(), whole);
    const merged = mergeTree(parts as unknown as Single[], step) as unknown as DrLossStream;
    assert.deepEqual(merged.save(), whole);
    assert.deepEqual(merged.result(), shot);
    for (const [i, j] of cuts) {
      const want = grad.subarray(i! * CLASSES, j! * CLASSES);
      assert.deepEqual(drLoss.load(whole).grad(...cut(i!, j!)), want.slice());
    }
  }
});

test("the gradient of masked rows is that of the call", () => {
  const { logits, labels } = rising();
  const mask = Uint8Array.from({ length: ROWS }, (_, r) => r % 3);
  const stream = drLoss.stream({ classes: CLASSES }).update(logits, labels, { mask });
  const { grad } = drLoss(logits, labels, { classes: CLASSES, mask });
  assert.deepEqual(stream.grad(logits, labels, { mask }), grad);
});

test("rows that a stream has not seen are refused where its sums cannot hold them", () => {
  const stream = drLoss.stream(STEEP).update(Float32Array.of(-3, -3, -3, -3), Int32Array.of(0));
  const says = /expected rows that the stream has seen, got others among rows 0 to 0/;
  const higher = Float32Array.of(-3, -3, 1, -3);
  refuse(() => stream.grad(higher, Int32Array.of(0)), "RangeError", says);
  refuse(() => stream.grad(Float32Array.of(-3, -3, -3, -3), Int32Array.of(2)), "RangeError", says);
  assert.deepEqual(stream.grad(higher, Int32Array.of(-1)), new Float32Array(4));
  const plain = drLoss.stream({ classes: 2 }).update(Float32Array.of(-3, -3, -4, -2), Int32Array.of(1, 0));
  refuse(() => plain.grad(Float32Array.of(9, 9), Int32Array.of(0)), "RangeError", says);
});

test("streams of other options and other kinds do not merge", () => {
  const stream = drLoss.stream({ classes: 2 });
  for (const other of [{ classes: 3 }, { classes: 2, tau: 1 }, { classes: 2, lambdaNeg: 0.1 }])
    refuse(() => stream.merge(drLoss.stream(other)), "TypeError", /expected a state of drLoss/);
  refuse(() => stream.merge(loose(drLoss)), "TypeError", /expected a drLoss stream/);
});

test("rows that no data can have led to are refused", () => {
  const options = { classes: 2 };
  const rows = drLoss
    .stream(options)
    .update(Float32Array.of(1, -1, 0, 2), Int32Array.of(1, 0))
    .toRows();
  assert.deepEqual(drLoss.fromRows(rows, options).toRows(), rows);
  assert.equal(rows.length, 5);
  const [none] = drLoss.stream(options).toRows();
  const change = (k: number, fields: Partial<StateRow>): StateRow[] =>
    rows.map((row, i) => (i === k ? { ...row, ...fields } : row));
  for (const [forged, says] of [
    [change(0, { positives: 3n }), /at most 2 positives/],
    [change(0, { positives: 0n }), /sums of 0 elements/],
    [change(0, { count: 0n, positives: 0n }), /sums of 0 elements/],
    [change(1, { w9: -1n }), /sums of weights/],
    [change(2, { w5: 1n }), /sums of weights/],
    [rows.slice(0, 3), /sums of 1 elements/],
    [rows.filter((_, k) => k !== 1), /sums of weights/],
    [[rows[0]!, { ...none!, bin: rows[1]!.bin, w0: 1n }, ...rows.slice(3)], /sums of weights/],
    [[...rows, { ...rows[1]!, bin: 524288n }], /bin in/],
    [[{ ...rows[0]!, count: 2n ** 53n - 1n }], /fewer than 2\^53/],
  ] as const)
    refuse(() => drLoss.fromRows(forged, options), "RangeError", says);
  assert.deepEqual(drLoss.fromRows([], options).save(), drLoss.stream(options).save());
});

test("bytes that were sealed again after a change are refused by what they say", () => {
  const bytes = drLoss
    .stream({ classes: 2 })
    .update(Float32Array.of(1, -1, 0, 2), Int32Array.of(1, 0))
    .save();
  assert.deepEqual(drLoss.load(forge(bytes, 0, 2)).save(), bytes, "the seal is right");
  for (const [word, value, says] of [
    [1, 2 ** 21, /counts below 2\^53/],
    [2, 3, /at most 2 positives/],
    [2, 0, /sums of 0 elements/],
    [4, 0, /sums of 3 elements/],
    [4, 140000, /sums of 3 elements/],
    [5 + 9, 0x80000000, /sums of weights/],
    [5 + 19, 1, /sums of weights/],
    [5 + 79, 0x80000000, /sums of weights/],
  ] as const)
    refuse(() => drLoss.load(forge(bytes, word, value)), "TypeError", says);
});
