/** The tables of key values in the documentation: what is in their rows and columns, and each cell by the oracles. */
import { densityTruth } from "./reference/density.ts";
import { GhmOracle, type GhmSettings } from "./reference/ghm.ts";
import { softplus } from "./reference/logistic.ts";
import type { Truth } from "./reference/pointwise.ts";
import type { RowTruth } from "./reference/rows.ts";
import { ROWS, type RowParams } from "./rows-table.ts";
import { type Params, rowOf } from "./table.ts";

/** The logit of a probability. */
export const logitOf = (p: number): number => Math.log(p / (1 - p));

export interface Curve {
  label: string;
  row: string;
  params: Params;
  target: 0 | 1;
}

/** Binary losses, without class weights. */
export const BINARY: Curve[] = [
  { label: "`bce`", row: "bce", params: {}, target: 1 },
  ...[0.5, 2, 5].map((gamma) => ({
    label: `\`focal\`, gamma ${gamma}`,
    row: "focal",
    params: { gamma, alpha: null },
    target: 1 as const,
  })),
  { label: "`focalStar`", row: "focalStar", params: {}, target: 1 },
  { label: "`hardTruncation`", row: "hardTruncation", params: {}, target: 1 },
  { label: "`softTruncation`, k 1", row: "softTruncation", params: {}, target: 1 },
  { label: "`softTruncation`, k 5", row: "softTruncation", params: { k: 5 }, target: 1 },
  { label: "`asymmetric`, t = 1", row: "asymmetric", params: {}, target: 1 },
  { label: "`asymmetric`, t = 0", row: "asymmetric", params: {}, target: 0 },
  { label: "`asymmetric`, t = 0, clip 0", row: "asymmetric", params: { clip: 0 }, target: 0 },
];

/** Losses of residuals. */
export const REAL: Curve[] = [
  { label: "`smoothL1`", row: "smoothL1", params: {}, target: 0 },
  { label: "`smoothL1`, beta 0.11", row: "smoothL1", params: { beta: 0.11 }, target: 0 },
  { label: "`smoothL1`, beta 0", row: "smoothL1", params: { beta: 0 }, target: 0 },
  { label: "`asl1`", row: "asl1", params: {}, target: 0 },
];

/** Loss and derivative of a curve at a probability of the target, or at a residual. */
export function valueAt({ row, params, target }: Curve, at: number): Truth {
  const entry = rowOf(row);
  if (entry.real) return entry.truth(at, 0, params);
  const u = logitOf(at);
  return entry.truth(target === 1 ? u : -u, target, params);
}

/** The quantities of the tables of curves. */
export function cell(curve: Curve, quantity: string, at: number): number {
  const { loss, grad } = valueAt(curve, at);
  if (quantity === "loss") return loss;
  if (quantity === "slope") return Math.abs(grad);
  if (quantity === "loss / CE") return loss / softplus(-logitOf(at));
  throw new Error(`No quantity ${quantity}`);
}

/**
 * The probability at which the expected loss is least, where a share `pi` of equal samples has target 1: where the
 * expected derivative changes its sign.
 */
export function asked(row: string, params: Params, pi: number): number {
  const { truth } = rowOf(row);
  const slope = (x: number): number => pi * truth(x, 1, params).grad + (1 - pi) * truth(x, 0, params).grad;
  let [low, high] = [-30, 30];
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return 1 / (1 + Math.exp(-low));
}

/** What the probabilities that a loss asks for are listed of. */
export const ASKED: Record<string, [row: string, params: Params]> = {
  "`bce`": ["bce", {}],
  "`bce`, `posWeight` 10": ["bce", { posWeight: 10 }],
  "`focal`, gamma 0.5": ["focal", { gamma: 0.5, alpha: null }],
  "`focal`, gamma 2": ["focal", { gamma: 2, alpha: null }],
  "`focal`, gamma 2, alpha 0.25": ["focal", {}],
  "`focal`, gamma 5": ["focal", { gamma: 5, alpha: null }],
  "`focalStar`": ["focalStar", {}],
  "`hardTruncation`": ["hardTruncation", {}],
  "`softTruncation`, k 1": ["softTruncation", {}],
  "`softTruncation`, k 5": ["softTruncation", { k: 5 }],
  "`asymmetric`": ["asymmetric", {}],
  "`asymmetric`, clip 0": ["asymmetric", { clip: 0 }],
};

