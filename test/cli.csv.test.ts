/** `.csv` files from end to end: `--header`, and the line of a value that is refused. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { bce, pairwise, softmaxFocal } from "../src/mod.ts";
import { json, run, temporary } from "./command-line.ts";

const { inFolder, save, write } = temporary("cli-csv");
const refusal = async (...argv: string[]): Promise<string> => {
  const { code, out, err } = await run(...argv);
  assert.deepEqual([code, out], [2, ""]);
  return err;
};

/** As pandas writes a frame without names and without its index. */
const FRAME = write("frame.csv", "0,1,2\n2,0.3,-1\n0.1,0.4,0.2\n");
const rows = ["loss", "--loss", "softmaxFocal", "--logits", `${FRAME}:1..3`];
rows.push("--labels", write("y.csv", "0\n0\n2\n"));

test("a header 0, 1, 2 is neither skipped nor read unless --header says which", async () => {
  const line = `Cannot read ${FRAME}: expected --header yes or --header no with a first line that may be names or values, got "0,1,2"`;
  assert.equal(await refusal(...rows), `counterpoise: ${line}\n`);
  const logits = Float32Array.of(0, 1, 2, 2, 0.3, -1, 0.1, 0.4, 0.2);
  const labels = Uint8Array.of(0, 0, 2);
  const two = softmaxFocal(logits.subarray(3), labels.subarray(1), { classes: 3 });
  const three = softmaxFocal(logits, labels, { classes: 3 });
  const { loss, count } = await json(...rows, "--header", "yes");
  assert.deepEqual([loss, count], [two.loss, 2]);
  assert.equal((await json(...rows, "--header=no")).loss, three.loss);
});

test("--header is for every command and every .csv file, and says nothing of .npy", async () => {
  const x = Float32Array.of(7, 8);
  const npy = save("x.npy", x);
  const csv = write("x.csv", "1\n7\n8\n");
  const wide = write("p.csv", "0,1\n1,0\n");
  const t = write("t.csv", "1\n1\n0\n");
  const elements = ["loss", "--loss", "bce", "--logits", npy, "--targets", t, "--header", "yes"];
  assert.equal((await json(...elements)).loss, bce(x, Uint8Array.of(1, 0)).loss);
  assert.equal((await json("select", "--losses", csv, "--budget", "9", "--header", "yes")).count, 2);
  const verify = ["verify", "--logits", csv, "--targets", t, "--header", "yes"];
  assert.equal((await json(...verify)).count, 2);
  const pairs = ["loss", "--loss", "pairwise", "--scores", csv, "--pairs", `${wide}:1,2`];
  assert.equal((await json(...pairs, "--header", "yes")).loss, pairwise(x, Uint32Array.of(1, 0)).loss);
  assert.equal((await json(...pairs, "--header", "no")).count, 2);
  assert.match(await refusal(...pairs), /p\.csv: expected --header yes or --header no/);
});

// Three values a line, so that chunks end within one, and a record of two lines before what is refused.
const LINES = new Array<string>(50_000).fill("1,0,1");
LINES[9] = '1,0,"1\n"';
LINES[40_001] = "1,nan,1";
LINES[45_000] = "1,0,-1";
const FAR = write("far.csv", `a,b,c\n${LINES.join("\n")}\n`);
const three = save(
  "three.npy",
  Float32Array.from({ length: 50_000 }, (_, i) => (i === 40_001 ? 5 : 0)),
);
const ones = save("ones.npy", new Uint8Array(150_000));
const few = write("few.csv", "x,y\n1,0\n-2,1\n0,5\n");
const boxes = write("boxes.csv", "loss,x1,y1,x2,y2\n1,0,0,1,1\n2,0,0,1,1\n3,5,5,1,1\n");
const pairs = write("pairs.csv", "better,worse\n0,1\n1,2\n2,4\n");

