/**
 * The build pass that makes plain loops fast. A kernel is written with one vector per round; this pass, run on the
 * optimised module, puts in front of each straight-line vector loop one that does four rounds at once, their instructions
 * interleaved, with literals and other invariants in locals. Results keep every bit: sums keep their order.
 *
 * It is a pure function from bytes to bytes. A loop it does not know stays as it is, and the report says why.
 *
 * Kernels promise, and nothing here can check:
 * - arrays reached through different pointers are the same array or disjoint (`interleave/memory.ts` has the small print);
 * - an invariant mask on an index, `base + (i & mask)`, is 0 or -1;
 * - no array wraps around the end of memory.
 * A loop that traps does so in both modules, but may have stored less before.
 */
import binaryen from "binaryen";
import type { Options } from "./interleave/emit.ts";
import { interleaveLoop } from "./interleave/loop.ts";
import { atom, type Expr, headOf, isList, type List, parse, print, walk } from "./interleave/sexpr.ts";
import { Refusal } from "./interleave/value.ts";

export interface LoopReport {
  /** The export name of the function; its internal name if it is not exported. */
  func: string;
  /** The label of the loop, unique in its function. */
  loop: string;
  interleaved: boolean;
  copies: number;
  /** Instructions of the new loop. */
  instructions: number;
  /** Why the loop stayed as it was; empty if it was interleaved. */
  reason: string;
}

/** Light clean-up: a full optimisation would loosen the order (and engines without a scheduler need the nesting). */
const CLEAN_UP = ["simplify-locals-notee-nostructure", "coalesce-locals", "reorder-locals", "vacuum"];

/**
 * Interleaves every loop that fits.
 *
 * @param wasm a module as `asc -O3` leaves it
 * @param options.copies rounds per block, an integer from 2 to 16, or 1 to leave a loop plain; for all functions or
 *   by export name; default 4
 * @param options.hoist vector literals in locals before the loop (default), or in place
 * @returns the new module, and one report per loop and export name
 * @throws {RangeError} if `copies` is out of range
 */
export function interleave(
  wasm: Uint8Array,
  options: { copies?: number | ((func: string) => number); hoist?: boolean } = {},
): { wasm: Uint8Array; loops: LoopReport[] } {
  const { copies = 4, hoist = true } = options;
  const copiesOf = (func: string): number => {
    const count = typeof copies === "number" ? copies : copies(func);
    if (Number.isInteger(count) && count >= 1 && count <= 16) return count;
    throw new RangeError(`Cannot interleave: copies must be an integer from 1 to 16, got ${count}`);
  };
  const module = parse(readText(wasm));
  const loops = interleaveModule(module, (func) => ({ copies: copiesOf(func), hoist }));
  return { wasm: assemble(print(module)), loops };
}

/**
 * The check of the build: every kernel has an interleaved loop.
 * @throws {Error} naming the first kernel without one, and why
 */
export function requireInterleaved(loops: LoopReport[], kernels: readonly string[]): void {
  for (const kernel of kernels) {
    const own = loops.filter((report) => report.func === kernel);
    if (own.some((report) => report.interleaved)) continue;
    const got = own.map((report) => report.reason).join("; ") || "no loop";
    throw new Error(`Cannot build: expected an interleaved loop in kernel "${kernel}", got ${got}`);
  }
}

function interleaveModule(module: List, optionsOf: (func: string) => Options): LoopReport[] {
  const globals = new Map<string, string>();
  const names = new Map<string, string[]>();
  for (const part of module) {
    if (!isList(part)) continue;
    if (part[0] === "global") globals.set(atom(part, 1), globalType(part[2]));
    if (part[0] !== "export" || headOf(part[2]) !== "func") continue;
    const func = atom(part[2] as List, 1);
    names.set(func, [...(names.get(func) ?? []), JSON.parse(atom(part, 1))]);
  }
  const pooled = new Map<string, List>();
  const pool = (immediates: readonly string[]): Expr => {
    const key = immediates.join(" ");
    let global = pooled.get(key);
    if (!global) {
      let number = pooled.size;
      while (globals.has(`$literal${number}`)) number++;
      // Mutable: a constant one would be folded back into the loop by engines.
      global = ["global", `$literal${number}`, ["mut", "v128"], ["v128.const", ...immediates]];
      globals.set(`$literal${number}`, "v128");
      pooled.set(key, global);
    }
    return ["global.get", global[1]];
  };
  const reports: LoopReport[] = [];
  for (const func of module) {
    if (!isList(func) || func[0] !== "func") continue;
    const owners = names.get(atom(func, 1)) ?? [atom(func, 1).slice(1)];
    for (const report of interleaveFunction(func, globals, pool, optionsOf(owners[0]!))) {
      for (const owner of owners) reports.push({ func: owner, ...report });
    }
  }
  module.push(...pooled.values());
  return reports;
}

function interleaveFunction(
  func: List,
  globals: ReadonlyMap<string, string>,
  pool: (immediates: readonly string[]) => Expr,
  options: Options,
): Omit<LoopReport, "func">[] {
  const loops: List[] = [],
    types = new Map<string, string>();
  for (const part of func) {
    if (isList(part) && (part[0] === "param" || part[0] === "local")) types.set(atom(part, 1), atom(part, 2));
  }
  walk(func, (list) => {
    if (list[0] === "loop") loops.push(list);
  });
  return loops.map((loop) => {
    const name = atom(loop, 1).replace(/^\$/, "");
    try {
      if (options.copies === 1) throw new Refusal("left plain as asked");
      const instructions = interleaveLoop(loop, { func, types, globals, pool }, options);
      return { loop: name, interleaved: true, copies: options.copies, instructions, reason: "" };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { loop: name, interleaved: false, copies: 1, instructions: 0, reason: error.message };
    }
  });
}

function globalType(declared: Expr): string {
  return isList(declared) ? (headOf(declared) === "mut" ? atom(declared, 1) : "") : declared;
}

/** A module as text, in which operands are nested in their instructions. */
export function readText(wasm: Uint8Array): string {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(binaryen.Features.All);
  const text = module.emitText();
  module.dispose();
  return text;
}

function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  // The levels are global in binaryen and whoever ran before may have set them.
  const levels = [binaryen.getOptimizeLevel(), binaryen.getShrinkLevel()];
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  module.runPasses(CLEAN_UP);
  binaryen.setOptimizeLevel(levels[0]);
  binaryen.setShrinkLevel(levels[1]);
  if (!module.validate())
    throw new Error("Cannot interleave: expected a valid module, got one binaryen refuses");
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}
