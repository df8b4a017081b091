/**
 * Which accesses of different rounds may touch the same bytes.
 *
 * An address is brought to the form  sum of coefficient * term + stride * round + at,  with terms that are the
 * same in every round. Two addresses with equal terms have a known distance. Two addresses without a common
 * pointer rest on the contract of the kernels:
 *
 * 1. Arrays that are reached through different pointers are the same array or disjoint. "The same" means the same
 *    start and the same stride: where strides differ (bytes beside floats, one value for all rounds, a table
 *    read at an index from data), the arrays are disjoint.
 * 2. A round-invariant mask on an index, as in `base + (i & mask)`, is 0 or -1: the array is there, or one block stands
 *    for all rounds.
 *
 * Whatever else may meet makes the loop stay as it is.
 */
import { type Access, literal, type Ref, refuse, type Trace, type Value } from "./trace.ts";

interface Form {
  readonly terms: ReadonlyMap<string, number>;
  readonly stride: number;
  readonly at: number;
  /** Depends on data, or on an operation that has no such form. */
  readonly opaque: boolean;
  /** What could be the pointer: invariant values and the starts of counters. The first kind is in `still`. */
  readonly roots: ReadonlySet<string>;
  readonly still: ReadonlySet<string>;
}

type Masks = ReadonlyMap<Value, boolean>;

/** Distances beyond this are not trusted: a shifted counter that wraps moves by at least 2^28. */
const TRUSTED = 1 << 24;

/**
 * Makes every access wait for those it must not overtake.
 * @param steps by how much each counter or bumped pointer rises in a round
 */
export function orderMemory(trace: Trace, steps: ReadonlyMap<string, number>): void {
  const { accesses } = trace;
  for (const [position, later] of accesses.entries()) {
    if (later.store) checkAddress(later, steps);
    for (const earlier of accesses.slice(0, position)) {
      if (!later.store && !earlier.store) continue;
      if (mustWait(earlier, later, steps)) later.value.after.push(earlier.value);
    }
  }
}

function mustWait(earlier: Access, later: Access, steps: ReadonlyMap<string, number>): boolean {
  const cell = earlier.value.fixed || later.value.fixed;
  if (earlier.copy === later.copy && !cell) return true;
  const relation = relate(earlier, later, steps);
  if (relation === "unknown") return refuse("two addresses whose distance is not known");
  if (relation === "meet" && cell) return refuse("a memory cell read and written in every round");
  if (relation === "meet" && earlier.store && !later.store) return refuse("a value carried through memory");
  return relation === "meet" || (earlier.store && later.store && earlier.slot === later.slot);
}

function checkAddress(store: Access, steps: ReadonlyMap<string, number>): void {
  for (const masks of assignments([store])) {
    if (formOf(store.address, steps, masks).opaque) refuse("a store whose address depends on data");
  }
}

function relate(a: Access, b: Access, steps: ReadonlyMap<string, number>): "apart" | "meet" | "unknown" {
  let result: "apart" | "meet" = "apart";
  for (const masks of assignments([a, b])) {
    const relation = compare(a, b, formOf(a.address, steps, masks), formOf(b.address, steps, masks));
    if (relation === "unknown") return relation;
    if (relation === "meet") result = relation;
  }
  return result;
}

function compare(a: Access, b: Access, first: Form, second: Form): "apart" | "meet" | "unknown" {
  const same = !first.opaque && !second.opaque && sameTerms(first.terms, second.terms);
  if (!same) {
    for (const root of first.still) if (second.still.has(root)) return "unknown";
    if (!hasOwn(first.roots, second.roots) || !hasOwn(second.roots, first.roots)) return "unknown";
    const twin = !first.opaque && !second.opaque && first.stride === second.stride && first.stride !== 0;
    if (!twin) return "apart";
  }
  const distance = (second.at + b.immediate - first.at - a.immediate) | 0;
  if (Math.abs(distance) > TRUSTED) return "unknown";
  return distance < a.width && -distance < b.width ? "meet" : "apart";
}

function sameTerms(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([term, coefficient]) => b.get(term) === coefficient);
}

function hasOwn(roots: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...roots].some((root) => !others.has(root));
}

/** Every choice of "all ones" and "zero" for the masks on the way to some addresses. */
function assignments(accesses: readonly Access[]): Masks[] {
  const masks = new Set<Value>();
  for (const { address } of accesses) collectMasks(address.value, masks);
  if (masks.size > 4) return refuse("more than four masks in two addresses");
  let all: Map<Value, boolean>[] = [new Map()];
  for (const mask of masks) {
    all = all.flatMap((known) => [new Map(known).set(mask, true), new Map(known).set(mask, false)]);
  }
  return all;
}

