/**
 * Runs every bit pattern and prints the worst case, after a build; docs/numerics.md has the results.
 *
 * `bun tools/exhaust.ts [NAME...]`: the float32 functions of assembly/math, on their domains. A minute or two each.
 * `bun tools/exhaust.ts losses [NAME...]`: the pointwise losses, on all finite logits and both targets, or on all
 * finite residuals. Some minutes each.
 */
import { readFileSync } from "node:fs";
import { PRIMITIVES } from "../test/reference/primitives.ts";
import { instantiate, worst } from "../test/reference/walk.ts";
import { runLogits, type Worst } from "./exhaust/losses.ts";
import { SETTINGS, type Setting } from "./exhaust/settings.ts";
import { refuse } from "./refuse.ts";

/** The rows that are asked for by name; all of them without a name. */
function chosen<T extends { name: string }>(rows: readonly T[], names: readonly string[]): readonly T[] {
  const unknown = names.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) {
    const expected = rows.map(({ name }) => name).join(", ");
    refuse(`Cannot exhaust: expected one of ${expected}, got ${JSON.stringify(unknown)}`);
  }
  return names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name));
}

function runFunctions(names: readonly string[]): void {
  const rows = chosen(PRIMITIVES, names);
  const probe = instantiate(readFileSync("build/probe.wasm"));
  for (const row of rows) {
    const { ulp, at, relative, points } = worst(probe, row, 1);
    console.log(
      `${row.name}: ${ulp.toFixed(4)} ulp at ${at}, ${relative.toFixed(3)} * 2^-24, ${points} points`,
    );
    if (!(ulp <= row.max)) process.exitCode = 1;
  }
}

function describe({ ulp, at, share, shareAt }: Worst): string {
  return `${ulp.toFixed(4)} ulp at ${at}, ${share.toFixed(4)} of its bound at ${shareAt}`;
}

function runLoss(setting: Setting): void {
  const { loss, grad, points, unlike, foul, foulAt } = runLogits(setting);
  console.log(`${setting.name}: loss ${describe(loss)}; gradient ${describe(grad)}; ${points} points`);
  if (foul || unlike) {
    console.log(`${setting.name}: ${foul} foul values, ${unlike} unlike targets, at ${foulAt}`);
  }
  if (foul || unlike || !(loss.share <= 1 && grad.share <= 1)) process.exitCode = 1;
}

const [first, ...rest] = process.argv.slice(2);
if (first === "losses") for (const setting of chosen(SETTINGS, rest)) runLoss(setting);
else runFunctions(process.argv.slice(2));
