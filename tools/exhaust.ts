/**
 * Runs every bit pattern of the domain of each float32 function and prints the worst case:
 * `bun tools/exhaust.ts [name...]`, after a build. A minute or two each; docs/numerics.md has the results.
 */
import { readFileSync } from "node:fs";
import { PRIMITIVES } from "../test/reference/primitives.ts";
import { instantiate, worst } from "../test/reference/walk.ts";

const probe = instantiate(readFileSync("build/probe.wasm"));
const names = process.argv.slice(2);

for (const row of PRIMITIVES) {
  if (names.length > 0 && !names.includes(row.name)) continue;
  const { ulp, at, relative, points } = worst(probe, row, 1);
  console.log(
    `${row.name}: ${ulp.toFixed(4)} ulp at ${at}, ${relative.toFixed(3)} * 2^-24, ${points} points`,
  );
  if (!(ulp <= row.max)) process.exitCode = 1;
}
