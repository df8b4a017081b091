import { options as checkOptions, integer, number } from "../check.ts";
import {
  checkBoxes,
  checkBudget,
  checkBytes,
  checkGroups,
  checkLength,
  checkLosses,
  type Groups,
} from "./arguments.ts";
import { hardestOf } from "./hardest.ts";
import { type Selection, selectionOf } from "./ohem.ts";
import { permutation } from "./random.ts";
import { type Plan, type PlanOptions, planOf } from "./schedule.ts";
import { NONE, STRATA, stratumOf, wholeShares } from "./strata.ts";
import { survivors } from "./survivors.ts";

export interface SohemOptions extends PlanOptions {
  /** How many examples to select. */
  readonly budget: number;
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

/** The weighted losses of the examples; masked ones have 0. */
function combine(
  classification: Float32Array,
  localization: Float32Array,
  mask: Uint8Array | undefined,
  { a, b }: Plan,
): Float32Array {
  const combined = new Float32Array(classification.length);
  for (let i = 0; i < combined.length; i++) {
    if (mask && mask[i] === 0) continue;
    const [c, l] = [classification[i]!, localization[i]!];
    const loss = Math.fround(a * c + b * l);
    if (!(c >= 0 && l >= 0) || !(loss < Infinity)) {
      throw new RangeError(
        `Cannot ${TASK}: expected losses >= 0 whose weighted sum a float32 can hold, got ${c} and ${l} at index ${i}`,
      );
    }
    combined[i] = loss;
  }
  return combined;
}

/** The stratum of every example that `exists`. */
function stratify(
  classification: Float32Array,
  localization: Float32Array,
  combined: Float32Array,
  exists: Uint8Array | undefined,
  { key, cuts }: Plan,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(combined, (loss, i) => {
    if (exists && exists[i] === 0) return NONE;
    if (key === "combined") return stratumOf(loss, cuts);
    if (key === "ratio") {
      const sum = classification[i]! + localization[i]!;
      return stratumOf(sum > 0 ? localization[i]! / sum : 0, cuts);
    }
    const value = key[i]!;
    if (Number.isNaN(value))
      throw new RangeError(`Cannot ${TASK}: expected key values, got NaN at index ${i}`);
    return stratumOf(value, cuts);
  });
}

/** Takes the hardest of each stratum, then fills what is left of the budget with the hardest of the rest. */
function choose(
  losses: Float32Array,
  strata: Uint8Array,
  quotas: readonly number[],
  budget: number,
): Uint8Array {
  const chosen = new Uint8Array(losses.length);
  const take = (mask: Uint8Array, count: number): number => {
    const { indices } = hardestOf(TASK, losses, mask, count);
    for (const index of indices) chosen[index] = 1;
    return indices.length;
  };
  let left = budget;
  for (let s = 0; s < STRATA; s++) {
    const own = strata.map((stratum) => (stratum === s ? 1 : 0));
    left -= take(own, quotas[s]!);
  }
  const rest = strata.map((stratum, i) => (stratum !== NONE && chosen[i] === 0 ? 1 : 0));
  take(rest, left);
  return chosen;
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
export function sohem(
  classificationLosses: Float32Array,
  localizationLosses: Float32Array,
  options: SohemOptions,
): StratifiedSelection {
  checkLosses(TASK, "classificationLosses", classificationLosses);
  checkLosses(TASK, "localizationLosses", localizationLosses);
  checkOptions(TASK, options ?? {}, KEYS);
  const given = options ?? {};
  const { mask, boxes, groups, iou, seed } = given;
  const n = classificationLosses.length;
  checkLength(TASK, "localizationLosses", localizationLosses.length, n, "classification loss");
  const budget = checkBudget(TASK, given.budget, n);
  checkBytes(TASK, "mask", mask, n);
  checkGroups(TASK, groups, n);
  const threshold = iou === undefined ? 0.7 : number(TASK, "iou", iou, 0, 1);
  checkBoxes(TASK, boxes, mask, n);
  const plan = planOf(TASK, given, n);
  const order = orderOf(n, seed);

  const combined = combine(classificationLosses, localizationLosses, mask, plan);
  const losses = reorder(combined, order);
  const left = boxes ? survivorMask(losses, given, order, threshold) : mask && reorder(mask, order);
  const exists = left && new Uint8Array(n);
  if (exists) for (let k = 0; k < n; k++) exists[order ? order[k]! : k] = left[k]!;
  const strata = stratify(classificationLosses, localizationLosses, combined, exists, plan);
  const quotas = wholeShares(budget, plan.quotas);
  const chosen = choose(losses, reorder(strata, order), quotas, budget);
  const { indices } = hardestOf(TASK, losses, chosen, budget);
  return {
    ...selectionOf(order ? indices.map((place) => order[place]!) : indices, n),
    strata,
    quotas: Uint32Array.from(quotas),
  };
}