const PLACED: [string[], string][] = [
  [
    ["loss", "--loss", "bce", "--logits", `${FAR}:a..c`, "--targets", ones],
    `update a bce stream: expected finite logits, got NaN at index 120004 of ${FAR}, line 40004`,
  ],
  [
    ["loss", "--loss", "bce", "--logits", `${FAR}:a`, "--targets", `${FAR}:c`],
    `update a bce stream: expected targets in [0, 1], got -1 at index 45000 of ${FAR}, line 45003 (leave ignored elements out with mask)`,
  ],
  [
    ["loss", "--loss", "softmaxCrossEntropy", "--logits", `${FAR}:a,a,c`, "--labels", three],
    `update a softmaxCrossEntropy stream: expected labels in [0, 2] or ignoreIndex -100, got 5 at row 40001 of ${three}`,
  ],
  [
    ["loss", "--loss", "softmaxCrossEntropy", "--logits", `${few}:1,1`, "--labels", `${few}:y`],
    `update a softmaxCrossEntropy stream: expected labels in [0, 1] or ignoreIndex -100, got 5 at row 2 of ${few}, line 4`,
  ],
  [
    ["loss", "--loss", "bce", "--logits", `${few}:x`, "--targets", `${few}:y`, "--weights", `${few}:x`],
    `update a bce stream: expected finite weights >= 0, got -2 at index 1 of ${few}, line 3`,
  ],
  [
    ["loss", "--loss", "pairwise", "--scores", `${few}:x`, "--pairs", `${pairs}:1,2`],
    `update a pairwise stream: expected indices below 3, one of the scores, got 4 in pair 2 of ${pairs}, line 4`,
  ],
  [
    [
      "loss",
      "--loss",
      "pairwise",
      "--scores",
      `${few}:x`,
      "--pairs",
      `${pairs}:1,2`,
      "--grad",
      inFolder("g.npy"),
    ],
    `update a pairwise stream: expected indices below 3, one of the scores, got 4 in pair 2 of ${pairs}, line 4`,
  ],
  [
    ["select", "--losses", `${FAR}:b`, "--budget", "5"],
    `update an ohem stream: expected finite losses, got NaN at index 40001 of ${FAR}, line 40004`,
  ],
  [
    ["select", "--losses", boxes, "--budget", "5", "--boxes", `${boxes}:x1..y2`],
    `select hard examples: expected finite boxes x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, got 5, 5, 1, 1 at index 2 of ${boxes}, line 4`,
  ],
  [
    ["verify", "--logits", `${few}:x`, "--targets", `${few}:y`],
    `verify the density: expected targets of 0 or 1, got 5 at index 2 of ${few}, line 4`,
  ],
  [
    ["verify", "--logits", `${few}:x`, "--targets", `${few}:y`, "--memory", "0"],
    `compute gradient norms: expected targets of 0 or 1, got 5 at index 2 of ${few}, line 4`,
  ],
];

for (const [argv, line] of PLACED) {
  test(`says where: ${line.replaceAll(inFolder(""), "").slice(0, 110)}`, async () => {
    assert.equal(await refusal(...argv), `counterpoise: Cannot ${line}\n`);
  });
}

test("refuses a pipe, also one that nobody writes to", { timeout: 10_000 }, async () => {
  const pipe = inFolder("pipe.csv");
  execFileSync("mkfifo", [pipe]);
  const line = `Cannot read ${pipe}: expected a regular file, got a directory, a pipe or a device`;
  const got = refusal("loss", "--loss", "bce", "--logits", pipe, "--targets", ones);
  try {
    assert.equal(await got, `counterpoise: ${line}\n`);
  } finally {
    // Whoever waits for a writer has one now.
    closeSync(openSync(pipe, "r+"));
  }
});

for (const path of ["-", "/dev/stdin", "/dev/fd/63"]) {
  test(`refuses ${path}: a stream can be read once`, async () => {
    const argv = ["loss", "--loss", "bce", "--logits", path, "--targets", ones];
    const line = `Cannot read logits from ${path}: expected a .npy or .csv file, got no extension`;
    assert.equal(await refusal(...argv), `counterpoise: ${line}\n`);
  });
}

test("labels, flags and indices that are none are named by their place in the file, chunks later", async () => {
  const many = 150_000;
  const late = (at: number, value: number): Float32Array => {
    const values = new Float32Array(many);
    values[at] = value;
    return values;
  };
  const wide = save("wide.npy", new Float32Array(2 * many), [many, 2]);
  const labels = save("half.npy", late(140_001, 0.5));
  const soft = ["loss", "--loss", "softmaxFocal", "--logits", wide, "--labels"];
  assert.match(await refusal(...soft, labels), /got 0\.5 at index 140001\n$/);
  const flags = ["--mask", save("flags.npy", late(140_002, Number.NaN))];
  assert.match(
    await refusal(...soft, save("zeros.npy", new Uint8Array(many)), ...flags),
    /got NaN at index 140002\n$/,
  );
  const pairs = new Float32Array(2 * many);
  pairs[280_003] = -1;
  const scores = ["--scores", save("scores.npy", new Float32Array(3))];
  assert.match(
    await refusal("loss", "--loss", "pairwise", ...scores, "--pairs", save("pairs.npy", pairs, [many, 2])),
    /got -1 at index 280003\n$/,
  );
});
