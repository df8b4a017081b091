/**
 * One loop: evaluate several rounds of its body at once, put the instructions in an order in which the rounds advance
 * together, and place the result in front of the old loop, which stays and does the rounds that are left over.
 */
import { type Context, emit, type Options } from "./emit.ts";
import { orderMemory } from "./memory.ts";
import { atom, type Expr, headOf, isList, type List } from "./sexpr.ts";
import { type Guard, guardOf, recognise, type Shape, writtenLocals } from "./shape.ts";
import { Trace } from "./trace.ts";
import { type Ref, refuse, type Value } from "./value.ts";

/** Beyond so many instructions a round fills the processor's window by itself, and copies only cost size. */
const LONGEST = 160;

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
  if (order.length > LONGEST * options.copies)
    refuse(`a body of ${order.length / options.copies} instructions, too long to gain`);
  emit(loop, shape.label, guard, order, results, context, options);
  return order.length;
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
