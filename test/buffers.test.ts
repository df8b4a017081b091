/** Where results may go and inputs may come from: in place, overlapping, shared, resizable, detached. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  deformation,
  drLoss,
  ghmcSoftmax,
  lossCdf,
  ohem,
  pairwise,
  share,
  softmaxCrossEntropy,
} from "../src/mod.ts";
import { kernel } from "../src/wasm/kernel.ts";
import { batch, mask } from "./data.ts";
import { refuse } from "./refusal.ts";
import { type Options, TABLE } from "./table.ts";

const { logits, targets } = batch(70, 83);

for (const row of TABLE) {
  test(`${row.name}: the gradient may take the place of the logits or the targets`, () => {
    for (const n of [5, 70, 32768, 70001]) {
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
}

/** A view that its buffer has shrunk away from. */
function outOfBounds(): Float32Array<ArrayBuffer> {
  const Resizable = ArrayBuffer as unknown as new (
    size: number,
    options: object,
  ) => ArrayBuffer & { resize(size: number): void };
  const buffer = new Resizable(64, { maxByteLength: 128 });
  const view = new Float32Array(buffer, 16, 8);
  buffer.resize(16);
  return view;
}

test("a view that its buffer has shrunk away from is refused, not taken for an empty one", () => {
  const gone = outOfBounds();
  assert.equal(gone.length, 0);
  const refused = (run: () => unknown): void => refuse(run, "TypeError", /detached or out of bounds/);
  for (const row of TABLE) {
    refused(() => row.loss(gone, gone));
    refused(() => row.loss.stream().update(gone, gone));
  }
  refused(() => softmaxCrossEntropy(gone, new Int32Array(0), { classes: 2 }));
  refused(() => pairwise(gone, new Uint32Array(0)));
  refused(() => ohem(gone, { budget: 2 }));
  refused(() => lossCdf(gone));
  refused(() => share(gone, 0.5));
  assert.equal(lossCdf(new Float32Array(0)).cumulative.length, 0);
});

test("the way back of a rotation needs the features, and says so", () => {
  const features = new Float32Array(16).fill(1);
  const shape = { n: 1, channels: 4, height: 2, width: 2 };
  const { backward } = deformation.rotate(features, new Float32Array(4), shape);
  structuredClone(features.buffer, { transfer: [features.buffer] });
  refuse(() => backward(new Float32Array(16)), "TypeError", /features .*detached/);
});

test("an empty batch takes no memory, however many classes its rows would have", () => {
  const none = new Float32Array(0);
  const before = kernel.memory.buffer.byteLength;
  const classes = 2 ** 24;
  assert.equal(softmaxCrossEntropy(none, new Int32Array(0), { classes }).loss, 0);
  assert.equal(softmaxCrossEntropy(none, new Int32Array(0), { classes, labelSmoothing: 0.1 }).loss, 0);
  assert.equal(ghmcSoftmax(none, new Int32Array(0), { classes }).loss, 0);
  assert.equal(drLoss(none, new Int32Array(0), { classes }).count, 0);
  assert.equal(kernel.memory.buffer.byteLength, before);
});

test("a gradient that overlaps in part with any input of elements, rows or pairs is refused", () => {
  const buffer = new ArrayBuffer(64);
  const grad = new Float32Array(buffer, 0, 8);
  const x = new Float32Array(8);
  const bytes = (n: number): Uint8Array => new Uint8Array(buffer, 0, n);
  const floats = (n: number): Float32Array => new Float32Array(buffer, 4, n);
  const words = (n: number): Uint32Array => new Uint32Array(buffer, 4, n);
  const overlap = (run: () => unknown, name: string): void =>
    refuse(run, "RangeError", new RegExp(`grad and ${name} .*overlap`));
  for (const row of TABLE) {
    overlap(() => row.loss.into({ grad }, x, new Uint8Array(8), { mask: bytes(8) }), "mask");
    overlap(() => row.loss.into({ grad }, x, new Uint8Array(8), { weights: floats(8) }), "weights");
  }
  const rows = (options: object, labels = new Int32Array(4)) =>
    softmaxCrossEntropy.into({ grad }, x, labels, { classes: 2, ...options });
  overlap(() => rows({}, new Int32Array(buffer, 4, 4)), "labels");
  overlap(() => rows({ rowWeights: floats(4) }), "rowWeights");
  overlap(() => rows({ mask: bytes(4) }), "mask");
  const pairs = (options: object) => pairwise.into({ grad }, x, Uint32Array.of(0, 1, 2, 3), options);
  overlap(() => pairs({ mask: bytes(2) }), "mask");
  overlap(() => pairs({ weights: floats(2) }), "weights");
  overlap(() => pairs({ loss: "ghm", groups: words(2) }), "groups");
});
