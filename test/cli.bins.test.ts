/** `--bins auto` of files: the number of regions of the whole data, found in a pass of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc, ghmr } from "../src/mod.ts";
import { json, load, run, temporary } from "./command-line.ts";
import { random } from "./data.ts";

const { inFolder, save } = temporary("bins");
const grad = inFolder("grad.npy");
// More than two chunks of the reader, of which the first is flat and would choose fewer regions than the whole.
const N = 150_000;
const next = random(3);
const targets = Uint8Array.from({ length: N }, () => (next() < 0.1 ? 1 : 0));
const logits = Float32Array.from({ length: N }, (_, i) => {
  const g = i < 65_536 ? next() : Math.sqrt(next());
  return Math.log((g + 1e-6) / (1 - g + 1e-6)) * (targets[i] === 1 ? -1 : 1);
});
const mask = Uint8Array.from({ length: N }, () => (next() < 0.3 ? 0 : 1));
const args = ["--logits", save("l.npy", logits), "--targets", save("t.npy", targets)];

for (const convention of ["paper", "mmdet"] as const) {
  test(`ghmc, ${convention}, with --bins auto has the bits of the library's one batch`, async () => {
    const whole = ghmc(logits, targets, { bins: "auto", convention, mask });
    const options = ["--loss", "ghmc", "--bins", "auto", "--convention", convention];
    const got = await json("loss", ...args, "--mask", save("m.npy", mask), ...options, "--grad", grad);
    const { bins, counts, lossSums } = whole.histogram;
    assert.deepEqual([got.loss, got.meanLoss, got.count], [whole.loss, whole.meanLoss, whole.count]);
    assert.deepEqual(got.histogram, { bins, counts: [...counts], lossSums: [...lossSums] });
    assert.deepEqual(load(grad).values, whole.grad);
    const part = ghmc(logits.subarray(0, 65_536), targets.subarray(0, 65_536), { bins: "auto" });
    assert.notEqual(bins, part.histogram.bins);
    assert.notEqual(bins, 30);
  });
}

test("ghmr with --bins auto goes by its own gradient norm", async () => {
  const whole = ghmr(logits, targets, { bins: "auto", mu: 0.5 });
  const got = await json("loss", ...args, "--loss", "ghmr", "--bins=auto", "--mu=.5", "--grad", grad);
  assert.deepEqual([got.loss, (got.histogram as { bins: number }).bins], [whole.loss, whole.histogram.bins]);
  assert.deepEqual(load(grad).values, whole.grad);
  assert.deepEqual(got.options, { bins: "auto", mu: 0.5 });
});

test("nothing to look at is one region, another word is refused", async () => {
  const empty = [
    "--logits",
    save("l0.npy", new Float32Array(0)),
    "--targets",
    save("t0.npy", new Uint8Array(0)),
  ];
  const got = await json("loss", ...empty, "--loss", "ghmc", "--bins", "auto", "--grad", grad);
  assert.deepEqual([got.loss, (got.histogram as { bins: number }).bins], [0, 1]);
  assert.deepEqual(await run("loss", ...args, "--loss", "ghmc", "--bins", "many"), {
    code: 2,
    out: "",
    err: 'counterpoise: Cannot stream ghmc: expected bins as a number, got "many"\n',
  });
});

test("a fault in the first pass is placed in the whole file", async () => {
  const far = logits.slice();
  far[140_001] = Number.NaN;
  const files = ["--logits", save("far.npy", far), "--targets", save("t.npy", targets)];
  const { code, err } = await run("loss", ...files, "--loss", "ghmc", "--bins", "auto");
  assert.equal(code, 2);
  assert.equal(
    err,
    `counterpoise: Cannot update a ghmc stream: expected finite logits, got NaN at index 140001 of ${files[1]}\n`,
  );
});
