import { at as fixed, reserve, views } from "../arena.ts";
import type { RowBatch } from "../rows/batch.ts";
import { clear, collect, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";
import type { DrForm, SideForm } from "./form.ts";
import { bucketOf, type Side, SUMS, WIDTH } from "./side.ts";
import { DrTally } from "./tally.ts";

/** Logits in the arena at a time, unless one row has more; and what a kernel adds up at a time. */
const ELEMENTS = 16384;

interface Rooms {
  readonly rows: number;
  /** Logits of negatives; -Infinity where there is none. */
  readonly x: number;
  /** Logits of positives. */
  readonly own: number;
  /** float64 scores; a gradient takes their place. */
  readonly p: number;
  readonly ownGrad: number;
}

interface Chunk extends Rooms {
  /** Index of its first row and its last but one; how many rows are not ignored, and how many have a positive. */
  readonly from: number;
  readonly end: number;
  readonly valid: number;
  readonly positives: number;
}

function roomsFor(classes: number): Rooms {
  const rows = Math.max(Math.floor(ELEMENTS / classes), 1);
  const n = rows * classes + 16;
  const [x, own, p, ownGrad] = reserve([4 * n, 4 * rows + 64, 8 * n, 4 * rows + 64]);
  return { rows, x: x!, own: own!, p: p!, ownGrad: ownGrad! };
}

function isIgnored({ labels, mask }: RowBatch, row: number): boolean {
  return labels[row]! < 0 || mask?.[row] === 0;
}

/** Throws for the first value of some rows that the loss is not defined for. */
function refuse(task: string, { classes }: DrForm, batch: RowBatch, from: number, end: number): never {
  for (let r = from; r < end; r++) {
    const label = batch.labels[r]!;
    if (isIgnored(batch, r)) continue;
    if (label > classes) {
      throw new RangeError(`Cannot ${task}: expected labels up to ${classes}, got ${label} at row ${r}`);
    }
    for (let i = r * classes; i < (r + 1) * classes; i++) {
      const x = batch.logits[i]!;
      if (!Number.isFinite(x))
        throw new RangeError(`Cannot ${task}: expected finite logits, got ${x} at index ${i}`);
    }
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Whether the logits and labels of the rows in the arena may be used; the logits of ignored ones become 0. */
function isSound({ classes }: DrForm, batch: RowBatch, from: number, end: number, x: number): boolean {
  const { f32 } = views();
  let isWithin = true;
  for (let r = from, at = x >> 2; r < end; r++, at += classes) {
    if (isIgnored(batch, r)) f32.fill(0, at, at + classes);
    else if (batch.labels[r]! > classes) isWithin = false;
  }
  const size = (end - from) * classes;
  f32.fill(0, (x >> 2) + size, (x >> 2) + size + 4);
  return isWithin && kernel.extent(size, x) >>> 0 < 0x7f800000;
}

/** Copies a batch in, chunk by chunk, and takes the positives and the ignored out of the negatives. */
function chunks(task: string, form: DrForm, batch: RowBatch, each: (chunk: Chunk) => void): void {
  const { classes } = form;
  const rooms = roomsFor(classes);
  for (let from = 0; from < batch.labels.length; from += rooms.rows) {
    const end = Math.min(from + rooms.rows, batch.labels.length);
    const { f32 } = views();
    f32.set(batch.logits.subarray(from * classes, end * classes), rooms.x >> 2);
    if (!isSound(form, batch, from, end, rooms.x)) refuse(task, form, batch, from, end);
    let valid = 0;
    let positives = 0;
    for (let r = from, at = rooms.x >> 2; r < end; r++, at += classes) {
      const label = batch.labels[r]!;
      if (isIgnored(batch, r)) {
        f32.fill(-Infinity, at, at + classes);
        continue;
      }
      valid++;
      if (label === 0) continue;
      f32[(rooms.own >> 2) + positives++] = f32[at + label - 1]!;
      f32[at + label - 1] = -Infinity;
    }
    each({ ...rooms, from, end, valid, positives });
  }
}

/** Adds n elements to the sums of a side. */
function addSide(to: Side, { factor }: SideForm, n: number, x: number, p: number): void {
  kernel.drScores(n, x, factor, p, fixed.report);
  const { f64 } = views();
  const highest = bucketOf(f64[fixed.report >> 3]!);
  const lowest = bucketOf(f64[(fixed.report >> 3) + 1]!);
  to.raise(highest);
  for (let bucket = highest; bucket >= lowest && to.sum(bucket, 0); bucket--) {
    clear(fixed.cells, SUMS * DIGITS);
    for (let from = 0; from < n; from += ELEMENTS)
      kernel.drSums(Math.min(ELEMENTS, n - from), p + 8 * from, factor, bucket, fixed.cells);
    for (let which = 0; which < SUMS; which++) collect(fixed.cells + 80 * which, to.sum(bucket, which)!);
  }
}

/** First pass: counts and sums of a batch. Throws before anything else has changed. */
export function tallyRows(task: string, form: DrForm, batch: RowBatch): DrTally {
  const tally = new DrTally(form.classes);
  chunks(task, form, batch, (chunk) => {
    const { valid, positives, x, own, p } = chunk;
    const size = (chunk.end - chunk.from) * form.classes;
    addSide(tally.sides[0], form.negative, size, x, p);
    addSide(tally.sides[1], form.positive, positives, own, p);
    tally.count += valid;
    tally.positives += positives;
  });
  return tally;
}

export interface Settled {
  readonly loss: number;
  readonly pPos: number;
  readonly pNeg: number;
  /** tau sigmoid(scale (P- - P+ + margin)): d loss / d P-. */
  readonly slope: number;
}

/** The expected score of a side. */
function mean(side: Side, { empty }: SideForm): number {
  return side.top === -Infinity ? empty : side.total(1) / side.total(0);
}

/** The loss of what was counted. */
export function settle({ positive, negative, scale, tau, margin }: DrForm, tally: DrTally): Settled {
  const pNeg = mean(tally.sides[0], negative);
  const pPos = mean(tally.sides[1], positive);
  kernel.drLink(scale * (pNeg - pPos + margin), fixed.report);
  const [softplus, sigmoid] = views().f64.subarray(fixed.report >> 3, (fixed.report >> 3) + 2);
  return { loss: (tau / scale) * softplus!, pPos, pNeg, slope: tau * sigmoid! };
}

/** A share above 1 by more than the rounding of sums and weights is none of the sum. */
const WHOLE = 1 + 1e-9;

/** Second pass: the gradient of a batch by all that was counted. */
export function gradient(
  task: string,
  form: DrForm,
  batch: RowBatch,
  tally: DrTally,
  grad: Float32Array,
): void {
  const { classes, negative, positive } = form;
  const { pPos, pNeg, slope } = settle(form, tally);
  /** Gradients of n elements of a side. */
  const run =
    (side: Side, { factor, slope: turn, sign }: SideForm, mean: number, inverse: number) =>
    (n: number, x: number, out: number): boolean =>
      kernel.drGrad(n, x, factor, WIDTH * side.top, inverse, mean, turn, sign * slope, out) <= WHOLE;
  const ofNegatives = run(tally.sides[0], negative, pNeg, 1 / (tally.sides[0].total(0) || 1));
  const ofPositives = run(tally.sides[1], positive, pPos, 1 / (tally.sides[1].total(0) || 1));
  chunks(task, form, batch, ({ from, end, positives, x, own, p, ownGrad }) => {
    const size = (end - from) * classes;
    if (!ofNegatives(size, x, p) || !ofPositives(positives, own, ownGrad)) {
      const got = `others among rows ${from} to ${end - 1}`;
      throw new RangeError(`Cannot ${task}: expected rows that the stream has seen, got ${got}`);
    }
    const { f32 } = views();
    for (let r = from, at = p >> 2, k = ownGrad >> 2; r < end; r++, at += classes) {
      const label = batch.labels[r]!;
      if (label > 0 && !isIgnored(batch, r)) f32[at + label - 1] = f32[k++]!;
    }
    grad.set(f32.subarray(p >> 2, (p >> 2) + size), from * classes);
  });
}
