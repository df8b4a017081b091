/** Losses of single elements as files, and the hardest of them, with the bits of the library. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bce, ohem, type PointwiseLoss, softmaxFocal } from "../src/mod.ts";
import { json, load, run, temporary } from "./command-line.ts";
import { batch, random } from "./data.ts";

const { folder, inFolder, save, write } = temporary("select");
const [out, indices, grad] = ["out.npy", "indices.npy", "grad.npy"].map(inFolder);

/** Header and bytes behind it. */
function bytes(path: string): { header: string; body: Uint8Array<ArrayBuffer> } {
  const file = readFileSync(path);
  const start = 10 + file.readUInt16LE(8);
  return { header: file.toString("latin1", 10, start), body: new Uint8Array(file.subarray(start)) };
}

const N = 150_000;
const next = random(7);
const { logits, targets } = batch(N, 3);
const mask = Uint8Array.from({ length: N }, () => (next() < 0.2 ? 0 : 1));
const FILES = ["--logits", save("l.npy", logits, [2, N / 2]), "--targets", save("t.npy", targets)];
const MASK = ["--mask", save("m.npy", mask)];

test("loss --losses writes what a reduction of none gives, beside the gradient", async () => {
  const weights = Float32Array.from({ length: N }, () => Math.fround(next() * 2));
  const plain: PointwiseLoss<object> = bce;
  const none = plain(logits, targets, { mask, weights, reduction: "none" });
  const mean = plain(logits, targets, { mask, weights });
  const files = [...FILES, ...MASK, "--weights", save("w.npy", weights)];
  const got = await json("loss", ...files, "--loss", "bce", "--losses", out, "--grad", grad);
  assert.deepEqual([got.losses, got.grad, got.loss], [out, grad, mean.loss]);
  assert.match(load(out).header, /'shape': \(2, 75000\)/);
  assert.deepEqual(load(out).values, none.losses);
  assert.deepEqual(load(grad).values, mean.grad);
  const text = await run("loss", ...FILES, "--loss", "bce", "--losses", out);
  assert.match(text.out, /\n {2}losses {5}\S+out\.npy\n$/);
});

test("loss --losses of rows has one for each row", async () => {
  const labels = Int32Array.from({ length: N / 5 }, (_, r) => (r % 7 === 0 ? -100 : r % 5));
  const files = ["--logits", save("rows.npy", logits, [N / 5, 5]), "--labels", save("y.npy", labels)];
  await json("loss", ...files, "--loss", "softmaxFocal", "--losses", out);
  const { losses } = softmaxFocal(logits, labels, { classes: 5, reduction: "none" });
  assert.match(load(out).header, /'shape': \(30000,\)/);
  assert.deepEqual(load(out).values, losses);
});

// Many ties, on both sides of the borders of chunks.
const losses = Float32Array.from({ length: N }, () => Math.floor(next() * 300) / 8);
losses[5] = Number.NaN;
mask[5] = 0;
const E = save("e.npy", losses);
save("m.npy", mask);

for (const budget of [0, 1, 1000, N]) {
  test(`select of ${budget} streams the choice of the library`, async () => {
    const whole = ohem(losses, { budget, mask });
    const args = ["--losses", E, ...MASK, "--budget", String(budget)];
    const got = await json("select", ...args, "--out", out, "--indices", indices);
    assert.deepEqual([got.examples, got.count, got.out, got.indices], [N, whole.count, out, indices]);
    const [hardest, easiest] = [whole.indices[0], whole.indices[whole.count - 1]].map((i) => losses[i]);
    assert.deepEqual([got.hardest, got.easiest], budget > 0 ? [hardest, easiest] : [undefined, undefined]);
    assert.match(bytes(out).header, /'\|u1'.*\(150000,\)/);
    assert.deepEqual(bytes(out).body, whole.mask);
    assert.match(bytes(indices).header, new RegExp(`'<u4'.*\\(${whole.count},\\)`));
    assert.deepEqual(new Uint32Array(bytes(indices).body.buffer), whole.indices);
  });
}

const n = 3000;
const boxes = Float32Array.from({ length: 4 * n }, (_, i) => {
  const corner = (((i >> 2) * 7919) % 997) / 10;
  return i % 4 < 2 ? corner : corner + 12;
});
const groups = Int32Array.from({ length: n }, (_, i) => (i % 3) - 1);
const positives = Uint8Array.from({ length: n }, (_, i) => (i % 10 === 0 ? 1 : 0));
const few = Float32Array.from({ length: n }, (_, i) => ((i * 31) % 101) / 4);

test("select with boxes, groups and a ratio is the library's, from .npy and .csv", async () => {
  const choice = { budget: 40, boxes, iou: 0.3, groups, positives, ratio: 3 };
  const whole = ohem(few, choice);
  assert.notDeepEqual(whole.indices, ohem(few, { ...choice, groups: undefined }).indices);
  assert.ok(whole.count > 10);
  const options = ["--budget", "40", "--iou", ".3", "--ratio", "3", "--out", out, "--indices", indices];
  const npy = [
    ...["--losses", save("few.npy", few), "--boxes", save("b.npy", boxes, [n, 4])],
    ...[
      "--groups",
      save("g.npy", BigInt64Array.from(groups, BigInt)),
      "--positives",
      save("p.npy", positives),
    ],
  ];
  const rows = Array.from(few, (loss, i) => {
    const box = boxes.slice(4 * i, 4 * i + 4).join();
    return `${loss},${box},${groups[i]},${positives[i] === 1}\n`;
  });
  const csv = write("d.csv", `loss,x1,y1,x2,y2,image,positive\n${rows.join("")}`);
  const columns = ["--losses", csv, "--boxes", `${csv}:x1..y2`, "--groups", `${csv}:image`];
  for (const files of [npy, [...columns, "--positives", `${csv}:positive`]]) {
    const got = await json("select", ...files, ...options);
    assert.deepEqual([got.examples, got.count], [n, whole.count]);
    assert.deepEqual(new Uint32Array(bytes(indices).body.buffer), whole.indices);
    assert.deepEqual(bytes(out).body, whole.mask);
  }
});

