/**
 * Addresses in the form  sum of coefficient * term + stride * round + at,  with terms that are the same in every round:
 * pointers, invariant offsets, and what the counters start from.
 */
import { literal, type Ref, refuse, type Value } from "./value.ts";

/** By how much each counter or bumped pointer rises in a round. */
export type Steps = ReadonlyMap<string, number>;

/** Which invariant masks are all ones; the others are zero. */
export type Masks = ReadonlyMap<Value, boolean>;

/** Distances beyond this are not trusted: a shifted counter that wraps moves by at least 2^28. */
export const TRUSTED = 1 << 24;

export interface Form {
  readonly terms: ReadonlyMap<string, number>;
  readonly stride: number;
  readonly at: number;
  /** Depends on data, or on an operation that has no such form. */
  readonly opaque: boolean;
  /** What could be the pointer: invariant values and the starts of counters. */
  readonly roots: ReadonlySet<string>;
  /** The invariant ones of `roots`. */
  readonly still: ReadonlySet<string>;
}

/** The form of an address, given its masks. */
export function formOf(ref: Ref, steps: Steps, masks: Masks): Form {
  const form = new Builder(steps, masks);
  form.add(ref.value, 1);
  form.at = (form.at + ref.off) | 0;
  if (form.roots.size === 0 && !form.opaque) {
    form.roots.add("literal");
    form.still.add("literal");
  }
  return form;
}

class Builder implements Form {
  readonly terms: Map<string, number> = new Map();
  readonly roots: Set<string> = new Set();
  readonly still: Set<string> = new Set();
  stride = 0;
  at = 0;
  opaque = false;
  private readonly steps: Steps;
  private readonly masks: Masks;

  constructor(steps: Steps, masks: Masks) {
    this.steps = steps;
    this.masks = masks;
  }

  /** Adds `scale * value`, all modulo 2^32. */
  add(value: Value, scale: number): void {
    const number = literal({ value, off: 0 });
    if (number !== undefined) this.at = (this.at + Math.imul(number, scale)) | 0;
    else if (!this.addCounter(value, scale) && !this.addSum(value, scale)) this.addOther(value, scale);
  }

  private addCounter(value: Value, scale: number): boolean {
    const step = stepOf(value, this.steps);
    if (step === undefined) return false;
    this.addTerm(`#${value.id}`, scale);
    this.stride = (this.stride + Math.imul(step, scale)) | 0;
    this.roots.add(`#${value.id}`);
    return true;
  }

  private addSum({ head, args: [a, b] }: Value, scale: number): boolean {
    const by = b && literal({ value: b, off: 0 });
    if (head === "i32.add" || head === "i32.sub") {
      this.add(a, scale);
      this.add(b, head === "i32.add" ? scale : -scale);
    } else if (head === "i32.shl" && by !== undefined) this.add(a, scale << by);
    else if (head === "i32.mul" && by !== undefined) this.add(a, Math.imul(scale, by));
    else return false;
    return true;
  }

  private addOther(value: Value, scale: number): void {
    const mask = value.fixed ? undefined : maskOf(value),
      shifted = shiftedCounter(value, this.steps);
    if (mask) {
      if (this.masks.get(mask.mask)) this.add(mask.masked, scale);
    } else if (shifted) {
      this.addTerm(`#${shifted.counter.id}>>${shifted.by}`, scale);
      this.stride = (this.stride + Math.imul(shifted.step, scale)) | 0;
      this.at = (this.at + Math.imul(shifted.at, scale)) | 0;
    } else {
      if (value.fixed) this.addTerm(`#${value.id}`, scale);
      else this.opaque = true;
      this.collectRoots(value, new Set());
    }
  }

  private addTerm(term: string, coefficient: number): void {
    const sum = ((this.terms.get(term) ?? 0) + coefficient) | 0;
    if (sum) this.terms.set(term, sum);
    else this.terms.delete(term);
  }

  /** The i32 values that a value is made of, not counting what is loaded from memory in the loop. */
  private collectRoots(value: Value, seen: Set<Value>): void {
    if (seen.has(value)) return;
    seen.add(value);
    const load = value.head.includes(".load"),
      name = `#${value.id}`;
    const source = load || value.head === "entry" || value.head === "global.get";
    if (source && value.fixed && value.type === "i32") {
      this.roots.add(name);
      this.still.add(name);
    } else if (stepOf(value, this.steps) !== undefined) this.roots.add(name);
    else if (!load) for (const arg of value.args) this.collectRoots(arg, seen);
  }
}

function stepOf(value: Value, steps: Steps): number | undefined {
  return value.head === "entry" ? steps.get(value.immediates[0]) : undefined;
}

/** Every choice of "all ones" and "zero" for the masks in some addresses. */
export function masksOf(addresses: readonly Ref[]): Masks[] {
  const masks = new Set<Value>();
  for (const { value } of addresses) collectMasks(value, masks);
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
  if (/^i32\.(add|sub|mul|and|shl)$/.test(value.head)) for (const arg of value.args) collectMasks(arg, into);
}

function maskOf(value: Value): { mask: Value; masked: Value } | undefined {
  if (value.head !== "i32.and") return undefined;
  const [a, b] = value.args;
  const [mask, masked] = b.fixed ? [b, a] : [a, b];
  return mask.fixed && mask.head !== "i32.const" ? { mask, masked } : undefined;
}

/**
 * `(counter + at) >> by` as `(counter >> by) + (at >> by)`: exact where step and distance are multiples of 2^by and the
 * sum does not wrap. Used to compare addresses only; the code computes every shift as it stands.
 */
function shiftedCounter(
  value: Value,
  steps: Steps,
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
  const step = stepOf(counter, steps);
  if (step === undefined || by === undefined || by < 1 || by > 4) return undefined;
  const divides = ((step | at) & ((1 << by) - 1)) === 0;
  if (!divides || at < 0 || at > TRUSTED || step < 0) return undefined;
  return { counter, by, step: step >> by, at: at >> by };
}
