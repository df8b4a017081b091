/** The built program in a process of its own; faults and interrupts while it writes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { recorded, run, temporary } from "./command-line.ts";

const { folder, inFolder, save } = temporary("cli-program");
const face = recorded("ssd-face/");

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
