/** Batches for gradient harmonizing, and what its tests compare. */
import assert from "node:assert/strict";
import { bce, type Ghm, type GhmrOptions, ghmc, ghmr } from "../src/mod.ts";
import { random } from "./data.ts";
import { type Convention, edgeGap, type GhmTruth } from "./reference/ghm.ts";

export interface GhmBatch {
  logits: Float32Array<ArrayBuffer>;
  targets: Float32Array<ArrayBuffer>;
  mask: Uint8Array<ArrayBuffer>;
}

export function ghmBatch(n: number, bins: number, seed: number, zeros = 0): GhmBatch {
  const next = random(seed);
  const logits = new Float32Array(n);
  const targets = new Float32Array(n);
  const mask = new Uint8Array(n).fill(1);
  for (let i = 0; i < n; i++) {
    targets[i] = next() < 0.2 ? 1 : 0;
    do logits[i] = (next() + next() + next() - 1.5) * 9 - 2;
    while (edgeGap(logits[i], targets[i], bins) < 1e-5);
    if (next() < zeros) mask[i] = 0;
  }
  return { logits, targets, mask };
}

/** Residuals of many sizes on targets of many sizes. */
export function ghmrBatch(n: number, bins: number, seed: number, zeros = 0): GhmBatch {
  const next = random(seed);
  const logits = new Float32Array(n);
  const targets = new Float32Array(n);
  const mask = new Uint8Array(n).fill(1);
  for (let i = 0; i < n; i++) {
    targets[i] = (next() - 0.5) * 4;
    do logits[i] = targets[i] + (next() - 0.5) * 2 ** -Math.floor(next() * 12);
    while (edgeGap(logits[i], targets[i], bins, 0.02) < 1e-5);
    if (next() < zeros) mask[i] = 0;
  }
  return { logits, targets, mask };
}

/** The two instances of one definition: what is harmonized, and with which defaults. */
export interface Family {
  name: string;
  ghm: Ghm<GhmrOptions>;
  /** What the oracle has to be told beside the options. */
  own: { mu?: number };
  bins: number;
  draw: typeof ghmBatch;
  /** A target that is refused. */
  wrong: number;
}

export const FAMILIES: Family[] = [
  { name: "ghmc", ghm: ghmc, own: {}, bins: 30, draw: ghmBatch, wrong: 0.5 },
  { name: "ghmr", ghm: ghmr, own: { mu: 0.02 }, bins: 10, draw: ghmrBatch, wrong: Infinity },
];

export const CONVENTIONS: Convention[] = ["paper", "mmdet"];
/** Each of them in each convention. */
export const SUBJECTS: (Family & { convention: Convention })[] = FAMILIES.flatMap((family) =>
  CONVENTIONS.map((convention) => ({ ...family, convention })),
);

export const BINS = [1, 2, 3, 5, 10, 16, 17, 30, 31, 32, 33, 64, 100, 255, 256];

/** Mean errors of some float32 operations; a wrong bin or divisor is off by far more. */
export const BOUND = 16 * 2 ** -24;

export function near(got: number, want: number, what: string, bound = BOUND): void {
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want) + 1e-37, `${what}: got ${got}, want ${want}`);
}

export interface Result {
  loss: number;
  grad: Float32Array;
  meanLoss: number;
  count: number;
  histogram: { bins: number; counts: Float64Array; lossSums: Float64Array; total: number };
}

export function agree(got: Result, want: GhmTruth, what: string, bound = BOUND): void {
  near(got.loss, want.loss, `${what} loss`, bound);
  near(got.meanLoss, want.meanLoss, `${what} mean loss`, bound);
  assert.equal(got.count, want.count);
  assert.equal(got.histogram.total, want.count);
  assert.deepEqual([...got.histogram.counts], want.counts, what);
  want.lossSums.forEach((v, j) => {
    near(got.histogram.lossSums[j], v, `${what} loss of bin ${j}`, bound);
  });
  want.grad.forEach((v, i) => {
    near(got.grad[i], v, `${what} gradient ${i}`, bound);
  });
}

export function occupiedOf(result: Result): number {
  return result.histogram.counts.reduce((sum, r) => sum + (r > 0 ? 1 : 0), 0);
}

/** Weight of every element, read back from its gradient. */
export function betas(b: GhmBatch, grad: Float32Array): number[] {
  const plain = bce(b.logits, b.targets, { reduction: "none" }).grad;
  return [...grad].map((v, i) => (v * grad.length) / plain[i]);
}
