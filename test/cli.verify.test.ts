/** `verify` from end to end, and the texts that people read. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { density, version } from "../src/mod.ts";
import { json, recorded, run, temporary } from "./command-line.ts";

const { inFolder, save } = temporary("cli-verify");
const face = recorded("ssd-face/");

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

test("verify --json has the keys that the page names, and what was checked", async () => {
  const exact = await json("verify", ...face.args, "--max-error", "20");
  const alone = await json("verify", ...face.args, "--max-error", "20", "--memory", "1MiB");
  const shared = ["command", "exact", "count", "bins", "width", "maxRelativeError", "loss", "occupied"];
  const ofBoth = [...shared, "bracket", "check"].sort();
  assert.deepEqual(Object.keys(alone).sort(), ofBoth);
  assert.deepEqual(Object.keys(exact).sort(), [...ofBoth, "betaL1", "borderFraction", "rho"].sort());
  assert.deepEqual([exact.check, alone.check], Array(2).fill({ maxError: 20, passed: true }));
  assert.deepEqual([exact.bins, exact.width, alone.bins, alone.width], [30, 1 / 30, 30, 1 / 30]);
  assert.deepEqual(Object.keys(alone.loss as object), ["histogram"]);
  assert.deepEqual(Object.keys(alone.bracket as object), ["meanGap", "lossLower", "lossUpper"]);
  assert.equal((await json("verify", ...face.args)).check, undefined);
});

test("verify takes 176 bytes of --memory for an element", async () => {
  const input = [
    "--logits",
    save("l.npy", new Float32Array(10)),
    "--targets",
    save("t.npy", new Uint8Array(10)),
  ];
  assert.equal((await json("verify", ...input, "--memory", "1760")).exact, true);
  assert.equal((await json("verify", ...input, "--memory", "1759")).exact, false);
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
  const { maxRelativeError: exact } = await json("verify", ...face.args);
  assert.equal(await code("--max-error", String(exact)), 0, "not above itself");
  assert.equal(await code("--max-error", String((exact as number) * (1 - 2 ** -52))), 1);
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
