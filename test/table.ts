/** One row per pointwise loss: what the properties in `losses.test.ts` and its companions iterate over. */

import { asl1, bce, focal, type PointwiseLoss, type SharedOptions, smoothL1 } from "../src/mod.ts";
import fc from "./property.ts";
import { MIN_NORMAL, ulp } from "./reference/float32.ts";
import { margin, softplus } from "./reference/logistic.ts";
import { bceTruth, focalTruth, logMiss, type Truth } from "./reference/pointwise.ts";
import { asl1Truth, smoothL1Truth } from "./reference/residual.ts";
import { MARGIN_ROWS } from "./rows.margin.ts";

/** The parameters of all losses together. */
interface Parameters {
  posWeight?: number | Float32Array;
  alpha?: number | null | Float32Array;
  gamma?: number;
  beta?: number;
  margin?: number;
  k?: number;
  gammaPos?: number;
  gammaNeg?: number;
  clip?: number;
  detachFocus?: boolean;
  mu?: number;
  classes?: number;
}

export type Options = Parameters & {
  -readonly [K in keyof SharedOptions]: SharedOptions[K];
};

export interface Outputs {
  grad?: Float32Array;
  losses?: Float32Array;
}

/** Any pointwise loss, given only parameters that are its own. */
export type Loss = PointwiseLoss<Parameters>;

/** Scalar parameters of one loss. */
export interface Params extends Omit<Parameters, "posWeight" | "alpha" | "classes"> {
  posWeight?: number;
  alpha?: number | null;
}

export interface Row {
  name: string;
  loss: Loss;
  /** Whether targets are 0 or 1 only, and all others refused. */
  isHard?: boolean;
  /** A loss of residuals: x is a prediction and y any finite number. */
  real?: boolean;
  /** Parameter sets that the accuracy walks visit: the defaults, and every path of the kernel. */
  settings: Params[];
  params: fc.Arbitrary<Params>;
  truth: (x: number, y: number, params: Params) => Truth;
  /** Largest error of an element's loss, and of its gradient, that the documentation admits. */
  bound: (x: number, y: number, params: Params, truth: Truth) => { loss: number; grad: number };
  /** The factor above 1 that a value meets after it may have been flushed to 0; `posWeight` if there is none. */
  gain?: (params: Params) => number;
  /** Where the gradient is the derivative of the loss, some tenths around x; everywhere if there is none. */
  isSmooth?: (x: number, y: number, params: Params) => boolean;
}

/** What a value of this row is multiplied by at most after it may have been flushed to 0. */
export function gainOf(row: Row, params: Params): number {
  return row.gain?.(params) ?? params.posWeight ?? 1;
}

/** `soft` for losses that take soft targets, else what is hard of it. */
export function targetsFor(row: Row, soft: number[]): number[] {
  return row.isHard ? soft.filter((y) => y === 0 || y === 1) : soft;
}

const unit: fc.Arbitrary<number> = fc.integer({ min: 0, max: 64 }).map((k) => k / 64);

/** Focal exponents that are computed by products and square roots. */
function isHalf(gamma: number): boolean {
  return Number.isInteger(gamma * 2) && gamma <= 3;
}

/** `2^-24 (8 + 4 gamma softplus(u))`, softplus(u) being -log of what is raised to gamma. */
function focalRelative(x: number, y: number, gamma: number): number {
  const fade = y === 0 || y === 1 ? softplus(margin(x, y)) : -logMiss(x, y);
  return 2 ** -24 * (8 + 4 * gamma * fade);
}

const bceRow: Row = {
  name: "bce",
  loss: bce,
  settings: [{}, { posWeight: 3.5 }, { posWeight: 0.125 }],
  params: fc.record({ posWeight: unit.map((v) => v * 16) }, { requiredKeys: [] }),
  truth: (x, y, { posWeight = 1 }) => bceTruth(x, y, posWeight),
  bound: (_x, y, _params, { loss, grad, scale }) => ({
    loss: 4 * ulp(loss),
    grad: y === 0 || y === 1 ? 4 * ulp(grad) : 4 * 2 ** -23 * scale,
  }),
};

const focalRow: Row = {
  name: "focal",
  loss: focal,
  settings: [
    {},
    ...[0, 0.5, 1, 1.5, 2, 2.5, 3].map((gamma) => ({ gamma, alpha: null })),
    { gamma: 3.5, alpha: 0.75 },
    { gamma: 0.3, alpha: 0.3 },
    { gamma: 5, alpha: null },
    { gamma: 1.7, alpha: 0.25 },
  ],
  params: fc.record(
    {
      gamma: fc.oneof(
        fc.integer({ min: 0, max: 6 }).map((k) => k / 2),
        unit.map((v) => v * 8),
      ),
      alpha: fc.oneof(fc.constant(null), unit),
    },
    { requiredKeys: [] },
  ),
  truth: (x, y, { gamma = 2, alpha = 0.25 }) => focalTruth(x, y, gamma, alpha),
  bound: (x, y, { gamma = 2 }, { loss, grad, scale }) => {
    const hard = y === 0 || y === 1;
    if (isHalf(gamma)) {
      const ulps = 8 + 2 * gamma;
      return { loss: ulps * ulp(loss), grad: hard ? ulps * ulp(grad) : ulps * 2 ** -23 * scale };
    }
    const relative = focalRelative(x, y, gamma);
    return { loss: relative * loss, grad: relative * scale };
  },
};

/** Predictions stand for logits and any numbers for targets; beside the hard and soft ones, see regression.test.ts. */
const smoothL1Row: Row = {
  name: "smoothL1",
  loss: smoothL1,
  real: true,
  settings: [{}, { beta: 0 }, { beta: 1 / 9 }, { beta: 50 }],
  params: fc.record({ beta: unit.map((v) => v * 4) }, { requiredKeys: [] }),
  truth: (x, y, { beta = 1 }) => smoothL1Truth(x - y, beta),
  bound: (_x, _y, _params, { loss, grad }) => ({ loss: 4 * ulp(loss), grad: 4 * ulp(grad) }),
};

const asl1Row: Row = {
  name: "asl1",
  loss: asl1,
  real: true,
  settings: [{}, { mu: 1 }, { mu: 1e-4 }, { mu: 37 }],
  params: fc.record({ mu: unit.map((v) => v * 2 + 2 ** -12) }, { requiredKeys: [] }),
  truth: (x, y, { mu = 0.02 }) => asl1Truth(x - y, mu),
  bound: (_x, _y, _params, { loss, grad }) => ({ loss: 6 * ulp(loss), grad: 4 * ulp(grad) }),
};

export const TABLE: Row[] = [bceRow, focalRow, smoothL1Row, asl1Row, ...MARGIN_ROWS];

export function rowOf(name: string): Row {
  const row = TABLE.find((candidate) => candidate.name === name);
  if (!row) throw new Error(`No row ${name}`);
  return row;
}

/** The losses that take soft targets. */
export const SOFT: Row[] = TABLE.filter(({ isHard }) => !isHard);

/**
 * An error as a share of what is admitted. Results below the normal numbers may flush to 0, and do so before
 * a factor above 1 multiplies them.
 */
export function share(got: number, want: number, bound: number, factor = 1): number {
  const error = Math.abs(got - want);
  const flush = MIN_NORMAL * Math.max(factor, 1);
  if (Math.abs(want) < flush) return error / flush;
  return Number.isNaN(error) ? Infinity : error / bound;
}
