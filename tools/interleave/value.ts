/** The values that a loop computes, as the pass sees them. */
import type { Type } from "./opcodes.ts";

/** The reason why a loop stays as it is. */
export class Refusal extends Error {}

export function refuse(reason: string): never {
  throw new Refusal(reason);
}

/** A computed value, or a store. `head` "entry" is what a local holds when a block of rounds begins. */
export interface Value {
  readonly id: number;
  readonly head: string;
  readonly immediates: readonly string[];
  readonly args: readonly Value[];
  readonly type: Type | "none";
  readonly copy: number;
  /** Where in the body it stands. */
  readonly place: number;
  /** The same in every round, so it can be computed before the loop. */
  readonly fixed: boolean;
  /** Memory accesses that must come first. */
  readonly after: Value[];
}

/** A value plus a distance that is not computed yet. Copies of an address differ in the distance only. */
export interface Ref {
  readonly value: Value;
  readonly off: number;
}

export interface Access {
  readonly value: Value;
  readonly store: boolean;
  readonly width: number;
  readonly copy: number;
  /** Which memory instruction of the body it is. */
  readonly slot: number;
  /** The address as the source has it, without the immediate. */
  readonly address: Ref;
  readonly immediate: number;
}

export function isType(type: string | undefined): type is Type {
  return type === "i32" || type === "i64" || type === "f32" || type === "f64" || type === "v128";
}

/** The integer a value is known to be. */
export function literal(ref: Ref): number | undefined {
  const { head, immediates } = ref.value;
  return head === "i32.const" && /^-?\d+$/.test(immediates[0])
    ? (Number(immediates[0]) + ref.off) | 0
    : undefined;
}
