/** One entry per loss of rows: what the properties in `rows.test.ts` iterate over. */
import {
  asymmetricSingleLabel,
  type RowLoss,
  type RowOptions,
  softmaxCrossEntropy,
  softmaxFocal,
  softmaxFocalStar,
  softmaxHardTruncation,
  softmaxSoftTruncation,
} from "../src/mod.ts";
import { random } from "./data.ts";
import {
  asymmetricTruth,
  hardTruncationTruth,
  marginTruncationTruth,
  type RowTruth,
  rivalTruncationTruth,
  softmaxFocalTruth,
  starTruth,
} from "./reference/rows.ts";

/** Parameters of all losses of rows together. */
export interface RowParams {
  labelSmoothing?: number;
  gamma?: number;
  beta?: number;
  alpha?: number | null;
  k?: number;
  margin?: number;
  form?: "margin" | "rival";
  gammaPos?: number;
  gammaNeg?: number;
}

export interface RowEntry {
  name: string;
  loss: RowLoss<RowParams & Partial<RowOptions>>;
  /** Parameter sets that the accuracy walks visit: the defaults, and every path of the kernels. */
  settings: RowParams[];
  truth: (x: ArrayLike<number>, t: number, params: RowParams) => RowTruth;
  /** Largest relative error of a row's loss, in units of 2^-24; the label's gradient may have as much again. */
  units: (params: RowParams, truth: RowTruth) => number;
  /** Whether gradients of smoothed rows are rounded once, with terms good to 2^-40. */
  isWide?: (params: RowParams) => boolean;
}

/** Exponents that are computed by products and square roots. */
function isHalf(gamma: number): boolean {
  return Number.isInteger(gamma * 2) && gamma <= 3;
}

/** As for the binary focal loss, where softplus(u) is -log of what is raised to gamma. */
function focalUnits(gamma: number, { margin }: RowTruth): number {
  return isHalf(gamma) ? 8 + 2 * gamma : 8 + 4 * gamma * (margin === -Infinity ? 1 : Math.max(-margin, 1));
}

export const ROWS: RowEntry[] = [
  {
    name: "softmaxCrossEntropy",
    loss: softmaxCrossEntropy as RowEntry["loss"],
    settings: [{}, { labelSmoothing: 0.1 }, { labelSmoothing: 1e-5 }, { labelSmoothing: 1 }],
    truth: (x, t, { labelSmoothing = 0 }) => asymmetricTruth(x, t, 0, 0, labelSmoothing),
    units: () => 8,
    isWide: ({ labelSmoothing = 0 }) => labelSmoothing > 0,
  },
  {
    name: "softmaxFocal",
    loss: softmaxFocal as RowEntry["loss"],
    settings: [
      {},
      ...[0, 0.5, 1, 1.5, 2, 2.5, 3].map((gamma) => ({ gamma })),
      { gamma: 0.3, alpha: 0.25 },
      { gamma: 1.7, alpha: 3 },
      { gamma: 5 },
    ],
    truth: (x, t, { gamma = 2, alpha = null }) => softmaxFocalTruth(x, t, gamma, alpha ?? 1),
    units: ({ gamma = 2 }, truth) => focalUnits(gamma, truth) + 2,
  },
  {
    name: "softmaxFocalStar",
    loss: softmaxFocalStar as RowEntry["loss"],
    settings: [
      {},
      { gamma: 1, beta: 0 },
      { gamma: 4, beta: 0, alpha: 0.25 },
      { gamma: 0.3, beta: -2 },
      { gamma: 30 },
    ],
    truth: (x, t, { gamma = 2, beta = 1, alpha = null }) => starTruth(x, t, gamma, beta, alpha ?? 1),
    units: ({ gamma = 2 }, { margin }) =>
      12 + 4 * gamma * (margin === -Infinity ? 1 : Math.max(Math.abs(margin), 1)),
  },
  {
    name: "softmaxHardTruncation",
    loss: softmaxHardTruncation as RowEntry["loss"],
    settings: [{}, { margin: 0.9 }, { margin: 0.3 }, { margin: 1 }],
    truth: (x, t, { margin = 0.5 }) => hardTruncationTruth(x, t, margin),
    units: () => 8,
  },
  {
    name: "softmaxSoftTruncation",
    loss: softmaxSoftTruncation as RowEntry["loss"],
    settings: [
      {},
      { k: 0.5 },
      { k: 4 },
      { k: 30 },
      { form: "rival" },
      { k: 0.5, form: "rival" },
      { k: 4, form: "rival" },
    ],
    truth: (x, t, { k = 1, form = "margin" }) =>
      form === "margin" ? marginTruncationTruth(x, t, k) : rivalTruncationTruth(x, t, k),
    units: ({ k = 1, form }, { margin, gaps }) => {
      const far = margin === -Infinity ? 1 : Math.abs(margin);
      const widest = gaps.reduce((most, gap) => Math.max(most, gap), far);
      return 12 + 4 * k * (form === "rival" ? widest : Math.max(far, 1));
    },
  },
  {
    name: "asymmetricSingleLabel",
    loss: asymmetricSingleLabel as RowEntry["loss"],
    settings: [
      {},
      { gammaNeg: 0 },
      { gammaPos: 1, gammaNeg: 4, labelSmoothing: 0.2 },
      { gammaPos: 2, gammaNeg: 1, labelSmoothing: 0.5 },
      { gammaPos: 0.3, gammaNeg: 0.5 },
      { gammaPos: 1, labelSmoothing: 0 },
    ],
    truth: (x, t, { gammaPos = 0, gammaNeg = 4, labelSmoothing = 0.1 }) =>
      asymmetricTruth(x, t, gammaPos, gammaNeg, labelSmoothing),
    units: ({ gammaPos = 0, gammaNeg = 4 }, truth) => {
      const far = truth.margin === -Infinity ? 0 : Math.max(-truth.margin, 0);
      const longest = truth.gaps.reduce((most, gap) => Math.max(most, gap), 0) + far;
      return focalUnits(gammaPos, truth) + gammaNeg * (8 + 2 * Math.min(longest, 100));
    },
    isWide: ({ gammaPos = 0, gammaNeg = 4, labelSmoothing = 0.1 }) =>
      gammaPos === 0 && gammaNeg === 0 && labelSmoothing > 0,
  },
];

export interface RowData {
  logits: Float32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
}

/** Rows whose logits reach `spread` to both sides, with some excluded classes. */
export function rowData(
  rows: number,
  classes: number,
  seed: number,
  spread: number,
  excluded = 0.05,
): RowData {
  const next = random(seed);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(next() * classes));
  const logits = Float32Array.from({ length: rows * classes }, (_, i) => {
    const x = (next() + next() + next() - 1.5) * spread;
    return next() < excluded && i % classes !== labels[Math.floor(i / classes)] ? -Infinity : x;
  });
  return { logits, labels };
}
