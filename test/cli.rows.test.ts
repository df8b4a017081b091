/** The losses of rows from files: the library's bits whatever the type of the labels, streamed and whole. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import {
  asymmetricSingleLabel,
  ghmcSoftmax,
  type Labels,
  type RowLoss,
  type RowOptions,
  softmaxCrossEntropy,
  softmaxFocal,
  softmaxFocalStar,
  softmaxHardTruncation,
  softmaxSoftTruncation,
} from "../src/mod.ts";
import { argsOf, json, load, run, temporary } from "./command-line.ts";
import { random } from "./data.ts";

const { folder, inFolder, save, write } = temporary("rows");
const CLASSES = 7;
// More than two chunks of the reader.
const ROWS = 25_000;
const next = random(11);
const logits = Float32Array.from({ length: ROWS * CLASSES }, () => (next() - 0.5) * 20);
const labels = Int32Array.from({ length: ROWS }, () => (next() < 0.1 ? -100 : Math.floor(next() * CLASSES)));
const mask = Uint8Array.from({ length: ROWS }, () => (next() < 0.2 ? 0 : 1));
const weights = Float32Array.from({ length: ROWS }, () => Math.fround(next() * 3));
// What a row that is left out holds does not matter.
mask[20_000] = 0;
logits[20_000 * CLASSES + 3] = Number.NaN;
for (const row of [20_003, 23_456, 24_000]) mask[row] = 1;
const alpha = Float32Array.from({ length: CLASSES }, (_, k) => Math.fround(0.3 + k / 5));

const FILES = {
  logits: save("l.npy", logits, [ROWS, CLASSES]),
  flat: save("flat.npy", logits),
  labels: save("y.npy", labels),
  mask: save("m.npy", mask),
  weights: save("w.npy", weights),
};
const all = ["--mask", FILES.mask, "--weights", FILES.weights];
const grad = inFolder("grad.npy");

type Any = RowLoss<object>;
const CASES: [string, Any, object][] = [
  ["softmaxCrossEntropy", softmaxCrossEntropy, {}],
  ["softmaxCrossEntropy", softmaxCrossEntropy, { labelSmoothing: 0.1, normalizer: "positives" }],
  ["softmaxCrossEntropy", softmaxCrossEntropy, { ignoreIndex: 2, reduction: "sum" }],
  ["softmaxFocal", softmaxFocal, { gamma: 1.5, alpha: 0.5, normalizer: 12.5 }],
  ["softmaxFocal", softmaxFocal, { alpha, reduction: "none" }],
  ["softmaxFocal", softmaxFocal, { alpha: null }],
  ["softmaxFocalStar", softmaxFocalStar, { gamma: 3, beta: 0.5, alpha: 2 }],
  ["softmaxHardTruncation", softmaxHardTruncation, { margin: 0.7 }],
  ["softmaxSoftTruncation", softmaxSoftTruncation, { k: 3 }],
  ["softmaxSoftTruncation", softmaxSoftTruncation, { k: 0.5, form: "rival" }],
  ["asymmetricSingleLabel", asymmetricSingleLabel, {}],
  ["asymmetricSingleLabel", asymmetricSingleLabel, { gammaPos: 1, gammaNeg: 2, labelSmoothing: 0.3 }],
];

for (const [name, loss, options] of CASES) {
  test(`loss ${[name, ...argsOf(options)].join(" ").slice(0, 70)} has the bits of the library, streamed and whole`, async () => {
    const known = labels.map((label) => (label === -100 && "ignoreIndex" in options ? 2 : label));
    const file = save("known.npy", known);
    const given: RowOptions = { ...options, classes: CLASSES, mask, rowWeights: weights };
    const whole = loss(logits, known, given);
    const args = ["--logits", FILES.logits, "--labels", file, ...all, "--loss", name, ...argsOf(options)];
    const got = await json("loss", ...args, "--grad", grad);
    assert.deepEqual([got.loss, got.count], [whole.loss, whole.count]);
    assert.ok(whole.count > 15_000 && whole.loss > 0);
    const { header, values } = load(grad);
    assert.match(header, /'shape': \(25000, 7\)/);
    assert.deepEqual(values, whole.grad);
  });
}

const few = { rows: 4, logits: Float32Array.of(1, -2, 0.5, 3, 0, 1, -1, -1, 2, 0.25, 0, 5) };
const FEW = save("few.npy", few.logits, [4, 3]);
for (const options of [{}, { bins: "auto" }, { bins: 12, convention: "mmdet", ignoreIndex: 2 }] as const) {
  test(`loss ${["ghmcSoftmax", ...argsOf(options)].join(" ")} has the bits of the library, streamed and whole`, async () => {
    const { ignoreIndex: ignored = -100 }: { ignoreIndex?: number } = options;
    const known = labels.map((label) => (label === -100 ? ignored : label));
    const whole = ghmcSoftmax(logits, known, { ...options, classes: CLASSES, mask });
    const args = ["--logits", FILES.logits, "--labels", save("known.npy", known), "--mask", FILES.mask];
    const got = await json("loss", ...args, "--loss", "ghmcSoftmax", ...argsOf(options), "--grad", grad);
    const { bins, counts, lossSums } = whole.histogram;
    assert.deepEqual([got.loss, got.meanLoss, got.count], [whole.loss, whole.meanLoss, whole.count]);
    assert.deepEqual(got.histogram, { bins, counts: [...counts], lossSums: [...lossSums] });
    assert.deepEqual(load(grad).values, whole.grad);
    const positives = known.filter((label, r) => mask[r] && label > 0 && label !== ignored);
    assert.equal(got.positives, positives.length);
  });
}

const focal = async (...args: string[]) => json("loss", "--loss", "softmaxFocal", ...args);
const truth = (labels: Labels, more: object = {}) =>
  softmaxFocal(few.logits, labels, { classes: 3, ...more });
const loss = ["--loss", "softmaxFocal", "--logits", FEW];

const KINDS = [
  Int32Array.of(2, 0, 1, 2),
  Uint8Array.of(2, 0, 1, 2),
  Int8Array.of(2, 0, 1, 2),
  Uint16Array.of(2, 0, 1, 2),
  Int16Array.of(2, 0, 1, 2),
  Uint32Array.of(2, 0, 1, 2),
  BigInt64Array.of(2n, 0n, 1n, 2n),
  BigUint64Array.of(2n, 0n, 1n, 2n),
  Float32Array.of(2, 0, 1, 2),
  Float64Array.of(2, 0, 1, 2),
];

for (const kind of KINDS) {
  test(`labels may be a .npy of ${kind.constructor.name}, of any shape`, async () => {
    const got = await focal("--logits", FEW, "--labels", save("k.npy", kind, [2, 2]));
    assert.equal(got.loss, truth(Int32Array.of(2, 0, 1, 2)).loss);
  });
}

test("negative labels of any signed type are ignored by --ignore-index", async () => {
  const want = truth(Int32Array.of(2, -7, 1, -7), { ignoreIndex: -7 });
  for (const kind of [
    Int8Array.of(2, -7, 1, -7),
    BigInt64Array.of(2n, -7n, 1n, -7n),
    Float32Array.of(2, -7, 1, -7),
  ]) {
    const got = await focal("--logits", FEW, "--labels", save("k.npy", kind), "--ignore-index", "-7");
    assert.deepEqual([got.loss, got.count], [want.loss, 2]);
  }
});

test("rows from .csv: several columns, by name, number and range, and labels beside them", async () => {
  const lines = Array.from({ length: 4 }, (_, r) => few.logits.slice(3 * r, 3 * r + 3).join(","));
  const text = lines.map((line, r) => `row ${r},${line},${[2, 0, 1, "nan"][r]},${r < 3 ? 1 : 0}\n`).join("");
  const csv = write("d.csv", `id,x0,x1,"x,2",y,valid\n${text}`);
  const want = truth(Int32Array.of(2, 0, 1, 0), { mask: Uint8Array.of(1, 1, 1, 0) });
  for (const columns of ["2,3,4", "x0,x1,4", "x0..4", "2..4", "x0..x1,4"]) {
    const files = ["--logits", `${csv}:${columns}`, "--labels", `${csv}:y`, "--mask", `${csv}:valid`];
    const got = await focal(...files, "--grad", grad);
    assert.equal(got.loss, want.loss, columns);
    const { header, values } = load(grad);
    assert.match(header, /'shape': \(4, 3\)/);
    assert.deepEqual(values, want.grad);
  }
  const swapped = await focal("--logits", `${csv}:x0,x1,x0`, "--labels", `${csv}:y`, "--mask", `${csv}:6`);
  assert.notEqual(swapped.loss, want.loss);
});

test("many lines of several columns come in chunks that do not end with a line", async () => {
  const lines = Array.from({ length: 30_000 }, (_, r) => `${r % 5},${r % 7},${r % 3},${(r * 7) % 11},x`);
  const csv = write("many.csv", lines.join("\n"));
  const flat = Float32Array.from(lines.flatMap((line) => line.split(",").slice(0, 4).map(Number)));
  const three = Int32Array.from({ length: 40_000 }, (_, i) => i % 3);
  const files = ["--logits", `${csv}:1..4`, "--labels", save("three.npy", three), "--classes", "3"];
  const got = await focal(...files, "--header", "no", "--grad", grad);
  const want = softmaxFocal(flat, three, { classes: 3 });
  assert.equal(got.loss, want.loss);
  assert.deepEqual(load(grad).values, want.grad);
});

test("--classes splits logits of one axis, --targets is another name of --labels, the gradient has rows", async () => {
  const want = truth(Uint8Array.of(2, 0, 1, 2));
  const files = ["--logits", save("one.npy", few.logits), "--targets", save("y4.npy", KINDS[1])];
  assert.equal((await focal(...files, "--classes", "3", "--grad", grad)).loss, want.loss);
  assert.match(load(grad).header, /'shape': \(4, 3\)/);
  const { code, out } = await run("loss", ...loss, "--labels", inFolder("y4.npy"));
  assert.equal(code, 0);
  assert.match(out, /rows {15}4\n {2}rows of label > 0 {2}3 \(1 : 0\)\n/);
});

test("no rows: loss 0 and an empty gradient", async () => {
  const empty = ["--logits", save("l0.npy", new Float32Array(0), [0, 5]), "--labels"];
  const got = await focal(...empty, save("y0.npy", new Int32Array(0)), "--grad", grad);
  assert.deepEqual([got.loss, got.count, load(grad).values.length], [0, 0, 0]);
});

const far = labels.slice();
far[20_003] = 9;
const wide = logits.slice();
wide[24_000 * CLASSES + 2] = Infinity;
const label = labels.slice().fill(0);
const negative = weights.slice();
negative[23_456] = -1;
const big = ["--loss", "softmaxFocal", "--logits", FILES.logits];
const y4 = save("y4.npy", KINDS[1]);

const REFUSED: [string[], string][] = [
  [
    [...big, "--labels", save("far.npy", far), "--mask", FILES.mask],
    `update a softmaxFocal stream: expected labels in [0, 6] or ignoreIndex -100, got 9 at row 20003 of ${inFolder("far.npy")}`,
  ],
  [
    [
      "--loss",
      "softmaxFocal",
      "--logits",
      save("wide.npy", wide, [ROWS, CLASSES]),
      "--labels",
      save("0.npy", label),
      "--mask",
      FILES.mask,
    ],
    `update a softmaxFocal stream: expected finite logits (or -Infinity for a class that is not the label), got Infinity at index ${24_000 * CLASSES + 2} of ${inFolder("wide.npy")}`,
  ],
  [
    [...big, "--labels", FILES.labels, "--mask", FILES.mask, "--weights", save("w1.npy", negative)],
    `update a softmaxFocal stream: expected finite rowWeights >= 0, got -1 at index 23456 of ${inFolder("w1.npy")}`,
  ],
  [
    [...loss, "--labels", save("y3.npy", Uint8Array.of(2, 0, 1))],
    `pair logits of ${FEW} with labels of ${inFolder("y3.npy")}: expected equal lengths, got 4 rows of 3 and 3`,
  ],
  [
    [...loss, "--labels", write("y5.csv", "2\n0\n1\n0\n0\n")],
    `pair logits of ${FEW} with labels of ${inFolder("y5.csv")}: expected equal lengths, got 4 rows of 3 and 5`,
  ],
  [
    [...loss, "--labels", y4, "--mask", FEW],
    `pair logits of ${FEW} with mask of ${FEW}: expected equal lengths, got 4 rows of 3 and 12`,
  ],
  [
    [...loss, "--labels", save("half.npy", Float64Array.of(2, 0, 0.5, 2))],
    `read labels from ${inFolder("half.npy")}: expected whole numbers from -2^31 to 2^31 - 1, got 0.5 at index 2`,
  ],
  [
    [...loss, "--labels", write("nan.csv", "2\n0\nnan\n1\n")],
    `read labels from ${inFolder("nan.csv")}: expected whole numbers from -2^31 to 2^31 - 1, got NaN at index 2`,
  ],
  [
    [...loss, "--labels", save("huge.npy", BigInt64Array.of(2n, 0n, 4294967298n, 1n))],
    `read labels from ${inFolder("huge.npy")}: expected whole numbers from -2^31 to 2^31 - 1, got 4294967298 at index 2`,
  ],
  [
    ["--loss", "softmaxFocal", "--logits", save("order.npy", few.logits, [4, 3], "True"), "--labels", y4],
    `read ${inFolder("order.npy")}: expected C order, got Fortran order of shape (4, 3) (save numpy.ascontiguousarray of it)`,
  ],
  [
    ["--loss", "softmaxFocal", "--logits", save("one.npy", few.logits), "--labels", y4],
    "run loss: expected --classes N beside logits of one axis, got none",
  ],
  [
    [...loss, "--labels", y4, "--classes", "5"],
    `read logits from ${FEW}: expected a multiple of 5, got 12 values`,
  ],
  [
    [...loss, "--labels", y4, "--classes", "2.5"],
    `stream softmaxFocal: expected classes as a whole number in [1, 33554432], got 2.5`,
  ],
  [
    [...loss, "--labels", y4, "--classes", "0"],
    "stream softmaxFocal: expected classes in [1, 33554432], got 0",
  ],
  [[...loss, "--labels", y4, "--targets", y4], "run loss: expected --targets or --labels, got both"],
  [loss, "run loss: expected --labels FILE, got none"],
  [
    [...loss, "--labels", y4, "--alpha", "1,2"],
    "stream softmaxFocal: expected alpha for 3 classes, got 2 values",
  ],
  [
    [...loss, "--labels", y4, "--form", "rival"],
    "run loss: expected options of softmaxFocal (--logits, --labels, --mask, --weights, --alpha, --gamma, --classes, --ignore-index, --reduction, --normalizer), got --form",
  ],
];

for (const [argv, line] of REFUSED) {
  test(`refused in one line: ${line.replaceAll(folder, "").slice(0, 90)}`, async () => {
    const before = readdirSync(folder);
    const got = await run("loss", ...argv, "--grad", inFolder("lost.npy"));
    assert.deepEqual(got, { code: 2, out: "", err: `counterpoise: Cannot ${line}\n` });
    assert.deepEqual(readdirSync(folder), before);
  });
}
