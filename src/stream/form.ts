import { array, describe } from "../check.ts";
import type { HardKernel, NearKernel, SoftKernel } from "../wasm/kernel.ts";

/** One value for all elements, or one per class of a batch `[rows, classes]`. */
export type PerClass = number | Float32Array;

/** A loss with its parameters set: which kernels run, and on what. */
export interface Form {
  readonly name: string;
  /** For targets 0 and 1; for any targets of a loss of residuals. */
  readonly hard: HardKernel;
  /** Whether `hard` moves its losses together, and takes 0 as their room where they are needed for their sum only. */
  readonly packs?: boolean;
  /** A loss of residuals: the same, faster, tried first. */
  readonly near?: NearKernel;
  /** For chunks with a soft target among them; hard elements get the bits that `hard` gives. None: refused. */
  readonly soft?: SoftKernel;
  /** Whether `soft` overwrites the soft elements only, and needs `hard` to have run. */
  readonly patches?: boolean;
  /** A loss of residuals: any finite targets, and predictions of them where others take logits. */
  readonly real?: boolean;
  /** The parameters behind divisor and class weights, as 32-bit words in the order of the kernel's fields. */
  readonly fields: readonly number[];
  /** Weights of target 1 and of target 0. */
  readonly positive: PerClass;
  readonly negative: PerClass;
  readonly classes: number;
}

const value32 = /* @__PURE__ */ new Float32Array(1);
const word = /* @__PURE__ */ new Int32Array(value32.buffer);

/** The bit pattern of a value as float32: a parameter word of a kernel. */
export function float(value: number): number {
  value32[0] = value;
  return word[0]!;
}

/** The float32 of a bit pattern. */
export function single(pattern: number): number {
  word[0] = pattern;
  return value32[0]!;
}

/** A loss parameter that may be given per class, checked. */
export function perClass(
  task: string,
  name: string,
  value: unknown,
  classes: unknown,
  min: number,
  max: number,
): PerClass {
  if (typeof value === "number") {
    if (!(value >= min && value <= max)) {
      throw new RangeError(`Cannot ${task}: expected ${name} in [${min}, ${max}], got ${value}`);
    }
    return value;
  }
  if (!ArrayBuffer.isView(value)) {
    throw new TypeError(
      `Cannot ${task}: expected ${name} as a number or a Float32Array, got ${describe(value)}`,
    );
  }
  array<Float32Array>(task, name, value, ["Float32Array"]);
  if (classes === undefined) {
    throw new TypeError(`Cannot ${task}: expected classes beside a ${name} per class, got undefined`);
  }
  if (value.length !== classes) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} for ${classes} classes, got ${value.length} values`,
    );
  }
  const bad = value.findIndex((v) => !(v >= min && v <= max));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} in [${min}, ${max}], got ${value[bad]} at index ${bad}`,
    );
  }
  return value.slice();
}
