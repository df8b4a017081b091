/** Losses that compare: pairs of items with scores, and drLoss over whole batches, from files. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { drLoss, pairwise } from "../src/mod.ts";
import { argsOf, json, load, run, temporary } from "./command-line.ts";
import { random } from "./data.ts";

const { folder, inFolder, save, write } = temporary("ranking");
const [grad, losses] = ["grad.npy", "losses.npy"].map(inFolder);
const next = random(17);

const ITEMS = 3000;
// More than three chunks of the reader.
const N = 100_000;
const scores = Float32Array.from({ length: ITEMS }, () => (next() - 0.5) * 12);
const pairs = Uint32Array.from({ length: 2 * N }, () => Math.floor(next() * ITEMS));
const mask = Uint8Array.from({ length: N }, () => (next() < 0.2 ? 0 : 1));
const weights = Float32Array.from({ length: N }, () => Math.fround(next() * 2));
// What a pair that is left out holds does not matter.
mask[40_000] = 0;
pairs[80_001] = 4_000_000_000;
for (const pair of [70_007, 70_008]) mask[pair] = 1;

const S = save("s.npy", scores, [30, 100]);
const P = save("p.npy", pairs, [N, 2]);
const M = save("m.npy", mask);
const FILES = ["--loss", "pairwise", "--scores", S, "--pairs", P, "--mask", M];

for (const options of [
  {},
  { loss: "focal", gamma: 1.5 },
  { loss: "focal", reduction: "sum" },
  { reduction: "none" },
  { normalizer: 12.5 },
] as const) {
  const { loss, ...others } = options as { loss?: "bpr" | "focal" };
  const args = [...(loss ? ["--kind", loss] : []), ...argsOf(others)];
  test(`loss pairwise ${args.join(" ")} has the bits of the library, streamed and whole`, async () => {
    const whole = pairwise(scores, pairs, { ...options, mask, weights });
    const single = pairwise(scores, pairs, { ...options, mask, weights, reduction: "none" });
    const files = [...FILES, "--weights", save("w.npy", weights), "--grad", grad, "--losses", losses];
    const got = await json("loss", ...files, ...args);
    assert.deepEqual([got.loss, got.count, got.sum], [whole.loss, whole.count, single.loss]);
    assert.deepEqual(got.options, options);
    assert.match(load(grad).header, /'shape': \(30, 100\)/);
    assert.deepEqual(load(grad).values, whole.grad);
    assert.match(load(losses).header, /'shape': \(100000,\)/);
    assert.deepEqual(load(losses).values, single.losses);
  });
}

const groups = Int32Array.from({ length: N }, (_, k) => (k % 13) - 2);
for (const [options, isGrouped] of [
  [{}, false],
  [{ bins: "auto", reduction: "sum" }, false],
  [{ bins: 12, convention: "mmdet" }, true],
  [{}, true],
] as const) {
  const args = ["--kind", "ghm", ...argsOf(options)];
  const more = isGrouped ? ["--groups", save("g.npy", groups)] : [];
  test(`loss pairwise ${args.join(" ")} ${more.slice(0, 1)} has the bits of the library`, async () => {
    const apart = isGrouped ? { groups: Uint32Array.from(groups) } : {};
    const choice = { ...options, ...apart, loss: "ghm", mask, weights } as const;
    const whole = pairwise(scores, pairs, choice);
    const single = pairwise(scores, pairs, { ...choice, reduction: "none" });
    const files = [...FILES, "--weights", save("w.npy", weights), ...more, ...args];
    const got = await json("loss", ...files);
    const { bins, counts, lossSums } = whole.histogram;
    assert.deepEqual([got.loss, got.meanLoss, got.count], [whole.loss, whole.meanLoss, whole.count]);
    assert.deepEqual(got.histogram, { bins, counts: [...counts], lossSums: [...lossSums] });
    const { loss } = await json("loss", ...files, "--grad", grad, "--losses", losses);
    assert.equal(loss, whole.loss);
    assert.deepEqual(load(grad).values, whole.grad);
    assert.deepEqual(load(losses).values, single.losses);
  });
}

test("pairs may be of any type of number, and columns of .csv", async () => {
  const few = Float32Array.of(1, -2, 0.5);
  const whole = pairwise(few, Uint32Array.of(0, 1, 2, 1, 0, 2));
  const items = [0, 1, 2, 1, 0, 2];
  const kinds = [
    Uint8Array.from(items),
    Int32Array.from(items),
    BigInt64Array.from(items, BigInt),
    Float64Array.from(items),
  ];
  const args = ["--loss", "pairwise", "--scores", save("few.npy", few)];
  for (const kind of kinds) {
    const got = await json("loss", ...args, "--pairs", save("k.npy", kind, [3, 2]));
    assert.equal(got.loss, whole.loss, kind.constructor.name);
  }
  const csv = write("d.csv", "better,worse,valid\n0,1,1\n2,1,1\nnan,-1,0\n0,2,1\n");
  const got = await json("loss", ...args, "--pairs", `${csv}:better,worse`, "--mask", `${csv}:valid`);
  assert.deepEqual([got.loss, got.count], [whole.loss, 3]);
  const { out } = await run("loss", ...args, "--pairs", `${csv}:1..2`, "--mask", `${csv}:3`);
  assert.match(out, /^ {2}loss {3}pairwise\n {2}pairs {2}3\n {2}value {2}0\.\d+\n/);
});

test("more items than a chunk has pairs, and none at all", async () => {
  const many = Float32Array.from({ length: 50_000 }, () => next() * 5);
  const some = Uint32Array.from({ length: 90_000 }, () => Math.floor(next() * 50_000));
  const whole = pairwise(many, some);
  const files = ["--scores", save("many.npy", many), "--pairs", save("some.npy", some)];
  const got = await json("loss", "--loss", "pairwise", ...files, "--grad", grad);
  assert.equal(got.loss, whole.loss);
  assert.deepEqual(load(grad).values, whole.grad);
  const none = save("none.npy", new Uint32Array(0), [0, 2]);
  const empty = await json("loss", "--loss", "pairwise", "--scores", S, "--pairs", none, "--grad", grad);
  assert.deepEqual([empty.loss, empty.count], [0, 0]);
  assert.deepEqual(load(grad).values, new Float32Array(ITEMS));
});

const ROWS = 30_000;
const logits = Float32Array.from({ length: 5 * ROWS }, () => (next() - 0.6) * 10);
const labels = Int32Array.from({ length: ROWS }, () => (next() < 0.9 ? 0 : Math.floor(next() * 7) - 1));
const rowMask = mask.subarray(0, ROWS);
const RANKED = [
  ...["--loss", "drLoss", "--logits", save("l.npy", logits, [ROWS, 5])],
  ...["--labels", save("y.npy", labels), "--mask", save("rows.npy", rowMask)],
];

for (const options of [{}, { lambdaPos: 0.5, lambdaNeg: 0.1, scale: 3, tau: 2, margin: 0.2 }]) {
  test(`loss drLoss ${argsOf(options).join(" ")} has the bits of the library, streamed and whole`, async () => {
    const whole = drLoss(logits, labels, { ...options, classes: 5, mask: rowMask });
    const got = await json("loss", ...RANKED, ...argsOf(options), "--grad", grad);
    const { grad: gradient, ...rest } = whole;
    const { loss, count, positives, pPos, pNeg } = got;
    assert.deepEqual({ loss, count, positives, pPos, pNeg }, rest);
    assert.ok(whole.positives > 1000 && whole.loss > 0);
    assert.match(load(grad).header, /'shape': \(30000, 5\)/);
    assert.deepEqual(load(grad).values, gradient);
  });
}

const outside = pairs.slice();
outside[2 * 70_007] = ITEMS;
const infinite = scores.slice();
infinite[pairs[0]] = Infinity;
mask[0] = 1;
save("m.npy", mask);
const negative = weights.slice();
negative[70_008] = -1;
const high = labels.slice();
high[25_001] = 6;

const PAIRS = ["--loss", "pairwise", "--scores", S, "--pairs"];
const REFUSED: [string[], string][] = [
  [
    [...PAIRS, save("outside.npy", outside), "--mask", M],
    `update a pairwise stream: expected indices below 3000, one of the scores, got 3000 in pair 70007 of ${inFolder("outside.npy")}`,
  ],
  [
    ["--loss", "pairwise", "--scores", save("inf.npy", infinite), "--pairs", P],
    `update a pairwise stream: expected finite scores, got Infinity at item ${pairs[0]} of pair 0 of ${P}`,
  ],
  [
    [...PAIRS, P, "--mask", M, "--weights", save("negative.npy", negative)],
    `update a pairwise stream: expected finite weights >= 0, got -1 at pair 70008 of ${inFolder("negative.npy")}`,
  ],
  [
    [...PAIRS, save("odd.npy", pairs.subarray(1))],
    `read pairs from ${inFolder("odd.npy")}: expected a multiple of 2, got 199999 values`,
  ],
  [
    [...PAIRS, save("minus.npy", Int32Array.of(0, 1, -1, 2))],
    `read pairs from ${inFolder("minus.npy")}: expected whole numbers from 0 to 2^32 - 1, got -1 at index 2`,
  ],
  [
    [...PAIRS, P, "--mask", S],
    `pair pairs of ${P} with mask of ${S}: expected equal lengths, got 100000 rows of 2 and 3000`,
  ],
  [["--loss", "pairwise", "--scores", S], "run loss: expected --pairs FILE, got none"],
  [["--loss", "pairwise", "--pairs", P], "run loss: expected --scores FILE, got none"],
  [
    [...PAIRS, P, "--logits", S],
    "run loss: expected options of pairwise (--scores, --pairs, --mask, --weights, --groups, --kind, --gamma, --bins, --convention, --reduction, --normalizer, --memory), got --logits",
  ],
  [
    [...PAIRS, P, "--gamma", "2"],
    'stream pairwise: expected gamma beside the loss "focal" alone, got it beside "bpr"',
  ],
  [
    [...PAIRS, P, "--mask", M, "--groups", M],
    'compute pairwise: expected groups beside the loss "ghm" alone, got it beside "bpr"',
  ],
  [
    [...PAIRS, P, "--mask", M, "--groups", M, "--kind", "ghm", "--bins", "auto"],
    'compute pairwise: expected bins as a number beside groups, got "auto"',
  ],
  [
    [...PAIRS, P, "--memory", "90kB"],
    "run loss: expected at most 2812 scores in 90kB (see --memory), got more",
  ],
  [
    [...PAIRS, P, "--mask", M, "--memory", "100kB"],
    "run loss: expected at most 1562 pairs in 100kB (see --memory), got more",
  ],
  [[...PAIRS, P, "--grad", S], `run loss: expected --grad as a file of its own, got the input ${S}`],
  [
    [...RANKED.slice(0, 4), "--labels", save("high.npy", high)],
    `update a drLoss stream: expected labels up to 5, got 6 at row 25001 of ${inFolder("high.npy")}`,
  ],
  [
    [...RANKED, "--losses", inFolder("lost2.npy")],
    "run loss: expected --losses with a loss of single elements, got drLoss",
  ],
  [
    [...RANKED, "--memory", "1GiB"],
    "run loss: expected options of drLoss (--logits, --labels, --mask, --classes, --lambda-pos, --lambda-neg, --scale, --tau, --margin), got --memory",
  ],
];

test("a fault among streamed pairs is placed in the whole file", async () => {
  const { code, err } = await run("loss", ...PAIRS, inFolder("outside.npy"), "--mask", M);
  assert.equal(code, 2);
  assert.match(err, /got 3000 in pair 70007 of \S+outside\.npy\n$/);
});

for (const [argv, line] of REFUSED) {
  test(`refused in one line: ${line.replaceAll(folder, "").slice(0, 90)}`, async () => {
    const before = readdirSync(folder);
    const more = argv.includes("--grad") ? [] : ["--grad", inFolder("lost.npy")];
    const got = await run("loss", ...argv, ...more);
    assert.deepEqual(got, { code: 2, out: "", err: `counterpoise: Cannot ${line}\n` });
    assert.deepEqual(readdirSync(folder), before);
  });
}