/** Rows of three classes of which the two others are equal: logits for a probability of the label. */
export function threeClasses(p: number): number[] {
  return [logitOf(p) + Math.log(2), 0, 0];
}

/** Losses of pairs: x is the difference of two scores, the target 1. */
export const PAIRS: Curve[] = [
  { label: '`"bpr"`', row: "bce", params: {}, target: 1 },
  { label: '`"focal"`, gamma 2', row: "focal", params: { gamma: 2, alpha: null }, target: 1 },
];

export interface RowCurve {
  label: string;
  row: string;
  params: RowParams;
}

export const CLASSES: RowCurve[] = [
  { label: "`softmaxCrossEntropy`", row: "softmaxCrossEntropy", params: {} },
  {
    label: "`softmaxCrossEntropy`, smoothing 0.1",
    row: "softmaxCrossEntropy",
    params: { labelSmoothing: 0.1 },
  },
  { label: "`softmaxFocal`", row: "softmaxFocal", params: {} },
  { label: "`softmaxFocalStar`", row: "softmaxFocalStar", params: {} },
  { label: "`softmaxHardTruncation`, margin 0.8", row: "softmaxHardTruncation", params: { margin: 0.8 } },
  { label: "`softmaxSoftTruncation`", row: "softmaxSoftTruncation", params: {} },
  { label: '`softmaxSoftTruncation`, `"rival"`', row: "softmaxSoftTruncation", params: { form: "rival" } },
  { label: "`asymmetricSingleLabel`", row: "asymmetricSingleLabel", params: {} },
];

export function rowTruth({ row, params }: RowCurve, logits: ArrayLike<number>): RowTruth {
  const entry = ROWS.find(({ name }) => name === row);
  if (!entry) throw new Error(`No row ${row}`);
  return entry.truth(logits, 0, params);
}

/** Samples of which a share lies in one region, and the others in each of the remaining `occupied - 1`. */
function regions(share: number, bins: number, occupied: number): number[] {
  const n = Number.isInteger(share * 1000) ? 1000 : 30;
  const inside = Math.round(share * n);
  return Array.from({ length: n }, (_, i) => {
    const bin = i < inside ? 0 : 1 + (i % (occupied - 1));
    return (bin + 0.5) / bins;
  });
}

/** Weight beta of the first sample in a first step. */
function weight(share: number, occupied: number, settings: Omit<GhmSettings, "bins">): number {
  const g = regions(share, 30, occupied);
  const oracle = new GhmOracle({ bins: 30, ...settings });
  const { grad } = oracle.step({ logits: g.map(logitOf), targets: g.map(() => 0) });
  return (grad[0] * g.length) / g[0];
}

/** Norms of which a share is at one place and the rest far from it. */
function window(at: number, share: number): number[] {
  return regions(share, 30, 2).map((g) => (g < 1 / 30 ? at : 0.75));
}

/** The weight beta of a sample in a region, or a window, that holds a share of all samples. */
export const WEIGHTS: Record<string, (share: number) => number> = {
  '`"paper"`': (share) => weight(share, 30, { convention: "paper", momentum: 0 }),
  '`"mmdet"`, 10 of 30 regions occupied': (share) => weight(share, 10, { convention: "mmdet", momentum: 0 }),
  '`"mmdet"`, first step at momentum 0.75': (share) =>
    weight(share, 10, { convention: "mmdet", momentum: 0.75 }),
  "`exact`, g = 0.5": (share) => densityTruth(window(0.5, share), 1 / 30).beta[0],
  "`exact`, g = 0": (share) => densityTruth(window(0, share), 1 / 30).beta[0],
};
