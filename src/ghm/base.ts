import { options as checkOptions } from "../check.ts";
import { asl1Form } from "../stream/asl1.ts";
import { type Batch, checkBatch, inputsOf, type Outputs } from "../stream/batch.ts";
import { crossEntropy } from "../stream/cross-entropy.ts";
import type { Form } from "../stream/form.ts";
import type { AverageOptions } from "./average.ts";
import { type GhmStateOptions, readOptions } from "./options.ts";

/** What is harmonized: a loss whose gradient norms lie in [0, 1], and the defaults that go with it. */
export interface Base {
  readonly name: string;
  /** The loss's own parameters and their defaults, in the order in which a saved state lists them. */
  readonly defaults: Record<string, unknown>;
  readonly bins: number;
  readonly momentum: number;
  /** Checks the parameters and sets up the kernel. */
  form(task: string, parameters: Record<string, unknown>): Form;
}

/** Harmonized cross-entropy of logits and hard targets. */
export const CLASSIFICATION: Base = {
  name: "ghmc",
  defaults: {},
  bins: 30,
  momentum: 0.75,
  form: () => crossEntropy,
};

/** Harmonized authentic smooth L1 of predictions and real-valued targets. */
export const REGRESSION: Base = {
  name: "ghmr",
  defaults: { mu: 0.02 },
  bins: 10,
  momentum: 0.7,
  form: (task, { mu }) => asl1Form("ghmr", task, mu),
};

/** A base with its parameters set. */
export interface Setup {
  readonly base: Base;
  readonly form: Form;
  readonly parameters: Record<string, unknown>;
}

/** Checks options: the loss's own, and those named `known` of `GhmStateOptions`; others are refused. */
export function setUp(
  base: Base,
  task: string,
  options: object | undefined,
  known: readonly string[],
): Setup & { average: AverageOptions } {
  const own = Object.keys(base.defaults);
  checkOptions(task, options, [...own, ...known]);
  const given = (options ?? {}) as Record<string, unknown>;
  const parameters: Record<string, unknown> = {};
  for (const key of own) parameters[key] = given[key] === undefined ? base.defaults[key] : given[key];
  const average = readOptions(base, task, given as GhmStateOptions, known.includes("momentum"));
  return { base, parameters, form: base.form(task, parameters), average };
}

/** The arrays of one call, checked. */
export function arrays(
  task: string,
  form: Form,
  inputs: unknown,
  targets: unknown,
  mask: unknown,
  out: Outputs = {},
): Batch {
  return checkBatch(task, inputs, targets, mask, undefined, 1, out, inputsOf(form));
}
