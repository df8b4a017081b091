import { options as checkOptions, choice, integer, number } from "../check.ts";
import {
  checkBoxes,
  checkBudget,
  checkBytes,
  checkGroups,
  checkKey,
  checkLength,
  checkLosses,
  type Groups,
} from "./arguments.ts";
import { Hardest } from "./hardest.ts";
import { type Selection, selectionOf } from "./ohem.ts";
import { allot, wholeShares } from "./quotas.ts";
import { permutation } from "./random.ts";
import { type Grouping, type Key, type PlanOptions, planOf, STRATA } from "./schedule.ts";
import { SohemStream, type SohemStreamOptions } from "./sohem-stream.ts";
import { combine, distribute, stratify } from "./strata.ts";
import { survivors } from "./survivors.ts";

export interface SohemOptions extends PlanOptions {
  /** How many examples to select. */
  readonly budget: number;
  /** What the strata divide: L_loc / (L_cls + L_loc), a L_cls + b L_loc, or one value per example. Default "ratio". */
  readonly key?: Key | undefined;
  /** One byte per example; where it is 0 the example does not exist. */
  readonly mask?: Uint8Array | undefined;
  /** Shape [n, 4]: x1, y1, x2, y2. Without them nothing is suppressed. */
  readonly boxes?: Float32Array | undefined;
  /** As in `ohem`; default 0.7. */
  readonly iou?: number | undefined;
  readonly groups?: Groups | undefined;
  /** Breaks ties between equal losses at random instead of by index. */
  readonly seed?: number | undefined;
}

export interface StratifiedSelection extends Selection {
  /** The stratum of each example, 0 to 3; 255 where there is none: masked or suppressed. */
  strata: Uint8Array<ArrayBuffer>;
  /** How much of the budget each stratum was given. */
  quotas: Uint32Array<ArrayBuffer>;
}

const KEYS = [
  ...["budget", "key", "cuts", "quotas", "schedule", "progress"],
  ...["mask", "boxes", "iou", "groups", "seed"],
];
const TASK = "select hard examples by strata";

/** What the examples are grouped by, and the values where they are given. */
function groupingOf(key: unknown, n: number): { grouping: Grouping; values: Float32Array | undefined } {
  if (key === undefined || typeof key === "string") {
    const grouping = choice(TASK, "key", key ?? "ratio", ["ratio", "combined"] as const);
    return { grouping, values: undefined };
  }
  checkKey(TASK, key, n);
  return { grouping: "given", values: key };
}

/** The permutation that breaks ties: `order[k]` is the example at place k. None: by index. */
function orderOf(n: number, seed: unknown): Uint32Array | undefined {
  return seed === undefined ? undefined : permutation(n, integer(TASK, "seed", seed, 0, 4294967295));
}

/** `values` in an order, `width` of them for each example. */
function reorder<T extends Float32Array | Uint8Array | Groups>(
  values: T,
  order: Uint32Array | undefined,
  width = 1,
): T {
  if (!order) return values;
  const out = values.slice() as T;
  order.forEach((from, to) => {
    for (let c = 0; c < width; c++) out[width * to + c] = values[width * from + c]!;
  });
  return out;
}

/** 1 for the examples that greedy suppression leaves. */
function survivorMask(
  losses: Float32Array,
  options: SohemOptions,
  order: Uint32Array | undefined,
  iou: number,
): Uint8Array {
  const { boxes, groups, mask } = options;
  const geometry = { boxes: reorder(boxes!, order, 4), iou, groups: groups && reorder(groups, order) };
  const all = { most: losses.length, positives: undefined, needed: 0 };
  const left = new Uint8Array(losses.length);
  for (const i of survivors(TASK, losses, mask && reorder(mask, order), geometry, all).indices) left[i] = 1;
  return left;
}

function select(
  classification: Float32Array,
  localization: Float32Array,
  options: SohemOptions,
): StratifiedSelection {
  checkLosses(TASK, "classificationLosses", classification);
  checkLosses(TASK, "localizationLosses", localization);
  checkOptions(TASK, options, KEYS);
  const given = options ?? {};
  const { mask, boxes, groups, iou, seed } = given;
  const n = classification.length;
  checkLength(TASK, "localizationLosses", localization.length, n, "classification loss");
  const budget = checkBudget(TASK, given.budget, n);
  checkBytes(TASK, "mask", mask, n);
  checkGroups(TASK, groups, n);
  const threshold = iou === undefined ? 0.7 : number(TASK, "iou", iou, 0, 1);
  checkBoxes(TASK, boxes, mask, n);
  const { grouping, values: key } = groupingOf(given.key, n);
  const plan = planOf(TASK, given, grouping);
  const order = orderOf(n, seed);

  const examples = { classification, localization, mask, key };
  const combined = combine(TASK, examples, plan);
  const losses = reorder(combined, order);
  const left = boxes ? survivorMask(losses, given, order, threshold) : mask && reorder(mask, order);
  const exists = left && new Uint8Array(n);
  if (exists) for (let k = 0; k < n; k++) exists[order ? order[k]! : k] = left[k]!;
  const strata = stratify(TASK, { ...examples, mask: exists }, combined, plan);
  const lists = Array.from({ length: STRATA }, () => new Hardest(budget));
  distribute(TASK, lists, losses, reorder(strata, order), 0);
  const quotas = wholeShares(budget, plan.quotas);
  const { indices } = allot(
    lists.map((list) => list.ranking()),
    quotas,
    budget,
  );
  return {
    ...selectionOf(order ? indices.map((place) => order[place]!) : indices, n),
    strata,
    quotas: Uint32Array.from(quotas),
  };
}

/** Stratified online hard example mining. */
export interface Sohem {
  (
    classificationLosses: Float32Array,
    localizationLosses: Float32Array,
    options: SohemOptions,
  ): StratifiedSelection;
  /**
   * Selects from losses that arrive in pieces, by one plan: the schedule is asked once.
   *
   * @throws {TypeError} for unknown options: boxes, groups and seed need all examples at once
   * @throws {RangeError} for options out of range
   */
  stream(options: SohemStreamOptions): SohemStream;
  /** The stream that `save` gave the bytes of. @throws {TypeError | RangeError} for any other bytes */
  load(bytes: Uint8Array): SohemStream;
}

/**
 * Selects hard examples by strata, so that none of two losses decides alone what is hard.
 *
 * Each example has a combined loss a L_cls + b L_loc and a key, by default the ratio L_loc / (L_cls + L_loc); three
 * cuts divide the keys into four strata. Of the budget each stratum gets its quota, rounded by the largest remainder,
 * and gives its examples of the highest combined loss; what a stratum cannot fill goes to the hardest of the rest.
 * `schedule(progress)` may change a, b, cuts and quotas during training.
 *
 * @param classificationLosses shape [n], finite and >= 0
 * @param localizationLosses shape [n], finite and >= 0; 0 where an example has none
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first loss outside the domain
 *
 * Source: the idea is that of Li et al. 2017, S-OHEM (arXiv 1705.02233). Keys, cuts, quotas, rounding and what
 * becomes of an unused quota are this library's own definition: see docs/selection.md.
 */
export const sohem: Sohem = /* @__PURE__ */ Object.assign(
  (
    classificationLosses: Float32Array,
    localizationLosses: Float32Array,
    options: SohemOptions,
  ): StratifiedSelection => select(classificationLosses, localizationLosses, options),
  {
    stream: (options: SohemStreamOptions): SohemStream => SohemStream.create(options),
    load: (bytes: Uint8Array): SohemStream => SohemStream.load(bytes),
  },
);
