/**
 * One loop: recognise `loop { if (i < end) { BODY; continue } }` with a straight-line BODY, and put in front of it a loop
 * that does several rounds at once, stage by stage. The old loop stays and does the rounds that are left over.
 */
import { orderMemory } from "./memory.ts";
import { atom, type Expr, headOf, isList, type List, walk } from "./sexpr.ts";
import { literal, type Ref, refuse, Trace, type Value } from "./trace.ts";

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

/** The parts of a loop of the one known shape. */
interface Shape {
  readonly label: string;
  readonly test: List;
  readonly body: List;
}

/** The test of a loop: `below op bound`, where `below` is a counter and `bound` is fixed. */
interface Guard {
  readonly head: string;
  readonly swapped: boolean;
  readonly below: Ref;
  readonly bound: Ref;
  readonly step: number;
}

const TEST = /^i32\.(l|g)(t|e)_[su]$/;

/**
 * Replaces one loop in place.
 * @returns how many instructions the new loop has
 * @throws {Refusal} if the loop is not one the pass is sure about; then nothing has changed
 */
export function interleaveLoop(loop: List, context: Context, options: Options): number {
  const shape = recognise(loop);
  const written = writtenLocals(shape);
  const trace = new Trace(context.types, context.globals, written);
  const { guard, steps } = unroll(shape, trace, written, options.copies);
  if (!trace.vector) refuse("no vector instruction");
  orderMemory(trace, steps);
  const results = resultsOf(loop, context.func, trace, written);
  const order = schedule(trace, results);
  emit(loop, shape.label, guard, order, results, context, options);
  return order.length;
}

function recognise(loop: List): Shape {
  const label = atom(loop, 1),
    branch = loop[2];
  if (loop.length !== 3 || !label.startsWith("$") || !isList(branch)) return refuse("not a for loop");
  const [head, test, then] = branch;
  if (head !== "if" || branch.length !== 3 || headOf(then) !== "then") return refuse("not a for loop");
  if (!isList(test) || !isList(then)) return refuse("not a for loop");
  const body = then.slice(1),
    back = body.pop();
  if (!isList(back) || back.length !== 2 || back[0] !== "br" || back[1] !== label) {
    return refuse("does not end in its back edge");
  }
  if (!TEST.test(headOf(test)) || test.length !== 3) {
    return refuse(`a test by ${headOf(test)}, not a comparison with an end`);
  }
  return { label, test, body };
}

function writtenLocals({ test, body }: Shape): Set<string> {
  const written = new Set<string>();
  walk([test, ...body], (list) => {
    const head = headOf(list);
    if (head === "local.set" || head === "local.tee") written.add(atom(list, 1));
  });
  return written;
}

function unroll(
  { test, body }: Shape,
  trace: Trace,
  written: ReadonlySet<string>,
  copies: number,
): { guard: Guard; steps: Map<string, number> } {
  const steps = new Map<string, number>();
  const sides: [Ref, Ref][] = [];
  for (let copy = 0; copy < copies; copy++) {
    trace.begin(copy);
    sides.push([trace.evaluate(test[1]), trace.evaluate(test[2])]);
    for (const statement of body) trace.run(statement);
    if (copy > 0) continue;
    for (const name of written) {
      const next = trace.env.get(name);
      if (next?.value.head === "entry" && next.value.immediates[0] === name) steps.set(name, next.off);
    }
  }
  return { guard: guardOf(headOf(test), sides[0], steps, copies), steps };
}

function guardOf(
  head: string,
  [a, b]: [Ref, Ref],
  steps: ReadonlyMap<string, number>,
  copies: number,
): Guard {
  const swapped = head.startsWith("i32.g");
  const [below, bound] = swapped ? [b, a] : [a, b];
  const step = below.value.head === "entry" ? steps.get(below.value.immediates[0]) : undefined;
  if (step === undefined || step <= 0 || step * copies >= 0x1000000)
    return refuse("no counter that rises to an end");
  if (!bound.value.fixed) return refuse("an end that changes from round to round");
  return { head, swapped, below, bound, step };
}

/** Locals that someone reads after a block, with what the last copy leaves in them. */
function resultsOf(loop: List, func: List, trace: Trace, written: ReadonlySet<string>): Map<string, Ref> {
  const outside = new Set<string>();
  const visit = (expr: Expr): void => {
    if (expr === loop || !isList(expr)) return;
    if (expr[0] === "local.get") outside.add(atom(expr, 1));
    expr.forEach(visit);
  };
  visit(func);
  const results = new Map<string, Ref>();
  for (const name of written) {
    if (!outside.has(name) && !trace.readsEntry(name)) continue;
    const ref = trace.env.get(name) ?? refuse(`local ${name} is never assigned`);
    const own = ref.value.head === "entry" && ref.value.immediates[0] === name;
    results.set(name, own ? ref : { value: trace.solid(ref), off: 0 });
  }
  return results;
}

/**
 * What must be computed, in order: by row, then by copy. The row is the place in the body, or the row of whatever it
 * waits for if that is later; so the copies advance together, and everything stands after what it uses.
 */
function schedule(trace: Trace, results: ReadonlyMap<string, Ref>): Value[] {
  const needed = new Set<Value>();
  const need = (value: Value): void => {
    if (needed.has(value)) return;
    needed.add(value);
    value.args.forEach(need);
    value.after.forEach(need);
  };
  for (const { store, value } of trace.accesses) if (store) need(value);
  for (const { value } of results.values()) need(value);
  const rows = new Map<Value, number>();
  for (const value of trace.values) {
    let row = value.place;
    for (const other of [...value.args, ...value.after]) row = Math.max(row, rows.get(other)!);
    rows.set(value, row);
  }
  return trace.values
    .filter((value) => needed.has(value) && !value.fixed && value.head !== "entry")
    .sort((a, b) => rows.get(a)! - rows.get(b)! || a.copy - b.copy || a.id - b.id);
}

function emit(
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
