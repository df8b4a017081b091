/** What is certain about the histogram density when the exact one would not fit in memory. */
import { bce, density } from "../mod.ts";
import type { Batch } from "./batch.ts";
import type { Io } from "./command.ts";
import type { Sources } from "./sources.ts";
import { walk } from "./walk.ts";

export interface Choice {
  bins?: number;
  width?: number;
  refine?: number;
}

export interface BracketReport {
  count: number;
  bins: number;
  width: number;
  /** Between these bounds lies the largest relative error of the histogram density. */
  maxRelativeError: { lower: number; upper: number };
  loss: { histogram: number };
  occupied: number;
  bracket: { meanGap: number; lossLower: number; lossUpper: number };
}

function norms({ logits, targets, mask }: Batch): Float32Array {
  return density.norms(logits, targets, { mask });
}

/** The cross-entropy of the valid elements, in order, beside their norms. */
function losses({ logits, targets, mask }: Batch): Float32Array {
  const all = new Float32Array(logits.length);
  bce.into({ losses: all }, logits, targets, { reduction: "none", mask });
  return mask ? all.filter((_, i) => mask[i] !== 0) : all;
}

/**
 * Two passes: a fine and a unit-region histogram of the gradient norms first, then the bracket of every element
 * (theorem T5 of docs/density.md) and what follows from it for the error and for the loss.
 */
export async function bracketAlone(sources: Sources, choice: Choice, io: Io): Promise<BracketReport> {
  const bins = choice.bins ?? 30;
  const width = choice.width ?? 1 / bins;
  const fine = density.stream({ width, refine: choice.refine });
  const regions = new Float64Array(bins);
  const region = (g: number): number => Math.min(Math.floor(g * bins), bins - 1);
  await walk(sources, "histogram", io, (batch) => {
    const g = norms(batch);
    fine.update(g);
    for (const norm of g) regions[region(norm)]++;
  });
  const error = { lower: 0, upper: 0 };
  let [gap, lossLower, lossUpper, histogram] = [0, 0, 0, 0];
  await walk(sources, "bracket", io, (batch) => {
    const g = norms(batch);
    const ce = losses(batch);
    const { lower, upper } = fine.bracket(g);
    for (let i = 0; i < g.length; i++) {
      const length = Math.min(g[i] + width / 2, 1) - Math.max(g[i] - width / 2, 0);
      const approximate = bins * regions[region(g[i])];
      // The error is |approximate / exact - 1|, with exact anywhere from lower / length to upper / length.
      const most = (approximate * length) / lower[i] - 1;
      const least = (approximate * length) / upper[i] - 1;
      error.upper = Math.max(error.upper, Math.abs(most), Math.abs(least));
      if (least > 0 || most < 0)
        error.lower = Math.max(error.lower, Math.min(Math.abs(most), Math.abs(least)));
      gap += upper[i] - lower[i];
      lossLower += (ce[i] * length) / upper[i];
      lossUpper += (ce[i] * length) / lower[i];
      histogram += ce[i] / approximate;
    }
  });
  const { count } = fine;
  return {
    count,
    bins,
    width,
    maxRelativeError: error,
    loss: { histogram },
    occupied: regions.filter((held) => held > 0).length,
    bracket: { meanGap: count > 0 ? gap / count : 0, lossLower, lossUpper },
  };
}
