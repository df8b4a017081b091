/** `.csv` files from end to end: `--header`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, pairwise, softmaxFocal } from "../src/mod.ts";
import { json, run, temporary } from "./command-line.ts";

const { save, write } = temporary("cli-csv");
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
