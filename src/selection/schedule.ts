import { options as checkOptions, describe, number } from "../check.ts";

/** Strata of a stratified selection. */
export const STRATA = 4;

/** Weights of the two losses, and what else may change during training. */
export interface Stage {
  /** Weight of the classification loss; default 1. */
  readonly a?: number | undefined;
  /** Weight of the localization loss; default 1. */
  readonly b?: number | undefined;
  readonly cuts?: readonly number[] | undefined;
  readonly quotas?: readonly number[] | undefined;
}

/** What examples are grouped by: a name, or one value per example. */
export type Key = "ratio" | "combined" | Float32Array;

/** What examples are grouped by, without the values. */
export type Grouping = "ratio" | "combined" | "given";

export interface Plan {
  readonly a: number;
  readonly b: number;
  readonly key: Grouping;
  readonly cuts: readonly number[];
  readonly quotas: readonly number[];
}

export interface PlanOptions {
  /** Three ascending numbers, infinities allowed; default 0.25, 0.5, 0.75 for `"ratio"`, required otherwise. */
  readonly cuts?: readonly number[] | undefined;
  /** Four numbers >= 0, relative to their sum; default equal. */
  readonly quotas?: readonly number[] | undefined;
  /** What the training's progress changes of the weights a and b (default 1), cuts and quotas. */
  readonly schedule?: ((progress: number) => Stage) | undefined;
  /** In [0, 1]; default 0. */
  readonly progress?: number | undefined;
}

/** A list of numbers, from an array or a typed array. */
function numbers(task: string, name: string, value: unknown, count: number): number[] {
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && "length" in value)) {
    throw new TypeError(`Cannot ${task}: expected ${name} as ${count} numbers, got ${describe(value)}`);
  }
  const list = Array.from(value as ArrayLike<unknown>);
  if (list.length !== count) {
    throw new RangeError(`Cannot ${task}: expected ${name} as ${count} numbers, got ${list.length}`);
  }
  return list.map((v) => number(task, name, v, -Infinity, Infinity));
}

function checkCuts(task: string, value: unknown): number[] {
  const cuts = numbers(task, "cuts", value, STRATA - 1);
  if (cuts.some((cut, i) => i > 0 && !(cut >= cuts[i - 1]!))) {
    throw new RangeError(`Cannot ${task}: expected ascending cuts, got ${cuts.join(", ")}`);
  }
  return cuts;
}

function checkQuotas(task: string, value: unknown): number[] {
  const quotas = numbers(task, "quotas", value, STRATA);
  const sum = quotas.reduce((a, b) => a + b);
  if (quotas.some((quota) => quota < 0) || !(sum > 0 && sum <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(
      `Cannot ${task}: expected quotas >= 0 with a sum in (0, 2^53), got ${quotas.join(", ")}`,
    );
  }
  return quotas;
}

function stageAt(task: string, schedule: unknown, progress: unknown): Stage {
  const at = progress === undefined ? 0 : number(task, "progress", progress, 0, 1);
  if (schedule === undefined) return {};
  if (typeof schedule !== "function") {
    throw new TypeError(`Cannot ${task}: expected schedule as a function, got ${describe(schedule)}`);
  }
  const stage: unknown = schedule(at);
  checkOptions(task, stage ?? null, ["a", "b", "cuts", "quotas"]);
  return stage as Stage;
}

/** The numbers of a plan, checked. */
export function checkPlan(task: string, { a, b, cuts, quotas }: Stage, key: Grouping): Plan {
  return {
    a: number(task, "a", a ?? 1, 0, Number.MAX_VALUE),
    b: number(task, "b", b ?? 1, 0, Number.MAX_VALUE),
    key,
    cuts: checkCuts(task, cuts ?? (key === "ratio" ? [0.25, 0.5, 0.75] : undefined)),
    quotas: checkQuotas(task, quotas ?? [1, 1, 1, 1]),
  };
}

/** The options of a stratified selection, checked, at a point of the training. */
export function planOf(task: string, options: PlanOptions, key: Grouping): Plan {
  const stage = stageAt(task, options.schedule, options.progress);
  const cuts = stage.cuts ?? options.cuts;
  return checkPlan(task, { ...stage, cuts, quotas: stage.quotas ?? options.quotas }, key);
}
