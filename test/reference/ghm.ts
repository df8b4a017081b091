/** Gradient harmonizing in f64: Li et al. 2019 with unit regions, and the form mmdetection gives it. */
import { margin, sigmoid, softplus } from "./logistic.ts";
import { asl1Truth } from "./residual.ts";

export type Convention = "paper" | "mmdet";

export interface Batch {
  logits: ArrayLike<number>;
  targets: ArrayLike<number>;
  mask?: ArrayLike<number>;
}

export interface GhmSettings {
  bins: number;
  convention: Convention;
  momentum?: number;
  biasCorrection?: boolean;
  maxWeight?: number;
  /** Given: authentic smooth L1 of residuals takes the place of cross-entropy. */
  mu?: number;
}

export interface GhmTruth {
  loss: number;
  grad: number[];
  meanLoss: number;
  count: number;
  counts: number[];
  lossSums: number[];
}

/** Lower edges of the bins and, last, the end of the last one. */
export function edgesOf(bins: number, convention: Convention): number[] {
  const edges = Array.from({ length: bins + 1 }, (_, j) =>
    convention === "mmdet" ? Math.fround(Math.fround(j) / Math.fround(bins)) : j / bins,
  );
  edges[bins] += 1e-6;
  return edges;
}

/** Loss, and signed gradient norm, of what is harmonized. */
function element(x: number, y: number, mu: number | undefined): { loss: number; grad: number } {
  if (mu !== undefined) return asl1Truth(x - y, mu);
  const u = margin(x, y);
  return { loss: softplus(-u), grad: y === 1 ? -sigmoid(-u) : sigmoid(-u) };
}

/** How near any gradient norm comes to an inner edge, relative to it: float32 may bin such an element elsewhere. */
export function edgeGap(x: number, y: number, bins: number, mu?: number): number {
  const g = Math.abs(element(x, y, mu).grad);
  const near = Math.round(g * bins);
  return near < 1 || near >= bins ? Infinity : Math.abs(g - near / bins) / g;
}

/** A batch after batch run with the moving average kept in f64. */
export class GhmOracle {
  average: number[];
  updates: number[];
  steps = 0;
  settings: GhmSettings;

  constructor(settings: GhmSettings) {
    this.settings = settings;
    this.average = new Array<number>(settings.bins).fill(0);
    this.updates = new Array<number>(settings.bins).fill(0);
  }

  step(batch: Batch): GhmTruth {
    const { bins, convention, mu } = this.settings;
    const edges = edgesOf(bins, convention);
    const n = batch.logits.length;
    const norms = new Array<number>(n).fill(0);
    const index = new Array<number>(n).fill(-1);
    const truth: GhmTruth = {
      loss: 0,
      grad: new Array<number>(n).fill(0),
      meanLoss: 0,
      count: 0,
      counts: new Array<number>(bins).fill(0),
      lossSums: new Array<number>(bins).fill(0),
    };
    for (let i = 0; i < n; i++) {
      if (batch.mask && batch.mask[i] === 0) continue;
      const { loss, grad } = element(batch.logits[i], batch.targets[i], mu);
      norms[i] = grad;
      let j = bins - 1;
      while (Math.abs(grad) < edges[j]) j--;
      index[i] = j;
      truth.count++;
      truth.counts[j]++;
      truth.lossSums[j] += loss;
    }
    if (truth.count === 0) return truth;
    const beta = this.weights(truth);
    for (let i = 0; i < n; i++) {
      if (index[i] < 0) continue;
      truth.grad[i] = (beta[index[i]] / truth.count) * norms[i];
    }
    for (let j = 0; j < bins; j++) {
      truth.loss += (truth.lossSums[j] / truth.count) * beta[j];
      truth.meanLoss += truth.lossSums[j] / truth.count;
    }
    return truth;
  }

  /** Takes the batch into the average and gives the weight of every bin. */
  private weights(truth: GhmTruth): number[] {
    const { bins, convention, momentum: a = 0, maxWeight = Infinity } = this.settings;
    const correct = this.settings.biasCorrection ?? convention === "paper";
    const occupied = truth.counts.filter((r) => r > 0).length;
    this.steps++;
    return truth.counts.map((r, j) => {
      const paper = convention === "paper";
      if (paper || r > 0) {
        this.average[j] = a * this.average[j] + (1 - a) * (paper ? r / truth.count : r);
        this.updates[j]++;
      }
      if (r === 0) return 0;
      const t = paper ? this.steps : this.updates[j];
      const mean = correct ? this.average[j] / (1 - a ** t) : this.average[j];
      const beta = paper ? 1 / (bins * mean) : truth.count / (occupied * mean);
      return Math.min(beta, maxWeight);
    });
  }
}

/** One batch without memory. */
export function ghmTruth(batch: Batch, settings: GhmSettings): GhmTruth {
  return new GhmOracle({ ...settings, momentum: 0 }).step(batch);
}
