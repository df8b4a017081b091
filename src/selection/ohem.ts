import { options as checkOptions, number } from "../check.ts";
import { checkBoxes, checkBudget, checkBytes, checkGroups, checkLosses, type Groups } from "./arguments.ts";
import { balance, positivesNeeded } from "./balance.ts";
import { hardestOf } from "./batch.ts";
import type { Ranking } from "./hardest.ts";
import { OhemStream } from "./stream.ts";
import { survivors } from "./survivors.ts";

export interface OhemOptions {
  /** How many examples to select. */
  readonly budget: number;
  /** One byte per example; where it is 0 the example does not exist. */
  readonly mask?: Uint8Array | undefined;
  /** Shape [n, 4]: x1, y1, x2, y2. Without them nothing is suppressed. */
  readonly boxes?: Float32Array | undefined;
  /** An example goes whose intersection over union with a harder one that stays is above this; default 0.7. */
  readonly iou?: number | undefined;
  /** One number per example: boxes of different groups (images, labels) do not suppress each other. */
  readonly groups?: Groups | undefined;
  /** One byte per example, not 0 for a positive; what `ratio` goes by. */
  readonly positives?: Uint8Array | undefined;
  /** At most so many negatives for each positive; default no limit. */
  readonly ratio?: number | undefined;
}

export interface Selection {
  /** One byte per example: 1 where it is selected. */
  mask: Uint8Array<ArrayBuffer>;
  /** The selected examples, hardest first. */
  indices: Uint32Array<ArrayBuffer>;
  /** How many are selected. */
  count: number;
}

export interface StreamOptions {
  /** How many examples to select. */
  readonly budget: number;
}

const KEYS = ["budget", "mask", "boxes", "iou", "groups", "positives", "ratio"];

export function selectionOf(indices: Uint32Array<ArrayBuffer>, n: number): Selection {
  const mask = new Uint8Array(n);
  for (const index of indices) mask[index] = 1;
  return { mask, indices, count: indices.length };
}

/** A mask of the positives that `mask` leaves. */
function positivesOf(positives: Uint8Array, mask: Uint8Array | undefined): Uint8Array {
  return mask ? positives.map((byte, i) => (mask[i] === 0 ? 0 : byte)) : positives;
}

function head({ indices, losses }: Ranking, count: number): Ranking {
  return { indices: indices.slice(0, count), losses: losses.slice(0, count) };
}

function checkRatio(task: string, ratio: unknown, positives: unknown): number {
  if (ratio === undefined) return Infinity;
  if (positives === undefined) {
    throw new TypeError(`Cannot ${task}: expected positives beside a ratio, got undefined`);
  }
  return number(task, "ratio", ratio, 0, Infinity);
}

function select(losses: Float32Array, options: OhemOptions): Selection {
  const task = "select hard examples";
  checkLosses(task, "losses", losses);
  checkOptions(task, options, KEYS);
  const { budget, mask, boxes, iou, groups, positives, ratio } = options ?? {};
  const n = losses.length;
  const most = checkBudget(task, budget, n);
  checkBytes(task, "mask", mask, n);
  checkBytes(task, "positives", positives, n);
  checkGroups(task, groups, n);
  const threshold = iou === undefined ? 0.7 : number(task, "iou", iou, 0, 1);
  const limit = checkRatio(task, ratio, positives);
  checkBoxes(task, boxes, mask, n);
  const isLimited = positives !== undefined && limit < Infinity;
  const needed = isLimited ? positivesNeeded(most, limit) : 0;

  let hardest: Ranking;
  let hardestPositives = new Uint32Array(0);
  if (boxes) {
    const enough = { most, positives: isLimited ? positives : undefined, needed };
    const found = survivors(task, losses, mask, { boxes, iou: threshold, groups }, enough);
    hardest = head(found, most);
    if (isLimited) hardestPositives = found.indices.filter((index) => positives[index] !== 0);
  } else {
    hardest = hardestOf(task, losses, mask, most);
    if (isLimited) hardestPositives = hardestOf(task, losses, positivesOf(positives, mask), needed).indices;
  }
  if (!isLimited) return selectionOf(hardest.indices, n);
  const isPositive = (index: number): boolean => positives[index] !== 0;
  return selectionOf(balance(hardest, hardestPositives, isPositive, limit), n);
}

/** Online hard example mining. */
export interface Ohem {
  (losses: Float32Array, options: OhemOptions): Selection;
  /** Selects from losses that arrive in pieces. */
  stream(options: StreamOptions): OhemStream;
  /** The stream that `save` gave the bytes of. */
  load(bytes: Uint8Array): OhemStream;
}

/**
 * Selects the hardest examples: those of the highest loss, equal losses by ascending index. With boxes, near
 * duplicates of harder examples go first; with a ratio, positives take the place of negatives.
 *
 * @param losses shape [n], finite where the mask leaves them; they may be negative
 * @throws {TypeError} for arrays of another kind, unknown options, a ratio without positives
 * @throws {RangeError} for other lengths, options out of range, and the first loss or box that is not finite
 *
 * Error: none: comparisons only, but for an intersection over union, see docs/selection.md.
 * Method: a floor under the hardest from maxima of groups, a radix sort of those above it by (loss, index), greedy
 * suppression from the hardest on.
 * Source: Shrivastava et al. 2016 (arXiv 1604.03540), section 4; the ratio as in Lin et al. 2017 (arXiv 1708.02002),
 * table 1d, with our rule for a budget that binds.
 */
export const ohem: Ohem = /* @__PURE__ */ Object.assign(
  (losses: Float32Array, options: OhemOptions): Selection => select(losses, options),
  {
    stream: (options: StreamOptions): OhemStream => OhemStream.create(options),
    load: (bytes: Uint8Array): OhemStream => OhemStream.load(bytes),
  },
);
