/** The losses of elements and `loss` itself from end to end: the same bits as the library. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  asl1,
  asymmetric,
  bce,
  focal,
  focalStar,
  ghmc,
  ghmr,
  hardTruncation,
  smoothL1,
  softTruncation,
} from "../src/mod.ts";
import { json, load, recorded, run, temporary } from "./command-line.ts";
import type { Loss } from "./table.ts";

const { inFolder, save } = temporary("cli");

const face = recorded("ssd-face/");
const digits = recorded("mnist-dense/early_");
const FEW = {
  logits: save("l.npy", Float32Array.of(1, -2, 0.5, 3)),
  targets: save("t.npy", Uint8Array.of(1, 0, 0, 1)),
};
const alphas = Float32Array.from({ length: 10 }, (_, k) => k / 10);
const POINTWISE: [string[], Loss, object][] = [
  [["--loss", "bce"], bce, {}],
  [
    ["--loss", "bce", "--pos-weight", "544", "--normalizer", "positives"],
    bce,
    { posWeight: 544, normalizer: "positives" },
  ],
  [
    ["--loss", "focal", "--gamma", "1.5", "--alpha", "none", "--reduction", "sum"],
    focal,
    { gamma: 1.5, alpha: null, reduction: "sum" },
  ],
  [["--loss", "focal", "--normalizer", "12.5", "--reduction=mean"], focal, { normalizer: 12.5 }],
  [["--loss", "focal", "--gamma", ".7", "--reduction", "none"], focal, { gamma: 0.7, reduction: "none" }],
  [["--loss", "focal", "--classes", "10", "--alpha", alphas.join()], focal, { classes: 10, alpha: alphas }],
  [["--loss", "focalStar", "--gamma", "3", "--beta", "-1"], focalStar, { gamma: 3, beta: -1 }],
  [["--loss", "hardTruncation", "--margin", "0.6"], hardTruncation, { margin: 0.6 }],
  [["--loss", "softTruncation", "--k", "5"], softTruncation, { k: 5 }],
  [
    [
      "--loss",
      "asymmetric",
      "--gamma-pos",
      "1",
      "--gamma-neg",
      "2.5",
      "--clip",
      "0.1",
      "--detach-focus",
      "true",
    ],
    asymmetric,
    { gammaPos: 1, gammaNeg: 2.5, clip: 0.1, detachFocus: true },
  ],
];

for (const [args, loss, options] of POINTWISE) {
  test(`loss ${args.slice(1).join(" ").slice(0, 60)} has the bits of the library, loss and gradient`, async () => {
    const { logits, targets, mask } = digits;
    const path = inFolder("grad.npy");
    const whole = loss(logits, targets, { ...options, mask });
    const sums = loss
      .stream(options as never)
      .update(logits, targets, { mask })
      .result();
    const got = await json("loss", ...digits.args, ...args, "--grad", path);
    assert.equal(got.loss, whole.loss);
    assert.equal(got.count, whole.count);
    assert.deepEqual([got.positives, got.sum, got.mean], [244, sums.sum, sums.sum / sums.count]);
    const { header, values } = load(path);
    assert.match(header, /'shape': \(9, 2304, 10\)/);
    assert.deepEqual(values, whole.grad);
  });
}

for (const convention of ["paper", "mmdet"] as const) {
  test(`loss ghmc, ${convention}, has the bits of the library, loss, histogram and gradient`, async () => {
    const { logits, targets, mask } = face;
    const path = inFolder("grad.npy");
    const whole = ghmc(logits, targets, { bins: 12, convention, mask });
    const got = await json(
      "loss",
      ...face.args,
      "--loss",
      "ghmc",
      "--bins",
      "12",
      "--convention",
      convention,
      "--grad",
      path,
    );
    assert.deepEqual(
      [got.loss, got.meanLoss, got.count, got.positives],
      [whole.loss, whole.meanLoss, whole.count, 187],
    );
    const { counts, lossSums } = whole.histogram;
    assert.deepEqual(got.histogram, { bins: 12, counts: [...counts], lossSums: [...lossSums] });
    assert.deepEqual(load(path).values, whole.grad);
  });
}

test("losses of residuals take predictions and any targets, with the bits of the library", async () => {
  const predictions = Float32Array.from({ length: 3001 }, (_, i) => (i % 41) / 7 - 3);
  const targets = predictions.map((v, i) => -v + ((i % 13) - 6) / 40);
  const args = ["--logits", save("p.npy", predictions), "--targets", save("r.npy", targets)];
  const path = inFolder("grad.npy");
  const cases: [string[], { loss: number; grad: Float32Array }][] = [
    [["smoothL1", "--beta", "0.5"], smoothL1(predictions, targets, { beta: 0.5 })],
    [
      ["asl1", "--mu", "0.1", "--reduction", "sum"],
      asl1(predictions, targets, { mu: 0.1, reduction: "sum" }),
    ],
    [["ghmr", "--mu", "0.5", "--bins", "7"], ghmr(predictions, targets, { mu: 0.5, bins: 7 })],
  ];
  for (const [options, whole] of cases) {
    const got = await json("loss", ...args, "--loss", ...options, "--grad", path);
    assert.equal(got.loss, whole.loss);
    assert.deepEqual(load(path).values, whole.grad);
  }
});

test("loss reads float64, int8, bool-like masks, weights and csv as the same numbers", async () => {
  const logits = Float64Array.of(0.1, -2.5, Number.NaN, 3);
  const weights = Float32Array.of(1, 0.5, 7, 2);
  const mask = Uint8Array.of(1, 1, 0, 1);
  const whole = bce(Float32Array.from(logits), Uint8Array.of(1, 0, 0, 1), { mask, weights });
  const args = [
    "--logits",
    save("l64.npy", logits, [2, 2]),
    "--targets",
    save("t8.npy", Int8Array.of(1, 0, -1, 1)),
  ];
  const binary = [
    ...args,
    "--mask",
    save("m8.npy", Int8Array.of(-1, 5, 0, 1)),
    "--weights",
    save("w.npy", weights),
  ];
  assert.equal((await json("loss", ...binary, "--loss", "bce")).loss, whole.loss);
  const csv = inFolder("all.csv");
  writeFileSync(
    csv,
    "id,logit,label,valid,weight\na,.1,1,True,1\nb,-2.5,0,True,.5\nc,nan,0,False,7\nd,3,1,True,2\n",
  );
  const columns = [
    "--logits",
    `${csv}:logit`,
    "--targets",
    `${csv}:3`,
    "--mask",
    `${csv}:valid`,
    "--weights",
    `${csv}:5`,
  ];
  const path = inFolder("grad.npy");
  assert.equal((await json("loss", ...columns, "--loss", "bce", "--grad", path)).loss, whole.loss);
  const { header, values } = load(path);
  assert.match(header, /'shape': \(4,\)/);
  assert.deepEqual(values, whole.grad);
});

test("a gradient of elements that are all masked is 0", async () => {
  const path = inFolder("hidden.npy");
  const hidden = ["--mask", save("hide.npy", new Uint8Array(3))];
  const few = [
    "--logits",
    save("three.npy", Float32Array.of(1, -2, 3)),
    "--targets",
    save("zero.npy", new Uint8Array(3)),
  ];
  const got = await json("loss", ...few, ...hidden, "--loss", "bce", "--grad", path);
  assert.deepEqual([got.loss, got.count], [0, 0]);
  assert.deepEqual(load(path).values, new Float32Array(3));
});

test("loss reads targets of 64 bits, and several columns as the values of a row", async () => {
  const bits = BigInt64Array.of(1n, 0n, 0n, 1n);
  const whole = bce(Float32Array.of(1, -2, 0.5, 3), Uint8Array.of(1, 0, 0, 1));
  const files = ["--logits", FEW.logits, "--targets", save("t64.npy", bits)];
  assert.equal((await json("loss", ...files, "--loss", "bce")).loss, whole.loss);
  const csv = inFolder("wide.csv");
  writeFileSync(csv, "a,b,c,d\n1,1,-2,0\n.5,0,3,1\n");
  const columns = ["--logits", `${csv}:a,c`, "--targets", `${csv}:b,d`, "--loss", "bce"];
  const posWeight = Float32Array.of(2, 5);
  const weighed = bce(Float32Array.of(1, -2, 0.5, 3), Uint8Array.of(1, 0, 0, 1), { posWeight, classes: 2 });
  const path = inFolder("grad.npy");
  const got = await json("loss", ...columns, "--pos-weight", "2,5", "--grad", path);
  assert.deepEqual([got.loss, got.count], [weighed.loss, 4]);
  const { header, values } = load(path);
  assert.match(header, /'shape': \(2, 2\)/);
  assert.deepEqual(values, weighed.grad);
  const flat = ["--logits", FEW.logits, "--targets", FEW.targets, "--loss", "bce", "--pos-weight", "2,5"];
  assert.match(
    (await run("loss", ...flat)).err,
    /expected --classes N beside logits of one axis, got none\n$/,
  );
});

test("loss of nothing is 0 and its gradient is empty", async () => {
  const args = [
    "--logits",
    save("l0.npy", new Float32Array(0), [0, 3]),
    "--targets",
    save("t0.npy", new Uint8Array(0)),
  ];
  const path = inFolder("grad.npy");
  for (const name of ["bce", "focal", "ghmc"]) {
    const { loss, count, positives } = await json("loss", ...args, "--loss", name, "--grad", path);
    assert.deepEqual([loss, count, positives, load(path).values.length], [0, 0, 0, 0]);
  }
});
