/**
 * The kernels against themselves in C, for `bench.ts --twins`. Each kernel of build/plain.wasm is translated instruction
 * by instruction (bench/twin), with vectors of 128 bits, compiled by the C compiler of the machine (`CC`, clang or gcc)
 * with -O3, and must leave the same bytes in memory. Then engine and C program take turns, and the fastest counts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { CASES } from "../bench/twin/cases.ts";
import { program } from "../bench/twin/program.ts";
import type { Engine } from "./engines.ts";

const FOLDER = "build/twin";
const FLAGS = ["-O3", "-mavx", "-ffp-contract=off", "-w", "-o", `${FOLDER}/twins`, `${FOLDER}/twins.c`];
const ROUNDS = 5;

function compile(): string {
  const names = process.env.CC ? [process.env.CC] : ["clang", "clang-14", "gcc"];
  for (const name of names) {
    const { status, error, stderr } = spawnSync(name, FLAGS, { encoding: "utf8" });
    if (status === 0) return spawnSync(name, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0]!;
    if (!error) throw new Error(`Cannot compile ${FOLDER}/twins.c: ${stderr}`);
  }
  throw new Error(`Cannot time twins: expected one of ${names.join(", ")}, got none`);
}

function timeTwins(): number[] {
  const { status, stdout } = spawnSync(`${FOLDER}/twins`, [FOLDER], { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout);
  const found = status === null || status < 3 ? "a failure" : `other bytes from ${CASES[status - 3]!.name}`;
  throw new Error(`Cannot time twins: expected what the module leaves in memory, got ${found}`);
}

const smaller = (best: readonly number[], next: readonly number[]): number[] =>
  next.map((value, k) => Math.min(value, best[k] ?? Infinity));

/** @param run runs bench/twin/engine.ts in an engine with some arguments and returns what it printed */
export function twins(found: readonly Engine[], run: (engine: Engine, args: string[]) => string): void {
  mkdirSync(FOLDER, { recursive: true });
  const args = JSON.parse(run(found[0]!, [FOLDER]));
  writeFileSync(`${FOLDER}/twins.c`, program(readFileSync("build/plain.wasm"), args));
  console.log(`speed of the kernels, times that of their twins in C (${compile()}, -O3, 128 bits)`);
  let ofTwins: number[] = [];
  const ofKernels = found.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [k, engine] of found.entries()) {
      const lines = JSON.parse(run(engine, [])) as [string, number][];
      ofKernels[k] = smaller(
        ofKernels[k]!,
        lines.map(([, time]) => time),
      );
      ofTwins = smaller(ofTwins, timeTwins());
    }
  }
  console.log(" ".repeat(18) + found.map(({ name, version }) => `${name} ${version}`.padStart(15)).join(""));
  CASES.forEach(({ name }, i) => {
    const ratios = ofKernels.map((times) => `${(ofTwins[i]! / times[i]!).toFixed(2)}x`.padStart(15));
    console.log(name.padEnd(18) + ratios.join(""));
  });
}
