/** The kinds of losses: which files they read, what all of a kind take, and how they run over chunks. */
import { autoBins, type Histogram } from "../mod.ts";
import { classes, type Domain, divisor, label, oneOf } from "./domains.ts";
import type { Role } from "./source.ts";
import type { Batch } from "./sources.ts";

/** What a run over all chunks came to. `loss` is what the gradient is the gradient of. */
export interface Totals {
  loss: number;
  count: number;
  positives: number;
  [more: string]: unknown;
}

/** A loss under way: all chunks once for the totals, then any chunk again for what is written. */
export interface Run {
  /** Where it is there, sees all chunks before `update` does. */
  survey?(batch: Batch): void;
  update(batch: Batch): void;
  totals(): Totals;
  grad(batch: Batch): Float32Array;
  /** One for each element, or row; not there where an element has none of its own. */
  losses?(batch: Batch): Float32Array;
}

export type Parameters = Record<string, Domain>;

/** Losses with the same inputs. */
export interface Family {
  name: string;
  /** What stands over them in a list. */
  about: string;
  /** The files that are read; the first two have to be there. */
  inputs: readonly Role[];
  /** Of those, the ones with a value for each class of a row. */
  perClass: readonly Role[];
  /** Whether the classes have to be known. */
  rows: boolean;
  /** What all of them take. */
  shared: Parameters;
}

const reduced = { reduction: oneOf("mean", "sum", "none"), normalizer: divisor };
const labelled = { classes: classes(2 ** 27), "ignore-index": label };
const counted = { convention: oneOf("paper", "mmdet") };
const ELEMENTS: readonly Role[] = ["logits", "targets", "mask", "weights"];

export const POINTWISE: Family = {
  name: "pointwise",
  about: "a target for each logit",
  inputs: ELEMENTS,
  perClass: ELEMENTS,
  rows: false,
  shared: reduced,
};

export const ROWS: Family = {
  name: "rows",
  about: "a label for each row of logits",
  inputs: ["logits", "labels", "mask", "weights"],
  perClass: ["logits"],
  rows: true,
  shared: { ...labelled, ...reduced },
};

export const HARMONIZED: Family = {
  name: "harmonized",
  about: "a target for each logit, weights from the density of gradient norms",
  inputs: ["logits", "targets", "mask"],
  perClass: [],
  rows: false,
  shared: counted,
};

export const HARMONIZED_ROWS: Family = {
  name: "harmonized rows",
  about: "labels of rows, weights from the density of gradient norms",
  inputs: ["logits", "labels", "mask"],
  perClass: ["logits"],
  rows: true,
  shared: { ...labelled, ...counted },
};

/** The parts of a loss of the library that a run needs; `T` are targets or labels, `O` what goes with each chunk. */
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

/** A run of a loss whose elements, or rows, do not know of one another; `feed` picks its inputs. */
export function streamed<T extends ArrayLike<number>, O extends object>(
  loss: Streamed<T, O>,
  options: object,
  feed: (batch: Batch) => readonly [targets: T, options: O],
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
    update: (batch) => stream.update(batch.logits, ...feed(batch)),
    totals: () => {
      const { loss: value, sum, count, positives } = stream.result();
      return { loss: value, count, positives, sum, mean: count > 0 ? sum / count : 0 };
    },
    grad: (batch) => {
      const [targets, more] = feed(batch);
      const grad = new Float32Array(batch.logits.length);
      loss.into({ grad }, batch.logits, targets, { ...options, normalizer: denominator(), ...more } as never);
      return grad;
    },
    losses: (batch) => {
      const [targets, more] = feed(batch);
      const losses = new Float32Array(targets.length);
      loss.into({ losses }, batch.logits, targets, { ...options, ...more } as never);
      return losses;
    },
  };
}

interface GhmStream<T> {
  update(logits: Float32Array, targets: T, options: { mask?: Uint8Array }): unknown;
  result(): { loss: number; meanLoss: number; count: number; histogram: Histogram };
  grad(logits: Float32Array, targets: T, options: { mask?: Uint8Array }): Float32Array;
}

/** The part of a harmonized loss that a run needs. */
export interface Harmonizer<T> {
  stream(options: never): GhmStream<T>;
}

/** Regions of the histogram that `--bins auto` looks at first. */
const FINEST = 256;

/** A run of a harmonized loss; with `auto` bins all chunks are seen twice before there is a gradient. */
export function harmonized<T extends ArrayLike<number>>(
  ghm: Harmonizer<T>,
  options: Record<string, unknown>,
  feed: (batch: Batch) => T,
  isPositive: (target: number) => boolean,
): Run {
  const begin = (bins: unknown): GhmStream<T> => ghm.stream({ ...options, bins } as never);
  const isAuto = options.bins === "auto";
  const pilot = isAuto ? begin(FINEST) : undefined;
  let stream = isAuto ? undefined : begin(options.bins);
  let positives = 0;
  const counted = (): GhmStream<T> => {
    stream ??= begin(autoBins(pilot!.result().histogram.counts));
    return stream;
  };
  return {
    ...(pilot && { survey: (batch) => pilot.update(batch.logits, feed(batch), { mask: batch.mask }) }),
    update: (batch) => {
      const targets = feed(batch);
      counted().update(batch.logits, targets, { mask: batch.mask });
      for (let i = 0; i < targets.length; i++)
        if (isPositive(targets[i]) && batch.mask?.[i] !== 0) positives++;
    },
    totals: () => {
      const { loss, meanLoss, count, histogram } = counted().result();
      const { bins, counts, lossSums } = histogram;
      return {
        loss,
        count,
        positives,
        meanLoss,
        histogram: { bins, counts: Array.from(counts), lossSums: Array.from(lossSums) },
      };
    },
    grad: (batch) => counted().grad(batch.logits, feed(batch), { mask: batch.mask }),
  };
}
