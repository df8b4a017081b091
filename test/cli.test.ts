/** The command line from end to end: the same bits as the library, one clear line for whatever is wrong. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { LOSSES } from "../src/cli/losses.ts";
import { PARAMETERS } from "../src/cli/parameters.ts";
import {
  asl1,
  asymmetric,
  bce,
  density,
  focal,
  focalStar,
  ghmc,
  ghmr,
  hardTruncation,
  smoothL1,
  softTruncation,
  version,
} from "../src/mod.ts";
import { json, load, run, temporary } from "./command-line.ts";
import type { Loss } from "./table.ts";

const { folder, inFolder, save } = temporary("cli");

const real = (name: string) => {
  const paths = ["logits", "targets", "mask"].map((what) => `examples/data/${name}${what}.npy`);
  const [logits, targets, mask] = paths.map((path) => new Uint8Array(readFileSync(path)).slice(128));
  const args = ["--logits", paths[0], "--targets", paths[1], "--mask", paths[2]];
  return { logits: new Float32Array(logits.buffer), targets, mask, args };
};
const face = real("ssd-face/");
const digits = real("mnist-dense/early_");
const FEW = {
  logits: save("l.npy", Float32Array.of(1, -2, 0.5, 3)),
  targets: save("t.npy", Uint8Array.of(1, 0, 0, 1)),
};
const few = ["--logits", FEW.logits, "--targets", FEW.targets];

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

test("verify reports what the library reports", async () => {
  const { logits, targets, mask, args } = face;
  const { command, exact, ...report } = await json(
    "verify",
    ...args,
    "--bins",
    "20",
    "--width",
    "0.04",
    "--refine",
    "4",
  );
  assert.deepEqual([command, exact], ["verify", true]);
  assert.deepEqual(report, {
    ...density.verify(logits, targets, { bins: 20, width: 0.04, refine: 4, mask }),
  });
});

test("verify beyond --memory streams a bracket that holds the exact values and agrees with the library's", async () => {
  const { logits, targets, mask, args } = face;
  const whole = density.verify(logits, targets, { mask });
  const csv = inFolder("face.csv");
  writeFileSync(csv, Array.from(logits, (x, i) => `${x},${targets[i]},${mask[i]}\n`).join(""));
  const columns = ["--logits", csv, "--targets", `${csv}:2`, "--mask", `${csv}:3`];
  for (const input of [args, columns]) {
    const report = await json("verify", ...input, "--memory", "1MiB");
    assert.deepEqual([report.exact, report.count, report.occupied], [false, whole.count, whole.occupied]);
    const { lower, upper } = report.maxRelativeError as { lower: number; upper: number };
    assert.ok(lower <= whole.maxRelativeError && whole.maxRelativeError <= upper, `${lower} ${upper}`);
    assert.ok(upper - lower < whole.maxRelativeError);
    const { meanGap, lossLower, lossUpper } = report.bracket as Record<string, number>;
    assert.equal(meanGap, whole.bracket.meanGap);
    const near = (a: number, b: number) => Math.abs(a / b - 1) < 1e-12;
    assert.ok(near(lossLower, whole.bracket.lossLower) && near(lossUpper, whole.bracket.lossUpper));
    assert.ok(near((report.loss as { histogram: number }).histogram, whole.loss.histogram));
  }
});

test("the bracket alone holds the exact error, on batches so small that it matters", async () => {
  const logit = fc.float({ min: -2, max: 2, noNaN: true });
  let open = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(logit, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 3 }),
      async (list, refine) => {
        const logits = Float32Array.from(list);
        const targets = Uint8Array.from(list, (_, i) => i & 1);
        const whole = density.verify(logits, targets, { bins: 5, refine });
        const input = ["--logits", save("few-l.npy", logits), "--targets", save("few-t.npy", targets)];
        const report = await json(
          "verify",
          ...input,
          "--bins",
          "5",
          "--refine",
          String(refine),
          "--memory",
          "0",
        );
        const { lower, upper } = report.maxRelativeError as { lower: number; upper: number };
        const slack = 1e-12;
        assert.ok(
          lower <= whole.maxRelativeError + slack && whole.maxRelativeError <= upper + slack,
          `${lower} ${upper}`,
        );
        if (lower < upper) open++;
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(open > 0);
});

test("verify leaves with 1 when the error is above --max-error, with 0 when it is not, also by the bracket alone", async () => {
  const code = async (...more: string[]) => (await run("verify", ...face.args, ...more)).code;
  assert.equal(await code("--max-error", "11.2"), 1);
  assert.equal(await code("--max-error", "11.3"), 0);
  assert.equal(await code("--max-error", "5", "--memory", "1MB"), 1);
  assert.equal(await code("--max-error", "10", "--memory", "1MB"), 1);
  assert.equal(await code("--max-error", "12", "--memory", "1MB"), 0);
});

test("what people read names the numbers and stays within 80 columns", async () => {
  const texts = [
    await run("--help"),
    await run("loss", "--help"),
    await run("verify", "-h"),
    await run("losses", "-h"),
    await run("select", "-h"),
    await run("loss", ...face.args, "--loss", "ghmc"),
    await run("loss", ...face.args, "--loss", "focal"),
    await run("verify", ...face.args, "--max-error", "20"),
    await run("verify", ...face.args, "--max-error", "20", "--memory", "1MB"),
  ];
  for (const { code, out, err } of texts) {
    assert.deepEqual({ code, err }, { code: 0, err: "" });
    for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
  }
  assert.match(texts[6].out, /positives {2}187 \(1 : 544\)\n/);
  assert.match(texts[7].out, /bracket holds for every element {7}yes\n/);
  assert.match(
    texts[8].out,
    /^The exact density needs more than 1MB: this is the certified bracket alone\.\n/,
  );
  assert.deepEqual(await run("--version"), { code: 0, out: `${version}\n`, err: "" });
});

const far = new Float32Array(150_000);
far[140_001] = Number.NaN;
const half = Float32Array.of(1, 0, 0.5, 1);
const bytes = readFileSync(FEW.logits);
writeFileSync(inFolder("cut.npy"), bytes.subarray(0, bytes.length - 2));
writeFileSync(inFolder("five.csv"), "1\n0\n1\n0\n1\n");
const five = inFolder("five.csv");
mkdirSync(inFolder("deep.npy"));
const OWN = Object.keys(PARAMETERS);
const OPTIONS = [
  "logits",
  "targets",
  "labels",
  "scores",
  "pairs",
  "mask",
  "weights",
  "groups",
  "loss",
  ...OWN,
  "grad",
  "losses",
  "memory",
  "json",
]
  .map((name) => `--${name}`)
  .join(", ");
const NAMES = Object.keys(LOSSES).join("|");

const REFUSED: [string[], string][] = [
  [[], "run: expected a command (loss, losses, select, verify), got none (see counterpoise --help)"],
  [["verfy"], "run: expected a command (loss, losses, select, verify), got verfy (did you mean verify?)"],
  [["loss", ...few], "run loss: expected --loss NAME, got none"],
  [["loss", "--loss", "bce", "--logits", "x.npy"], "run loss: expected --targets FILE, got none"],
  [
    ["loss", ...few, "--loss", "focl"],
    `run loss: expected --loss ${NAMES}, got "focl" (did you mean focal?)`,
  ],
  [
    ["loss", ...few, "--loss", "focal", "--gama", "2"],
    "run loss: expected a known option, got --gama (did you mean --gamma?)",
  ],
  [["loss", "--zzzzzzzz"], `run loss: expected a known option, got --zzzzzzzz (there are ${OPTIONS})`],
  [["loss", "-g", "2"], `run loss: expected a known option, got -g (there are ${OPTIONS})`],
  [["loss", "--constructor"], `run loss: expected a known option, got --constructor (there are ${OPTIONS})`],
  [["loss", "--logits", "--targets", "x"], "run loss: expected FILE after --logits, got --targets"],
  [["loss", "--logits"], "run loss: expected FILE after --logits, got nothing"],
  [["loss", ...few, ...few], "run loss: expected --logits once, got it twice"],
  [["loss", ...few, "extra"], 'run loss: expected options, got "extra"'],
  [["loss", "--json=yes"], 'run loss: expected --json without a value, got "yes"'],
  [
    ["loss", ...few, "--loss", "asymmetric", "--detach-focus", "1"],
    'run loss: expected --detach-focus as true or false, got "1"',
  ],
  [
    ["loss", ...few, "--loss", "focal", "--gamma", "two"],
    'run loss: expected --gamma as a number, got "two"',
  ],
  [["loss", ...few, "--loss", "focal", "--gamma", "-1"], "stream focal: expected gamma in [0, 1000], got -1"],
  [
    ["loss", ...few, "--loss", "focal", "--reduction", "avg"],
    'stream focal: expected reduction as one of mean, sum, none, got "avg"',
  ],
  [["loss", ...few, "--loss", "ghmc", "--bins", "0"], "stream ghmc: expected bins in [1, 256], got 0"],
  [
    ["loss", ...few, "--loss", "bce", "--classes", "3"],
    `read logits from ${FEW.logits}: expected a multiple of 3, got 4 values`,
  ],
  [
    ["loss", "--logits", five, "--targets", five, "--loss", "bce", "--classes", "3"],
    `read logits from ${five}: expected a multiple of 3, got 5 values`,
  ],
  [
    ["loss", ...few, "--loss", "ghmc", "--gamma", "2"],
    "run loss: expected options of ghmc (--bins, --convention), got --gamma",
  ],
  [
    ["loss", ...few, "--loss", "ghmc", "--weights", FEW.logits],
    "run loss: expected options of ghmc (--bins, --convention), got --weights",
  ],
  [
    ["loss", "--loss", "bce", "--logits", inFolder("none.npy"), "--targets", FEW.targets],
    `read ${inFolder("none.npy")}: expected a file, got nothing of that name`,
  ],
  [
    ["loss", "--loss", "bce", "--logits", "x.parquet", "--targets", FEW.targets],
    "read logits from x.parquet: expected a .npy or .csv file, got .parquet",
  ],
  [
    ["loss", "--loss", "bce", "--logits", inFolder("cut.npy"), "--targets", FEW.targets],
    `read ${inFolder("cut.npy")}: expected ${bytes.length} bytes for float32 of shape (4,), got a truncated file of ${bytes.length - 2}`,
  ],
  [
    ["loss", "--loss", "bce", "--logits", FEW.logits, "--targets", save("t3.npy", Uint8Array.of(1, 0, 1))],
    `pair logits of ${FEW.logits} with targets of ${inFolder("t3.npy")}: expected equal lengths, got 4 and 3`,
  ],
  [
    ["loss", "--loss", "bce", "--logits", FEW.logits, "--targets", five],
    `pair logits of ${FEW.logits} with targets of ${five}: expected equal lengths, got 4 and 5`,
  ],
  [
    ["loss", "--loss", "bce", ...few, "--mask", five],
    `pair logits of ${FEW.logits} with mask of ${five}: expected equal lengths, got 4 and 5`,
  ],
  [
    [
      "loss",
      "--loss",
      "bce",
      "--logits",
      save("far.npy", far),
      "--targets",
      save("zero.npy", new Uint8Array(far.length)),
    ],
    "update a bce stream: expected finite logits, got NaN at index 140001",
  ],
  [
    ["loss", "--loss", "ghmc", "--logits", FEW.logits, "--targets", save("half.npy", half)],
    "update a ghmc stream: expected targets of 0 or 1, got 0.5 at index 2",
  ],
  [["verify", ...few, "--max-error", "much"], 'run verify: expected --max-error as a number, got "much"'],
  [["verify", ...few, "--memory", "2XB"], 'run verify: expected --memory as an amount like 2GiB, got "2XB"'],
  [["verify", ...few, "--refine", "65"], "verify the density: expected refine in [1, 64], got 65"],
  [
    ["verify", ...few, "--loss", "ghmc"],
    "run verify: expected a known option, got --loss (there are --logits, --targets, --mask, --bins, --width, --refine, --max-error, --memory, --json)",
  ],
  [
    ["loss", ...few, "--loss", "bce", "--grad", "g.txt"],
    "run loss: expected --grad as a .npy file, got g.txt",
  ],
  [
    ["loss", ...few, "--loss", "bce", "--grad", FEW.targets],
    `run loss: expected --grad as a file of its own, got the input ${FEW.targets}`,
  ],
  [
    ["loss", ...few, "--loss", "bce", "--grad", inFolder("none/g.npy")],
    `write ${inFolder("none/g.npy")}: expected a folder to write in, got nothing of that name`,
  ],
  [
    ["loss", ...few, "--loss", "bce", "--grad", inFolder("deep.npy")],
    `write ${inFolder("deep.npy")}: expected a name for a file, got a directory, a pipe or a device`,
  ],
];

for (const [argv, line] of REFUSED) {
  test(`refused in one line: ${line.replaceAll(folder, "").slice(0, 90)}`, async () => {
    const before = readdirSync(folder);
    const more =
      argv.includes("--grad") || argv[0] !== "loss" || argv.length < 7
        ? []
        : ["--grad", inFolder("lost.npy")];
    assert.deepEqual(await run(...argv, ...more), {
      code: 2,
      out: "",
      err: `counterpoise: Cannot ${line}\n`,
    });
    assert.deepEqual(readdirSync(folder), before);
  });
}

/** The built program in a process of its own, under the engine that runs this test. */
function program(...argv: string[]) {
  const prefix = "Deno" in globalThis ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...prefix, "dist/cli/main.js", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (part) => (text.out += part));
  child.stderr.on("data", (part) => (text.err += part));
  const done = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, ...text })),
  );
  return { child, done };
}

