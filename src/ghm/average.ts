import type { Histogram } from "./histogram.ts";

/** "paper": regions by floor(g bins), divisor bins, average of fractions. "mmdet": what mmdetection computes. */
export type Convention = "paper" | "mmdet";

export interface AverageOptions {
  readonly bins: number;
  readonly momentum: number;
  readonly convention: Convention;
  readonly biasCorrection: boolean;
  readonly maxWeight: number;
}

/**
 * The exponential moving average of a histogram, and the divisor of every region that follows from it.
 *
 * paper: F_j <- a F_j + (1 - a) R_j / N over all regions, corrected by 1 - a^t; divisor_j = M N F_j.
 * mmdet: S_j <- a S_j + (1 - a) R_j where R_j > 0, corrected by 1 - a^(t_j) if asked; divisor_j = n S_j with n
 * occupied regions. loss = sum_j sumCE_j / divisor_j and dL/dx_i = signed g_i / divisor_j.
 *
 * a^t is kept as a running product: no power is taken, so that every engine has the same bits.
 */
export class Average {
  readonly options: AverageOptions;
  /** The uncorrected average: fractions for "paper", counts for "mmdet". */
  readonly values: Float64Array;
  /** a^t: one for all regions ("paper"), or one for each ("mmdet"). */
  readonly powers: Float64Array;

  constructor(options: AverageOptions) {
    this.options = options;
    this.values = new Float64Array(options.bins);
    this.powers = new Float64Array(options.convention === "paper" ? 1 : options.bins).fill(1);
  }

  copy(): Average {
    const copy = new Average(this.options);
    copy.values.set(this.values);
    copy.powers.set(this.powers);
    return copy;
  }

  /** Takes a batch in. A batch without samples changes nothing. */
  update({ counts, total }: Histogram): void {
    if (total === 0) return;
    const { momentum, convention } = this.options;
    const paper = convention === "paper";
    if (paper) this.powers[0]! *= momentum;
    for (let j = 0; j < counts.length; j++) {
      const count = counts[j]!;
      if (!paper && count === 0) continue;
      const fresh = paper ? count / total : count;
      this.values[j] = momentum * this.values[j]! + (1 - momentum) * fresh;
      if (!paper) this.powers[j]! *= momentum;
    }
  }

  /** What the losses and gradients of each region are divided by; 0 where the region is empty. */
  divisors({ counts, total }: Histogram): Float64Array {
    const { bins, convention, biasCorrection, maxWeight } = this.options;
    const paper = convention === "paper";
    let occupied = 0;
    for (const count of counts) if (count > 0) occupied++;
    const divisors = new Float64Array(bins);
    for (let j = 0; j < bins; j++) {
      if (counts[j] === 0) continue;
      const correction = biasCorrection ? 1 - this.powers[paper ? 0 : j]! : 1;
      const average = this.values[j]! / correction;
      const divisor = paper ? bins * total * average : occupied * average;
      divisors[j] = Math.max(divisor, total / maxWeight);
    }
    return divisors;
  }
}

/** The harmonized loss from per-region sums, in the order of the regions. */
export function harmonize({ lossSums }: Histogram, divisors: Float64Array): number {
  let loss = 0;
  for (let j = 0; j < divisors.length; j++) if (divisors[j]! > 0) loss += lossSums[j]! / divisors[j]!;
  return loss;
}

/** What the regions divide by where the histogram is of all data, and nothing came before it. */
export function divisorsOf(options: AverageOptions, histogram: Histogram): Float64Array {
  const average = new Average(options);
  average.update(histogram);
  return average.divisors(histogram);
}
