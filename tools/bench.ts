/**
 * Runs the benchmark: `bun tools/bench.ts [ENGINE...] [--contest=NAME...]`. Without an engine, Node if there is one, else
 * Bun. The benchmark is bundled first, because Node before 22.18 cannot load TypeScript.
 *
 * `--kernels` compares the interleaved module with the plain one instead, the best of five processes each; `--twins`
 * compares kernels with the same in C; `--floors` prints how fast some losses could be at all: see bench/floors.ts.
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import process from "node:process";
import { contests as all } from "../bench/contests.ts";
import type { Line } from "../bench/main.ts";
import { type Engine, type EngineName, findEngine } from "./engines.ts";
import { refuse } from "./refuse.ts";
import { twins } from "./twins.ts";

const NAMES: EngineName[] = ["node", "deno", "bun"];
const MODES = ["--kernels", "--twins", "--floors"];
const words = process.argv.slice(2);
const contests = words.filter((word) => word.startsWith("--contest="));
const asked = NAMES.filter((name) => words.includes(name));

function refuseUnknown(): void {
  const known = [...NAMES, ...MODES];
  const stray = words.find((word) => !known.includes(word) && !contests.includes(word));
  if (stray !== undefined) {
    const expected = `${known.join(", ")} or --contest=NAME`;
    refuse(`Cannot benchmark: expected ${expected}, got ${JSON.stringify(stray)}`);
  }
  const names = contests.length > 0 ? all(1).map(({ name }) => name) : [];
  const unknown = contests.map((word) => word.slice(10)).find((name) => !names.includes(name));
  if (unknown !== undefined)
    refuse(`Cannot benchmark: expected a contest of ${names.join("; ")}, got ${JSON.stringify(unknown)}`);
}

function engines(): Engine[] {
  const found = (asked.length > 0 ? asked : NAMES).flatMap((name) => findEngine(name) ?? []);
  return asked.length > 0 ? found : found.slice(0, 1);
}

function bundle(entry: string): string {
  const bun = findEngine("bun");
  if (!bun) throw new Error("Cannot bundle the benchmark: expected a bun binary, got none");
  const out = `build/bench/${entry}.js`;
  const args = ["build", "--target=node", "--packages=external", `--outfile=${out}`, `bench/${entry}.ts`];
  const { status, stderr } = spawnSync(bun.path, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot bundle the benchmark: ${stderr}`);
  return out;
}

function run({ name, path }: Engine, script: string, args: readonly string[]): string {
  const command = name === "deno" ? ["run", "-A", "--quiet", script] : [script];
  const { status, stdout, stderr } = spawnSync(path, [...command, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run the benchmark in ${name}: ${stderr}`);
  return stdout;
}

function sideBySide(found: readonly Engine[], results: readonly Line[][]): void {
  const names = found.map(({ name, version }) => `${name} ${version}`.padStart(15));
  console.log(`times faster than plain TypeScript in the same engine${"".padEnd(5)}`);
  console.log(`${"".padEnd(18)}${"N".padStart(8)}${names.join("")}`);
  results[0]!.forEach(({ name, n }, i) => {
    const ratios = results.map((lines) => `${lines[i]!.ratio.toFixed(1)}x`.padStart(15));
    console.log(`${name.padEnd(18)}${String(n).padStart(8)}${ratios.join("")}`);
  });
  for (const n of new Set(results[0]!.map((line) => line.n))) {
    const cost = (lines: Line[]): number => {
      const at = (name: string): number =>
        lines.find((line) => line.n === n && line.name === name)?.ours ?? Number.NaN;
      return at("exact density") / at("ghmc");
    };
    if (!(cost(results[0]!) > 0)) continue;
    const row = results.map((lines) => `${cost(lines).toFixed(1)}x`.padStart(15));
    console.log(`${"exact / ghmc".padEnd(18)}${String(n).padStart(8)}${row.join("")}`);
  }
}

/** Best of five processes: some engines have slow ones. */
function kernels(engine: Engine, script: string): void {
  const best = new Map<string, [number, number]>();
  for (let process = 0; process < 5; process++) {
    for (const [name, plain, interleaved] of JSON.parse(run(engine, script, [])) as [
      string,
      number,
      number,
    ][]) {
      const [a, b] = best.get(name) ?? [Infinity, Infinity];
      best.set(name, [Math.min(a, plain), Math.min(b, interleaved)]);
    }
  }
  console.log(`${engine.name} ${engine.version}: plain / interleaved`);
  for (const [name, [plain, interleaved]] of best)
    console.log(`  ${name.padEnd(14)}${(plain / interleaved).toFixed(2)}x`);
  const mean = ["bceHard", "focalSquare"]
    .map((name) => best.get(name)!)
    .reduce((product, [a, b]) => (product * a) / b, 1);
  console.log(`  geometric mean of bceHard and focalSquare ${Math.sqrt(mean).toFixed(2)}x`);
}

refuseUnknown();
const found = engines();
if (found.length === 0) throw new Error(`Cannot benchmark: expected one of ${NAMES.join(", ")}, got none`);
console.log(`${cpus()[0]?.model.trim()}, one core`);
if (words.includes("--twins")) {
  const script = bundle("twin/engine");
  twins(found, (engine, args) => run(engine, script, args));
} else if (words.includes("--kernels")) {
  const script = bundle("kernels");
  for (const engine of found) kernels(engine, script);
} else if (words.includes("--floors")) {
  const script = bundle("floors");
  for (const engine of found)
    console.log(`${engine.name} ${engine.version}\n${run(engine, script, []).trimEnd()}`);
} else {
  const script = bundle("main");
  if (found.length === 1) {
    console.log(`${found[0]!.name} ${found[0]!.version}`);
    console.log(run(found[0]!, script, contests).trimEnd());
  } else {
    sideBySide(
      found,
      found.map((engine) => JSON.parse(run(engine, script, ["--json", ...contests])) as Line[]),
    );
  }
}