test("the program prints the same as main and leaves with its code", async () => {
  const argv = ["loss", ...face.args, "--loss", "focal", "--json"];
  assert.deepEqual(await program(...argv).done, await run(...argv));
  const check = ["verify", ...face.args, "--max-error", "1"];
  assert.deepEqual(await program(...check).done, await run(...check));
  assert.deepEqual(await program("loss", "--gama").done, await run("loss", "--gama"));
});

/** Files of zeros that take no room on the disk, long enough that their gradient is not done at once. */
function zeros(many: number): string[] {
  const logits = save("zeros-l.npy", new Float32Array(0), [many]);
  const targets = save("zeros-t.npy", new Uint8Array(0), [many]);
  truncateSync(logits, readFileSync(logits).length + 4 * many);
  truncateSync(targets, readFileSync(targets).length + many);
  return ["--logits", logits, "--targets", targets];
}

/** Waits until a gradient is being written or `over` says that it cannot be any more. */
async function writing(over: () => boolean): Promise<void> {
  while (!over() && !readdirSync(folder).some((name) => name.endsWith(".part"))) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test("a fault in the second pass leaves no part of a gradient behind", async () => {
  const input = zeros(8_000_000);
  const before = readdirSync(folder);
  let ended = false;
  const result = run("loss", ...input, "--loss", "bce", "--grad", inFolder("big.npy")).finally(() => {
    ended = true;
  });
  await writing(() => ended);
  truncateSync(input[1], 200);
  const { code, out, err } = await result;
  assert.deepEqual([code, out], [2, ""]);
  assert.match(
    err,
    /^counterpoise: Cannot read \S+zeros-l.npy: expected 320000\d\d bytes as when it was opened, got \d+\n$/,
  );
  assert.deepEqual(readdirSync(folder), before);
});

test("an interrupt leaves no part of a gradient behind", async () => {
  const input = zeros(40_000_000);
  const before = readdirSync(folder);
  const { child, done } = program("loss", ...input, "--loss", "bce", "--grad", inFolder("big.npy"));
  await writing(() => child.exitCode !== null);
  child.kill("SIGINT");
  // Deno's spawn reports no code for a child that it has signalled, whatever the child left with.
  const { code, out, err } = await done;
  assert.deepEqual([code ?? 130, out, err], [130, "", ""]);
  assert.deepEqual(readdirSync(folder), before);
});
