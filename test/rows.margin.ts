/** Rows of the table of losses: those of one margin that take hard targets only. */
import { asymmetric, focalStar, hardTruncation, softTruncation } from "../src/mod.ts";
import fc from "./property.ts";
import { ulp } from "./reference/float32.ts";
import { softplus } from "./reference/logistic.ts";
import {
  asymmetricTruth,
  beyondClip,
  focalStarTruth,
  hardTruncationTruth,
  softTruncationTruth,
} from "./reference/margin-losses.ts";
import type { Row } from "./table.ts";

const unit: fc.Arbitrary<number> = fc.integer({ min: 0, max: 64 }).map((k) => k / 64);
const exponent: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: 8 }).map((k) => k / 2),
  unit.map((v) => v * 8),
);

/** The same number of ulp for loss and gradient. */
function within(count: number): Row["bound"] {
  return (_x, _y, _params, { loss, grad }) => ({ loss: count * ulp(loss), grad: count * ulp(grad) });
}

function isParts(gamma: number): boolean {
  return gamma <= 4 && Number.isInteger(gamma * 2);
}

const focalStarRow: Row = {
  name: "focalStar",
  loss: focalStar,
  isHard: true,
  settings: [
    {},
    { gamma: 1, beta: 0 },
    { gamma: 4, beta: 0, alpha: 0.25 },
    { gamma: 0.3, beta: -7.7 },
    { gamma: 77.7, beta: 1000 },
    { gamma: 1000, beta: -999.9, alpha: 0.75 },
  ],
  params: fc.record(
    {
      gamma: unit.map((v) => 0.01 + 20 * v * v),
      beta: unit.map((v) => 60 * v - 30),
      alpha: fc.oneof(fc.constant(null), unit),
    },
    { requiredKeys: [] },
  ),
  truth: (x, y, { gamma = 2, beta = 1, alpha = null }) => focalStarTruth(x, y, gamma, beta, alpha),
  bound: within(6),
  gain: ({ gamma = 2 }) => 1 / gamma,
};

const hardTruncationRow: Row = {
  name: "hardTruncation",
  loss: hardTruncation,
  isHard: true,
  settings: [{}, { margin: 0.6 }, { margin: 0.25 }, { margin: 0.999 }, { margin: 1 }],
  params: fc.record({ margin: unit.map((v) => (v * 64 + 1) / 65) }, { requiredKeys: [] }),
  truth: (x, y, { margin = 0.5 }) => hardTruncationTruth(x, y, margin),
  bound: within(4),
  isSmooth: (x, y, { margin = 0.5 }) => {
    const u = y === 1 ? x : -x;
    return margin === 1 || Math.abs(u - Math.log(margin / (1 - margin))) > 0.05;
  },
};

const softTruncationRow: Row = {
  name: "softTruncation",
  loss: softTruncation,
  isHard: true,
  settings: [{}, { k: 0.001 }, { k: 0.3 }, { k: 2 }, { k: 5 }, { k: 10.1 }, { k: 1000 }],
  params: fc.record({ k: unit.map((v) => 0.01 + 40 * v * v) }, { requiredKeys: [] }),
  truth: (x, y, { k = 1 }) => softTruncationTruth(x, y, k),
  bound: within(8),
  isSmooth: (x, _y, { k = 1 }) => k < 3 || Math.abs(x) > 1,
};

const DEFAULTS = { gammaPos: 0, gammaNeg: 4, clip: 0.05, detachFocus: false };

/** 2^-24 (12 + 8 g + 3 g (-log b)). */
function asymmetricRelative(x: number, y: number, gamma: number, clip: number): number {
  const b = y === 1 ? Math.exp(-softplus(x)) : beyondClip(x, clip);
  return 2 ** -24 * (12 + 8 * gamma - 3 * gamma * Math.log(Math.max(b, 1e-300)));
}

const asymmetricRow: Row = {
  name: "asymmetric",
  loss: asymmetric,
  isHard: true,
  settings: [
    {},
    { detachFocus: true, gammaPos: 1 },
    { gammaPos: 2, gammaNeg: 2, clip: 0 },
    { gammaPos: 1, gammaNeg: 0, clip: 0.2 },
    { gammaPos: 3.5, gammaNeg: 0.5, clip: 0.5 },
    { gammaPos: 0.3, gammaNeg: 0.3 },
    { gammaPos: 0.7, gammaNeg: 5.3, clip: 0.3 },
    { gammaPos: 0, gammaNeg: 2.2, clip: 0, detachFocus: true },
    { gammaPos: 4, gammaNeg: 3, clip: 1e-6 },
    { gammaPos: 6, gammaNeg: 1.5, clip: 0.9 },
  ],
  params: fc.record(
    {
      gammaPos: exponent,
      gammaNeg: exponent,
      clip: unit.map((v) => v * 0.95),
      detachFocus: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  truth: (x, y, params) => asymmetricTruth(x, y, { ...DEFAULTS, ...params }),
  bound: (x, y, params, result) => {
    const { gammaPos, gammaNeg, clip } = { ...DEFAULTS, ...params };
    const gamma = y === 1 ? gammaPos : gammaNeg;
    if (clip === 0.5 && Math.abs(x) < 2 ** -114) return { loss: Infinity, grad: Infinity };
    if (isParts(gammaPos) && isParts(gammaNeg)) return within(8 + 6 * gamma)(x, y, params, result);
    const relative = asymmetricRelative(x, y, gamma, clip);
    return { loss: relative * result.loss, grad: relative * result.scale };
  },
  // Where p falls below the normal range the slope, p (1 + gamma CE) / clip, may still be above it.
  gain: (params) => {
    const { gammaNeg, clip } = { ...DEFAULTS, ...params };
    return clip === 0 ? 1 : (1 + gammaNeg * Math.log(1 / clip)) / clip;
  },
  isSmooth: (x, y, params) => {
    const { gammaNeg, clip, detachFocus } = { ...DEFAULTS, ...params };
    if (detachFocus) return false;
    return y === 1 || clip === 0 || gammaNeg >= 2 || Math.abs(x - Math.log(clip / (1 - clip))) > 0.3;
  },
};

export const MARGIN_ROWS: Row[] = [focalStarRow, hardTruncationRow, softTruncationRow, asymmetricRow];