function collectMasks(value: Value, into: Set<Value>): void {
  if (value.fixed || value.head === "entry") return;
  const mask = maskOf(value);
  if (mask) into.add(mask.mask);
  if (/^i32\.(add|sub|and|shl|shr_[su])$/.test(value.head))
    for (const arg of value.args) collectMasks(arg, into);
}

function maskOf(value: Value): { mask: Value; masked: Value } | undefined {
  if (value.head !== "i32.and") return undefined;
  const [a, b] = value.args;
  const [mask, masked] = b.fixed ? [b, a] : [a, b];
  return mask.fixed && mask.head !== "i32.const" ? { mask, masked } : undefined;
}

/** The form of an address, given which masks are all ones. */
function formOf(ref: Ref, steps: ReadonlyMap<string, number>, masks: Masks): Form {
  const terms = new Map<string, number>();
  const still = new Set<string>(),
    roots = new Set<string>();
  let stride = 0,
    at = 0,
    opaque = false;
  const add = (term: string, coefficient: number): void => {
    const sum = ((terms.get(term) ?? 0) + coefficient) | 0;
    if (sum) terms.set(term, sum);
    else terms.delete(term);
  };
  const visit = (value: Value, scale: number): void => {
    const [a, b] = value.args;
    const by = b && literal({ value: b, off: 0 });
    const number = literal({ value, off: 0 });
    const step = value.head === "entry" ? steps.get(value.immediates[0]) : undefined;
    const mask = maskOf(value);
    const shifted = shiftedCounter(value, steps);
    if (number !== undefined) at = (at + Math.imul(number, scale)) | 0;
    else if (step !== undefined) {
      add(`#${value.id}`, scale);
      stride = (stride + Math.imul(step, scale)) | 0;
      roots.add(`#${value.id}`);
    } else if (value.head === "i32.add") for (const arg of value.args) visit(arg, scale);
    else if (value.head === "i32.sub") {
      visit(a, scale);
      visit(b, -scale);
    } else if (value.head === "i32.shl" && by !== undefined) visit(a, scale << by);
    else if (value.head === "i32.mul" && by !== undefined) visit(a, Math.imul(scale, by));
    else if (value.fixed) {
      add(`#${value.id}`, scale);
      collectRoots(value, steps, roots, still);
    } else if (mask) {
      if (masks.get(mask.mask)) visit(mask.masked, scale);
    } else if (shifted) {
      add(`#${shifted.counter.id}>>${shifted.by}`, scale);
      stride = (stride + Math.imul(shifted.step, scale)) | 0;
      at = (at + Math.imul(shifted.at, scale)) | 0;
    } else {
      opaque = true;
      collectRoots(value, steps, roots, still);
    }
  };
  at = ref.off;
  visit(ref.value, 1);
  if (roots.size === 0 && !opaque) {
    roots.add("literal");
    still.add("literal");
  }
  return { terms, stride, at, opaque, roots, still };
}

/**
 * `(counter + at) >> by` as `(counter >> by) + (at >> by)`: exact where step and distance are multiples of 2^by and the
 * sum does not wrap. Used to compare addresses only; the code computes every shift as it stands.
 */
function shiftedCounter(
  value: Value,
  steps: ReadonlyMap<string, number>,
): { counter: Value; by: number; step: number; at: number } | undefined {
  if (value.head !== "i32.shr_u" && value.head !== "i32.shr_s") return undefined;
  const by = literal({ value: value.args[1], off: 0 });
  let [counter] = value.args,
    at = 0;
  if (counter.head === "i32.add") {
    const distance = literal({ value: counter.args[1], off: 0 });
    if (distance === undefined) return undefined;
    at = distance;
    [counter] = counter.args;
  }
  const step = counter.head === "entry" ? steps.get(counter.immediates[0]) : undefined;
  if (step === undefined || by === undefined || by < 1 || by > 4) return undefined;
  const divides = ((step | at) & ((1 << by) - 1)) === 0;
  if (!divides || at < 0 || at > TRUSTED || step < 0) return undefined;
  return { counter, by, step: step >> by, at: at >> by };
}

/** The i32 values that a value is made of, not counting what is loaded from memory in the loop. */
function collectRoots(
  value: Value,
  steps: ReadonlyMap<string, number>,
  roots: Set<string>,
  still: Set<string>,
  seen: Set<Value> = new Set(),
): void {
  if (seen.has(value)) return;
  seen.add(value);
  const load = value.head.includes(".load");
  if (
    value.type === "i32" &&
    value.fixed &&
    (value.head === "entry" || value.head === "global.get" || load)
  ) {
    roots.add(`#${value.id}`);
    still.add(`#${value.id}`);
  } else if (value.head === "entry" && steps.has(value.immediates[0])) roots.add(`#${value.id}`);
  else if (!load) for (const arg of value.args) collectRoots(arg, steps, roots, still, seen);
}
