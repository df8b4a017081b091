import { options as checkOptions } from "../check.ts";
import type { AverageOptions } from "./average.ts";
import { type GhmStateOptions, readOptions } from "./options.ts";
import type { Sampler } from "./samples.ts";

/** What is harmonized: a loss whose gradient norms lie in [0, 1], and the defaults that go with it. */
export interface Base<T> {
  readonly name: string;
  /** The loss's own parameters and their defaults, in the order in which a saved state lists them. */
  readonly defaults: Record<string, unknown>;
  readonly bins: number;
  readonly momentum: number;
  /** Checks the parameters. */
  sampler(task: string, parameters: Record<string, unknown>): Sampler<T>;
}

/** A base with its parameters set. */
export interface Setup<T> {
  readonly base: Base<T>;
  readonly sampler: Sampler<T>;
  readonly parameters: Record<string, unknown>;
}

/** Checks options: the loss's own, and those named `known` of `GhmStateOptions`; others are refused. */
export function setUp<T>(
  base: Base<T>,
  task: string,
  options: object | undefined,
  known: readonly string[],
): Setup<T> & { average: AverageOptions } {
  const own = Object.keys(base.defaults);
  checkOptions(task, options, [...own, ...known]);
  const given = (options ?? {}) as Record<string, unknown>;
  const parameters: Record<string, unknown> = {};
  for (const key of own) parameters[key] = given[key] === undefined ? base.defaults[key] : given[key];
  const average = readOptions(base, task, given as GhmStateOptions, known.includes("momentum"));
  return { base, parameters, sampler: base.sampler(task, parameters), average };
}
