/** Gradient harmonizing in f64: Li et al. 2019 with unit regions, and the form mmdetection gives it. */
import { margin, sigmoid, softplus } from "./logistic.ts";
import { asl1Truth } from "./residual.ts";
import { softmaxFocalTruth } from "./rows.ts";

export type Convention = "paper" | "mmdet";

export interface Batch {
  logits: ArrayLike<number>;
  targets: ArrayLike<number>;
  mask?: ArrayLike<number>;
}

/** Rows of logits, of which those with a negative label are ignored. */
export interface RowBatch {
  logits: ArrayLike<number>;
  labels: ArrayLike<number>;
  classes: number;
  mask?: ArrayLike<number>;
}

/** What is harmonized: a loss, its gradient norm, and its gradient in one input or in several. */
interface Sample {
  loss: number;
  norm: number;
  grad: number[];
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

/** Cross-entropy of a row, and how far its label's probability is from 1. */
function row(x: ArrayLike<number>, t: number): Sample {
  const { loss, grad } = softmaxFocalTruth(x, t, 0, 1);
  return { loss, norm: -grad[t], grad };
}

/** How near a norm comes to an inner edge, relative to it. */
function gapOf(g: number, bins: number): number {
  const near = Math.round(g * bins);
  return near < 1 || near >= bins ? Infinity : Math.abs(g - near / bins) / g;
}

/** The same of a row's norm. */
export function rowEdgeGap(x: ArrayLike<number>, t: number, bins: number): number {
  return gapOf(row(x, t).norm, bins);
}

/** How near any gradient norm comes to an inner edge, relative to it: float32 may bin such an element elsewhere. */
export function edgeGap(x: number, y: number, bins: number, mu?: number): number {
  return gapOf(Math.abs(element(x, y, mu).grad), bins);
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

  step({ logits, targets, mask }: Batch): GhmTruth {
    const samples = Array.from(logits, (x, i) => {
      if (mask && mask[i] === 0) return null;
      const { loss, grad } = element(x, targets[i], this.settings.mu);
      return { loss, norm: Math.abs(grad), grad: [grad] };
    });
    return this.take(samples, 1);
  }

  stepRows({ logits, labels, classes, mask }: RowBatch): GhmTruth {
    const samples = Array.from(labels, (t, r) => {
      if (t < 0 || (mask && mask[r] === 0)) return null;
      return row(Array.prototype.slice.call(logits, r * classes, (r + 1) * classes), t);
    });
    return this.take(samples, classes);
  }

  private take(samples: (Sample | null)[], width: number): GhmTruth {
    const { bins, convention } = this.settings;
    const edges = edgesOf(bins, convention);
    const n = samples.length;
    const index = new Array<number>(n).fill(-1);
    const truth: GhmTruth = {
      loss: 0,
      grad: new Array<number>(n * width).fill(0),
      meanLoss: 0,
      count: 0,
      counts: new Array<number>(bins).fill(0),
      lossSums: new Array<number>(bins).fill(0),
    };
    samples.forEach((sample, i) => {
      if (!sample) return;
      let j = bins - 1;
      while (sample.norm < edges[j]) j--;
      index[i] = j;
      truth.count++;
      truth.counts[j]++;
      truth.lossSums[j] += sample.loss;
    });
    if (truth.count === 0) return truth;
    const beta = this.weights(truth);
    samples.forEach((sample, i) => {
      sample?.grad.forEach((g, k) => {
        truth.grad[i * width + k] = (beta[index[i]] / truth.count) * g;
      });
    });
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
