/**
 * Times the public API against plain TypeScript in one process: `npm run bench`, or `npm run bench:all` for three
 * engines side by side. Every contestant is checked against a float64 oracle before it is timed. `--contest=NAME`, once
 * or more, runs only those: `npm run bench -- --contest=focal --contest="hardest 1 %"`.
 *
 * Both sides of a contest take turns, and the fastest sample of each counts: on a machine that others use too, the
 * minimum moves by a percent where the mean moves by a half. Ratios are what carries over to another machine.
 */
import process from "node:process";
import { do_not_optimize, measure } from "mitata";
import type { Contest } from "./contest.ts";
import { contests } from "./contests.ts";

const SIZES = [1e3, 1e4, 1e5, 1e6];
const ROUNDS = 4;
/** Nanoseconds that one turn takes at least. */
const TURN = 6e7;

export interface Line {
  name: string;
  n: number;
  /** Nanoseconds per element, the fastest sample. */
  ours: number;
  plain: number;
  /** How many times faster than plain TypeScript. */
  ratio: number;
}

async function fastest(work: () => unknown): Promise<number> {
  const { min } = await measure(() => do_not_optimize(work()), { min_cpu_time: TURN });
  return min;
}

/** The contests that are asked for; all of them without a name. */
function chosen(n: number): Contest[] {
  const names = process.argv.flatMap((word) => (word.startsWith("--contest=") ? [word.slice(10)] : []));
  const all = contests(n);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

async function time(): Promise<Line[]> {
  const lines: Line[] = [];
  for (const n of SIZES) {
    for (const { name, ours, rival, check } of chosen(n)) {
      check();
      let best = Infinity;
      let other = Infinity;
      for (let round = 0; round < ROUNDS; round++) {
        best = Math.min(best, await fastest(ours));
        other = Math.min(other, await fastest(rival));
      }
      lines.push({ name, n, ours: best / n, plain: other / n, ratio: other / best });
    }
  }
  return lines;
}

function print(lines: readonly Line[]): void {
  console.log(
    "ns per element, loss and gradient through the public API (exact density: counts; hardest: a mask), fastest sample",
  );
  console.log(
    `${"".padEnd(18)}${"N".padStart(8)}${"ours".padStart(9)}${"plain".padStart(9)}${"ratio".padStart(9)}`,
  );
  for (const { name, n, ours, plain, ratio } of lines) {
    const row = [ours.toFixed(2), plain.toFixed(2), `${ratio.toFixed(1)}x`].map((text) => text.padStart(9));
    console.log(`${name.padEnd(18)}${String(n).padStart(8)}${row.join("")}`);
  }
  for (const n of SIZES) {
    const at = (name: string): number =>
      lines.find((line) => line.name === name && line.n === n)?.ours ?? Number.NaN;
    const cost = at("exact density") / at("ghmc");
    if (cost > 0) console.log(`exact density costs ${cost.toFixed(1)} times ghmc at N = ${n}`);
  }
}

const lines = await time();
if (process.argv.includes("--json")) console.log(JSON.stringify(lines));
else print(lines);
