import { options as checkOptions, choice, describe, number } from "../check.ts";
import type { Normalizer, Reduction } from "./loss-stream.ts";
import type { Header } from "./state.ts";

/** How a batch is reduced to one number. `R` is what `reduction` may be. */
export interface ReductionOptions<R extends Reduction = Reduction> {
  /** `"mean"` (default), `"sum"`, or `"none"`: derivatives of the single losses, and the sum as `loss`. */
  readonly reduction?: R | undefined;
  /** What `"mean"` divides by: `"count"` (default), `"positives"`, or a number of at least 2^-126. */
  readonly normalizer?: Normalizer | undefined;
}

/** What the options of one call come to. `F` is how the loss is computed. */
export interface Call<F> {
  readonly form: F;
  readonly reduction: Reduction;
  readonly normalizer: Normalizer;
  /** What a saved state of the call begins with. */
  header(): Header;
}

/** The part of a definition that reads options. */
export interface Reader<F> {
  readonly name: string;
  /** The parameters' names and defaults, in the order in which a saved state lists them. */
  readonly defaults: object;
  form(task: string, parameters: Record<string, unknown>): F;
}

/** The smallest normal float32: what divides a gradient by less could leave the range of float32. */
const SMALLEST = 1.1754943508222875e-38;
const NORMALIZERS = ["count", "positives"] as const;
const REDUCTIONS = ["mean", "sum", "none"] as const;

function checkNormalizer(task: string, value: unknown): Normalizer {
  if (typeof value === "number") return number(task, "normalizer", value, SMALLEST, Number.MAX_VALUE);
  if (typeof value !== "string") {
    throw new TypeError(
      `Cannot ${task}: expected normalizer as "count", "positives" or a number, got ${describe(value)}`,
    );
  }
  return choice(task, "normalizer", value, NORMALIZERS);
}

/** Options as they are written to a saved state: arrays as plain lists. */
function plain(value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
}

/** Options as they were before they were saved: plain lists as arrays. */
export function listed(saved: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(saved).map(([key, value]) => [
      key,
      Array.isArray(value) ? Float32Array.from(value) : value,
    ]),
  );
}

/** Reads the options of a call: unknown names and values out of range are refused. */
export function readCall<F>(
  { name, defaults, form }: Reader<F>,
  task: string,
  options: object | undefined,
  known: readonly string[],
): Call<F> {
  checkOptions(task, options, known);
  const given = (options ?? {}) as Record<string, unknown>;
  const parameters: Record<string, unknown> = { ...defaults };
  for (const key of Object.keys(defaults)) if (given[key] !== undefined) parameters[key] = given[key];
  const reduction =
    given.reduction === undefined ? "mean" : choice(task, "reduction", given.reduction, REDUCTIONS);
  const normalizer = given.normalizer === undefined ? "count" : checkNormalizer(task, given.normalizer);
  const header = (): Header => {
    const saved: Record<string, unknown> = {};
    for (const key of Object.keys(defaults))
      if (parameters[key] !== undefined) saved[key] = plain(parameters[key]);
    return { kind: name, options: { ...saved, reduction, normalizer } };
  };
  return { form: form(task, parameters), reduction, normalizer, header };
}
