/**
 * Runs the suite on three engines in turn and counts: `bun tools/test.ts [ENGINE...] [-- FILTER...]`. A file
 * is run if its name contains one of the filters.
 *
 * Bun and Deno run the TypeScript sources. Node before 22.18 cannot load TypeScript, so every test file is
 * bundled for it first. The last line of the output is `N passed, N failed`, over all engines.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Engine, type EngineName, findEngine } from "./engines.ts";
import { refuse } from "./refuse.ts";

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const NAMES: EngineName[] = ["bun", "deno", "node"];
const args: string[] = process.argv.slice(2);
const asked: string[] = args.filter((word) => (NAMES as string[]).includes(word));
const filters: string[] = args.filter((word) => !asked.includes(word) && word !== "--");
const all: string[] = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
// npm swallows the `--`, so that a misspelt engine cannot be told from a filter.
const stray = filters.find((filter) => !all.some((name) => name.includes(filter)));
if (stray !== undefined) {
  const expected = `${NAMES.join(", ")}, or a part of the name of a file in test/`;
  refuse(`Cannot test: expected ${expected}, got ${JSON.stringify(stray)}`);
}
const files: string[] = all
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .sort()
  .map((name) => join("test", name));

/** The sum of what a pattern finds in a runner's summary; 0 where the runner does not mention it. */
function count(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? 0);
}

const SUMMARY: Record<EngineName, (output: string) => Tally> = {
  bun: (text) => ({
    passed: count(text, /^\s*(\d+) pass$/m),
    failed: count(text, /^\s*(\d+) fail$/m) + count(text, /^\s*(\d+) errors?$/m),
    skipped: count(text, /^\s*(\d+) skip$/m),
  }),
  deno: (text) => ({
    passed: count(text, /\| (\d+) passed/),
    failed: count(text, /\| (\d+) failed/),
    skipped: count(text, /\| (\d+) ignored/),
  }),
  node: (text) => ({
    passed: count(text, /^ℹ pass (\d+)/m),
    failed: count(text, /^ℹ fail (\d+)/m) + count(text, /^ℹ cancelled (\d+)/m),
    skipped: count(text, /^ℹ skipped (\d+)/m) + count(text, /^ℹ todo (\d+)/m),
  }),
};

/** What a runner says of the tests that passed, line by line. */
const PASSED = /^\(pass\)|\.\.\. .*ok.* \(\d|^\s*✔/;

/** Test files as JavaScript for Node, below the project's root so that fixtures are found the same way. */
function bundle(): string[] {
  const bun = findEngine("bun");
  if (!bun) throw new Error("Cannot bundle the tests for Node: expected a bun binary, got none");
  const folder = join("build", "test");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const done = spawnSync(
    bun.path,
    ["build", "--target=node", "--packages=external", "--root=.", "--outdir", folder, ...files],
    { encoding: "utf8" },
  );
  if (done.status !== 0) throw new Error(`Cannot bundle the tests for Node: ${done.stderr}`);
  return files.map((file) => join(folder, file.replace(/\.ts$/, ".js")));
}

function commandOf(engine: Engine): string[] {
  if (engine.name === "bun") return ["test", "--timeout=600000", ...files.map((file) => `./${file}`)];
  if (engine.name === "deno") return ["test", "-A", "--no-check", "--quiet", ...files];
  return ["--test", "--test-reporter=spec", ...bundle()];
}

/** Runs one program to its end, keeping everything it prints. */
function run(path: string, words: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1" };
    delete env.FORCE_COLOR;
    const child = spawn(path, words, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk: unknown): void => {
      output += String(chunk);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

async function testOn(engine: Engine): Promise<Tally> {
  const start = Date.now();
  const { status, output } = await run(engine.path, commandOf(engine));
  const tally = SUMMARY[engine.name](output);
  if (tally.passed + tally.failed === 0) tally.failed = 1; // an engine that ran nothing has proved nothing
  if (status !== 0 && tally.failed === 0) tally.failed = 1; // a file that could not be loaded, a crash
  if (tally.failed > 0)
    console.log(
      output
        .split("\n")
        .filter((line) => !PASSED.test(line))
        .join("\n"),
    );
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  console.log(`${engine.name} ${engine.version}: ${sentence(tally)} in ${seconds} s`);
  return tally;
}

function sentence({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

function build(): void {
  if (existsSync("build/kernel.wasm") && existsSync("src/wasm/bytes.ts") && !process.env.CI) return;
  const bun = findEngine("bun");
  const done = bun && spawnSync(bun.path, ["run", "build"], { stdio: "inherit" });
  if (done?.status !== 0) throw new Error("Cannot test: the build failed");
}

build();
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
for (const name of NAMES) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const engine = findEngine(name);
  if (!engine && name === "node") {
    console.log("node: not on this machine, 0 tests run");
    continue;
  }
  if (!engine) console.log(`${name}: expected a binary from npm or on the path, got none`);
  const tally = engine ? await testOn(engine) : { passed: 0, failed: 1, skipped: 0 };
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped += tally.skipped;
}
console.log(sentence(total));
process.exit(total.failed > 0 ? 1 : 0);
