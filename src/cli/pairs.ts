/** How the losses of pairs run: the scores are all there, the pairs come in chunks. */
import type { Batch } from "./batch.ts";
import {
  type Feed,
  type GhmResult,
  type Harmonizer,
  harmonized,
  harmonizedTotals,
  type Run,
  type Streamed,
  streamed,
  type Totals,
} from "./passes.ts";

interface PerPair {
  mask?: Uint8Array;
  weights?: Float32Array;
}

/** What the pairs of a run are about. */
export interface Items {
  scores: Float32Array;
  /** Whether pairs come in groups with a density each. */
  grouped: boolean;
}

type Options = Record<string, unknown>;

/** Everything as one batch: groups are no more than numbers here, and may be negative. */
function compute(loss: Paired, options: Options, { scores }: Items, batch: Batch, out: object): unknown {
  const { pairs, mask, weights, groups } = batch;
  const more = { mask, weights, ...(groups && { groups: Uint32Array.from(groups) }) };
  return loss.into(out, scores, pairs, { ...options, ...more } as never);
}

/** Groups have a density each, of all their pairs: there is no stream of them. */
function grouped(loss: Paired, options: Options, items: Items): Pick<Run, "whole" | "update" | "totals"> {
  let result: GhmResult | undefined;
  return {
    whole: true,
    update: (batch) => {
      result = compute(loss, options, items, batch, {}) as GhmResult;
    },
    totals: () => harmonizedTotals(result!),
  };
}

/** The part of a loss of pairs that a run needs: it has streams of two kinds. */
export type Paired = Pick<Streamed<Uint32Array, PerPair>, "into"> & { stream: unknown };

/** A run of a loss of pairs. Its gradient is one of the scores, and takes all pairs at once, as its losses do. */
export function paired(loss: Paired, options: Options, items: Items): Run {
  const { scores } = items;
  const feed: Feed<Uint32Array, PerPair> = ({ pairs, mask, weights }) => [scores, pairs, { mask, weights }];
  const outputs: Pick<Run, "grad" | "losses"> = {
    grad: (batch) => {
      const grad = new Float32Array(scores.length);
      compute(loss, options, items, batch, { grad });
      return grad;
    },
    losses: (batch) => {
      const losses = new Float32Array(batch.pairs.length / 2);
      compute(loss, options, items, batch, { losses });
      return losses;
    },
  };
  if (items.grouped) return { ...grouped(loss, options, items), ...outputs };
  if (options.loss === "ghm") {
    return { ...harmonized(loss as Harmonizer<Uint32Array, PerPair>, options, feed), ...outputs };
  }
  const run = streamed(loss as Streamed<Uint32Array, PerPair>, options, feed);
  // All pairs are positive.
  const totals = (): Totals => ({ ...run.totals(), positives: undefined });
  return { ...run, totals, ...outputs };
}
