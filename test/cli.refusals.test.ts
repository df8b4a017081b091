/** One clear line for whatever is wrong with a command, and nothing left behind. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { LOSSES } from "../src/cli/losses.ts";
import { PARAMETERS } from "../src/cli/parameters.ts";
import { run, temporary } from "./command-line.ts";

const { folder, inFolder, save } = temporary("cli-refusals");
const FEW = {
  logits: save("l.npy", Float32Array.of(1, -2, 0.5, 3)),
  targets: save("t.npy", Uint8Array.of(1, 0, 0, 1)),
};
const few = ["--logits", FEW.logits, "--targets", FEW.targets];

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
  "header",
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
  [
    ["loss", ...few, "--loss", "focal", "--alpha", "null"],
    'run loss: expected --alpha as a number or none, got "null"',
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
    "run loss: expected options of ghmc (--logits, --targets, --mask, --bins, --convention), got --gamma",
  ],
  [
    ["loss", ...few, "--loss", "ghmc", "--weights", FEW.logits],
    "run loss: expected options of ghmc (--logits, --targets, --mask, --bins, --convention), got --weights",
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
    `update a bce stream: expected finite logits, got NaN at index 140001 of ${inFolder("far.npy")}`,
  ],
  [
    ["loss", "--loss", "ghmc", "--logits", FEW.logits, "--targets", save("half.npy", half)],
    `update a ghmc stream: expected targets of 0 or 1, got 0.5 at index 2 of ${inFolder("half.npy")}`,
  ],
  [["verify", ...few, "--max-error", "much"], 'run verify: expected --max-error as a number, got "much"'],
  [["verify", ...few, "--max-error", "-1"], "run verify: expected --max-error as a number >= 0, got -1"],
  [["verify", ...few, "--header", "maybe"], 'run verify: expected --header as yes or no, got "maybe"'],
  [["verify", ...few, "--memory", "2XB"], 'run verify: expected --memory as an amount like 2GiB, got "2XB"'],
  [["verify", ...few, "--refine", "65"], "verify the density: expected refine in [1, 64], got 65"],
  [
    ["verify", ...few, "--loss", "ghmc"],
    "run verify: expected a known option, got --loss (there are --logits, --targets, --mask, --bins, --width, --refine, --max-error, --header, --memory, --json)",
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
    ["loss", ...few, "--loss", "bce", "--grad", relative(process.cwd(), FEW.logits)],
    `run loss: expected --grad as a file of its own, got the input ${FEW.logits}`,
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