test("select with a ratio alone is the library's", async () => {
  const whole = ohem(few, { budget: 40, positives, ratio: 2 });
  const files = ["--losses", save("few.npy", few), "--positives", save("p.npy", positives)];
  await json("select", ...files, "--budget", "40", "--ratio", "2", "--indices", indices);
  assert.deepEqual(new Uint32Array(bytes(indices).body.buffer), whole.indices);
  assert.notDeepEqual(whole.indices, ohem(few, { budget: 40 }).indices);
});

test("the mask that select writes is one that loss reads", async () => {
  await json("loss", ...FILES, "--loss", "bce", "--losses", grad);
  await json("select", "--losses", grad, "--budget", "500", "--out", out);
  const got = await json("loss", ...FILES, "--mask", out, "--loss", "bce");
  const plain = bce(logits, targets, { reduction: "none" });
  const hard = ohem(plain.losses!, { budget: 500 });
  assert.deepEqual([got.loss, got.count], [bce(logits, targets, { mask: hard.mask }).loss, 500]);
});

test("select tells people what was selected", async () => {
  const text = await run("select", "--losses", E, ...MASK, "--budget", "3");
  assert.deepEqual({ code: text.code, err: text.err }, { code: 0, err: "" });
  assert.match(text.out, /^ {2}examples {15}150 000\n {2}selected {15}3\n {2}hardest loss {11}37\.375\n/);
  const empty = await json(
    "select",
    "--losses",
    save("none.npy", new Float32Array(0)),
    "--budget",
    "3",
    "--out",
    out,
  );
  assert.deepEqual(empty, { command: "select", examples: 0, count: 0, out });
});

const far = losses.map((loss) => (Number.isNaN(loss) ? 0 : loss));
far[140_001] = Infinity;
const F = save("few.npy", few);
const B = save("b.npy", boxes, [n, 4]);
const REFUSED: [string[], string][] = [
  [["select", "--losses", E], "run select: expected --budget N, got none"],
  [
    ["select", "--losses", E, "--budget", "1.5"],
    `select hard examples: expected budget as a whole number in [0, ${Number.MAX_SAFE_INTEGER}], got 1.5`,
  ],
  [
    ["select", "--losses", E, "--budget", "1e9"],
    "stream ohem: expected at most 100000000 examples to select, got 1000000000",
  ],
  [
    ["select", "--losses", E, "--budget", "5", "--iou", ".5"],
    "run select: expected --boxes beside --iou, got none",
  ],
  [
    ["select", "--losses", E, "--budget", "5", "--ratio", "3"],
    "run select: expected --positives beside --ratio, got none",
  ],
  [
    ["select", "--losses", E, "--budget", "5", "--boxes", B, "--iou", "2"],
    "select hard examples: expected iou in [0, 1], got 2",
  ],
  [
    ["select", "--losses", save("far.npy", far), "--budget", "5"],
    `update an ohem stream: expected finite losses, got Infinity at index 140001 of ${inFolder("far.npy")}`,
  ],
  [
    ["select", "--losses", F, "--budget", "5", "--boxes", save("odd.npy", boxes.subarray(1))],
    `read boxes from ${inFolder("odd.npy")}: expected a multiple of 4, got 11999 values`,
  ],
  [
    ["select", "--losses", save("two.npy", few.subarray(0, 2)), "--budget", "5", "--boxes", B],
    `pair losses of ${inFolder("two.npy")} with boxes of ${B}: expected equal lengths, got 2 and 3000 rows of 4`,
  ],
  [
    ["select", "--losses", F, "--budget", "5", "--boxes", B, "--memory", "100kB"],
    "run select: expected at most 1041 examples with boxes or positives in 100kB (see --memory), got more",
  ],
  [
    ["select", "--losses", F, "--budget", "5", "--indices", inFolder("lost.npy")],
    "run select: expected --indices as a file of its own, got that of --out",
  ],
  [
    ["loss", ...FILES, "--loss", "ghmc", "--losses", inFolder("other.npy")],
    "run loss: expected --losses with a loss of single elements, got ghmc",
  ],
];

for (const [argv, line] of REFUSED) {
  test(`refused in one line: ${line.replaceAll(folder, "").slice(0, 90)}`, async () => {
    const before = readdirSync(folder);
    const more = argv[0] === "select" ? ["--out", inFolder("lost.npy")] : [];
    const got = await run(...argv, ...more);
    assert.deepEqual(got, { code: 2, out: "", err: `counterpoise: Cannot ${line}\n` });
    assert.deepEqual(readdirSync(folder), before);
  });
}
