/** How the kinds of losses run over chunks. */
import { autoBins, type Histogram } from "../mod.ts";
import type { Batch } from "./batch.ts";

/** What a run over all chunks came to. `loss` is what the gradient is the gradient of. */
export interface Totals {
  loss: number;
  count: number;
  positives?: number;
  [more: string]: unknown;
}

/** A loss under way: all chunks once for the totals, then any chunk again for what is written. */
export interface Run {
  /** Whether `update` wants everything as one batch. */
  whole?: boolean;
  /** Where it is there, sees all chunks before `update` does. */
  survey?(batch: Batch): void;
  update(batch: Batch): void;
  totals(): Totals;
  grad(batch: Batch): Float32Array;
  /** One for each element, or row; not there where an element has none of its own. */
  losses?(batch: Batch): Float32Array;
}

/** Picks what a loss is given of a batch: logits, targets or labels, and what goes with each chunk. */
export type Feed<T, O> = (batch: Batch) => readonly [logits: Float32Array, targets: T, options: O];

/** The parts of a loss of the library that a run needs. */
export interface Streamed<T, O> {
  into(
    out: { grad?: Float32Array; losses?: Float32Array },
    logits: Float32Array,
    targets: T,
    options: never,
  ): unknown;
  stream(options: never): {
    update(logits: Float32Array, targets: T, options: O): unknown;
    result(): { loss: number; sum: number; count: number; positives: number };
  };
}

/** A run of a loss whose elements, or rows, do not know of one another. */
export function streamed<T extends ArrayLike<number>, O extends object>(
  loss: Streamed<T, O>,
  options: object,
  feed: Feed<T, O>,
): Run {
  const { normalizer } = options as { normalizer?: unknown };
  const stream = loss.stream(options as never);
  // A chunk's own count is not what a mean divides by: the gradient needs the totals first.
  const denominator = (): number => {
    if (typeof normalizer === "number") return normalizer;
    const { count, positives } = stream.result();
    return Math.max(1, normalizer === "positives" ? positives : count);
  };
  return {
    update: (batch) => stream.update(...feed(batch)),
    totals: () => {
      const { loss: value, sum, count, positives } = stream.result();
      return { loss: value, count, positives, sum, mean: count > 0 ? sum / count : 0 };
    },
    grad: (batch) => {
      const [logits, targets, more] = feed(batch);
      const grad = new Float32Array(logits.length);
      loss.into({ grad }, logits, targets, { ...options, normalizer: denominator(), ...more } as never);
      return grad;
    },
    losses: (batch) => {
      const [logits, targets, more] = feed(batch);
      const losses = new Float32Array(targets.length);
      loss.into({ losses }, logits, targets, { ...options, ...more } as never);
      return losses;
    },
  };
}

export interface GhmResult {
  loss: number;
  meanLoss: number;
  count: number;
  histogram: Histogram;
}

interface GhmStream<T, O> {
  update(logits: Float32Array, targets: T, options: O): unknown;
  result(): GhmResult;
  grad(logits: Float32Array, targets: T, options: O): Float32Array;
}

/** The part of a harmonized loss that a run needs. */
export interface Harmonizer<T, O> {
  stream(options: never): GhmStream<T, O>;
}

/** The result of a harmonized loss as plain lists. */
export function harmonizedTotals(
  { loss, meanLoss, count, histogram }: GhmResult,
  positives?: number,
): Totals {
  const { bins, counts, lossSums } = histogram;
  const lists = { bins, counts: Array.from(counts), lossSums: Array.from(lossSums) };
  return { loss, count, ...(positives !== undefined && { positives }), meanLoss, histogram: lists };
}

/** Regions of the histogram that `--bins auto` looks at first. */
const FINEST = 256;

/** A run of a harmonized loss; with `auto` bins all chunks are seen twice before there is a gradient. */
export function harmonized<T extends ArrayLike<number>, O extends object>(
  ghm: Harmonizer<T, O>,
  options: Record<string, unknown>,
  feed: Feed<T, O>,
  isPositive?: (target: number) => boolean,
): Run {
  const begin = (bins: unknown): GhmStream<T, O> => ghm.stream({ ...options, bins } as never);
  const isAuto = options.bins === "auto";
  const pilot = isAuto ? begin(FINEST) : undefined;
  let stream = isAuto ? undefined : begin(options.bins);
  let positives = 0;
  const counted = (): GhmStream<T, O> => {
    stream ??= begin(autoBins(pilot!.result().histogram.counts));
    return stream;
  };
  return {
    ...(pilot && { survey: (batch) => pilot.update(...feed(batch)) }),
    update: (batch) => {
      const [logits, targets, more] = feed(batch);
      counted().update(logits, targets, more);
      if (!isPositive) return;
      for (let i = 0; i < targets.length; i++)
        if (isPositive(targets[i]) && batch.mask?.[i] !== 0) positives++;
    },
    totals: () => harmonizedTotals(counted().result(), isPositive && positives),
    grad: (batch) => counted().grad(...feed(batch)),
  };
}

/** The part of a loss of the whole batch that a run needs. */
export interface Coupled<T, O> {
  stream(options: never): {
    update(logits: Float32Array, targets: T, options: O): unknown;
    result(): { loss: number; count: number; positives: number };
    grad(logits: Float32Array, targets: T, options: O): Float32Array;
  };
}

/** A run of a loss in which everything depends on everything: its stream has the gradient. */
export function coupled<T, O>(loss: Coupled<T, O>, options: object, feed: Feed<T, O>): Run {
  const stream = loss.stream(options as never);
  return {
    update: (batch) => stream.update(...feed(batch)),
    totals: () => ({ ...stream.result() }),
    grad: (batch) => stream.grad(...feed(batch)),
  };
}
