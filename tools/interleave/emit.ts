/** Back to code: the loop that does several rounds at once, in front of the loop of the source. */

import { type Expr, headOf, type List } from "./sexpr.ts";
import type { Guard } from "./shape.ts";
import { literal, type Ref, refuse, type Value } from "./value.ts";

export interface Options {
  readonly copies: number;
  readonly hoist: boolean;
}

/** What a loop needs to know about its surroundings. */
export interface Context {
  readonly func: List;
  readonly types: Map<string, string>;
  readonly globals: ReadonlyMap<string, string>;
  /** A global that holds a vector literal. */
  readonly pool: (immediates: readonly string[]) => Expr;
}

export function emit(
  loop: List,
  label: string,
  guard: Guard,
  order: readonly Value[],
  results: ReadonlyMap<string, Ref>,
  { func, types, pool }: Context,
  { copies, hoist }: Options,
): void {
  const test = guardCode(guard, copies); // may refuse, so it comes before any change
  const before: List = [],
    homes = new Map<Value, string>();
  const home = (value: Value): string => {
    const name = freshLocal(func, types, value.type);
    homes.set(value, name);
    return name;
  };
  const use = (value: Value): Expr => {
    const { head, immediates } = value;
    if (head === "entry") return ["local.get", immediates[0]];
    const constant = head.endsWith(".const");
    if (constant && (value.type !== "v128" || !hoist)) return [head, ...immediates];
    const known = homes.get(value);
    if (known) return ["local.get", known];
    const code: Expr = constant ? pool(immediates) : [head, ...immediates, ...value.args.map(use)];
    const name = home(value);
    before.push(["local.set", name, code]);
    return ["local.get", name];
  };
  const code = order.map((value): Expr => {
    const instruction: Expr = [value.head, ...value.immediates, ...value.args.map(use)];
    return value.type === "none" ? instruction : ["local.set", home(value), instruction];
  });
  const fast = `${label}x`;
  code.push(...moves(results, use, (type) => freshLocal(func, types, type)), ["br_if", fast, test]);
  const leftover = [...loop];
  loop.splice(0, loop.length, "block", ["if", test, ["then", ...before, ["loop", fast, ...code]]], leftover);
}

/** Puts the last copy's results into the locals of the source, all at once: reads before writes. */
function moves(
  results: ReadonlyMap<string, Ref>,
  use: (value: Value) => Expr,
  fresh: (type: string) => string,
): Expr[] {
  const saves: Expr[] = [],
    writes: Expr[] = [];
  for (const [name, { value, off }] of results) {
    const own = value.head === "entry" && value.immediates[0] === name;
    if (own && off === 0) continue;
    if (own) writes.push(["local.set", name, ["i32.add", ["local.get", name], ["i32.const", String(off)]]]);
    else if (value.head === "entry") {
      const saved = fresh(value.type);
      saves.push(["local.set", saved, use(value)]);
      writes.push(["local.set", name, ["local.get", saved]]);
    } else writes.push(["local.set", name, use(value)]);
  }
  return [...saves, ...writes];
}

/**
 * "All rounds of a block would run", exact also where the counter comes close to 2^32: the test of the first round holds,
 * and the end is far enough away. The difference is positive, so it is right as an unsigned number.
 */
function guardCode({ head, swapped, below, bound, step }: Guard, copies: number): Expr {
  const low = plainCode(below),
    high = plainCode(bound);
  const first: Expr = [head, ...(swapped ? [high, low] : [low, high])];
  const far = /t_[su]$/.test(head) ? "i32.gt_u" : "i32.ge_u";
  return ["i32.and", first, [far, ["i32.sub", high, low], ["i32.const", String((copies - 1) * step)]]];
}

/** The code of a value that is cheap to compute again and reads no memory. */
function plainCode({ value, off }: Ref): Expr {
  const distance = literal({ value, off });
  if (distance !== undefined) return ["i32.const", String(distance)];
  if (off) return ["i32.add", plainCode({ value, off: 0 }), ["i32.const", String(off)]];
  if (value.head === "entry") return ["local.get", value.immediates[0]];
  if (!/^(i32|global)\./.test(value.head) || value.head.includes("load"))
    return refuse("an end computed in the loop");
  return [value.head, ...value.immediates, ...value.args.map((arg) => plainCode({ value: arg, off: 0 }))];
}

function freshLocal(func: List, types: Map<string, string>, type: string): string {
  let number = types.size;
  while (types.has(`$il${number}`)) number++;
  const name = `$il${number}`;
  types.set(name, type);
  const body = func.findIndex(
    (part, index) => index > 1 && !["type", "param", "result", "local"].includes(headOf(part)),
  );
  func.splice(body < 0 ? func.length : body, 0, ["local", name, type]);
  return name;
}
