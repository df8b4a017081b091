import { at as fixed, views } from "../arena.ts";
import type { RowBatch } from "../rows/batch.ts";
import { clear, collect, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";
import { chunks, ELEMENTS, isIgnored, type Rooms } from "./chunks.ts";
import type { DrForm, SideForm } from "./form.ts";
import { bucketOf, type Side, SUMS, WIDTH } from "./side.ts";
import { DrTally } from "./tally.ts";

/** Adds n elements to the sums of a side. */
function addSide(to: Side, { factor }: SideForm, n: number, x: number, { p, power }: Rooms): void {
  kernel.drScores(n, x, factor, p, fixed.report);
  const { f64 } = views();
  const highest = bucketOf(f64[fixed.report >>> 3]!);
  const lowest = bucketOf(f64[(fixed.report >>> 3) + 1]!);
  to.raise(highest);
  kernel.drPowers(n, p, factor, power);
  for (let bucket = highest; bucket >= lowest && to.sum(bucket, 0); bucket--) {
    clear(fixed.cells, SUMS * DIGITS);
    for (let from = 0; from < n; from += ELEMENTS)
      kernel.drSums(
        Math.min(ELEMENTS, n - from),
        p + 8 * from,
        factor,
        bucket,
        power + 8 * from,
        fixed.cells,
      );
    for (let which = 0; which < SUMS; which++) collect(fixed.cells + 80 * which, to.sum(bucket, which)!);
  }
}

/** First pass: counts and sums of a batch. Throws before anything else has changed. */
export function tallyRows(task: string, form: DrForm, batch: RowBatch): DrTally {
  const tally = new DrTally(form.classes);
  chunks(task, form, batch, (chunk) => {
    const { valid, positives, x, own } = chunk;
    const size = (chunk.end - chunk.from) * form.classes;
    addSide(tally.sides[0], form.negative, size, x, chunk);
    addSide(tally.sides[1], form.positive, positives, own, chunk);
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
  const [softplus, sigmoid] = views().f64.subarray(fixed.report >>> 3, (fixed.report >>> 3) + 2);
  return { loss: (tau / scale) * softplus!, pPos, pNeg, slope: tau * sigmoid! };
}

/** A share above 1 by more than the rounding of sums and weights is none of the sum. */
const WHOLE = 1 + 1e-9;

/** Puts gradients in the places of n logits of a side; false if one of them is not in its sums. */
type Slopes = (n: number, x: number, rooms: Rooms) => boolean;

function slopesOf(side: Side, { factor, slope, sign }: SideForm, mean: number, outer: number): Slopes {
  const base = WIDTH * side.top;
  const inverse = 1 / (side.total(0) || 1);
  const scale = sign * outer;
  return (n, x, { p, power, local }) =>
    kernel.drGrad(n, x, factor, base, inverse, mean, slope, scale, p, power, local, x) <= WHOLE;
}

/** Second pass: the gradient of a batch by all that was counted. */
export function gradient(
  task: string,
  form: DrForm,
  batch: RowBatch,
  tally: DrTally,
  grad: Float32Array,
): void {
  const { classes } = form;
  const { pPos, pNeg, slope } = settle(form, tally);
  const ofNegatives = slopesOf(tally.sides[0], form.negative, pNeg, slope);
  const ofPositives = slopesOf(tally.sides[1], form.positive, pPos, slope);
  chunks(task, form, batch, (chunk) => {
    const { from, end, positives, x, own } = chunk;
    const size = (end - from) * classes;
    if (!ofNegatives(size, x, chunk) || !ofPositives(positives, own, chunk)) {
      const got = `others among rows ${from} to ${end - 1}`;
      throw new RangeError(`Cannot ${task}: expected rows that the stream has seen, got ${got}`);
    }
    const { f32 } = views();
    for (let r = from, at = x >>> 2, k = own >>> 2; r < end; r++, at += classes) {
      const label = batch.labels[r]!;
      if (label > 0 && !isIgnored(batch, r)) f32[at + label - 1] = f32[k++]!;
    }
    grad.set(f32.subarray(x >>> 2, (x >>> 2) + size), from * classes);
  });
}
