/** Batches of rows for gradient harmonizing, and what its tests compare. */
import assert from "node:assert/strict";
import { random } from "./data.ts";
import { near, type Result } from "./ghm-data.ts";
import { type GhmTruth, rowEdgeGap } from "./reference/ghm.ts";

export interface GhmRows {
  logits: Float32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
  mask: Uint8Array<ArrayBuffer>;
  classes: number;
}

/** Rows most of which are easy; some classes are excluded, and of the rows some masked and some ignored. */
export function ghmRows(rows: number, classes: number, bins: number, seed: number, zeros = 0): GhmRows {
  const next = random(seed);
  const logits = new Float32Array(rows * classes);
  const labels = new Int32Array(rows);
  const mask = new Uint8Array(rows).fill(1);
  for (let r = 0; r < rows; r++) {
    const label = Math.floor(next() * classes);
    const x = logits.subarray(r * classes, (r + 1) * classes);
    do {
      for (let k = 0; k < classes; k++) x[k] = (next() + next() + next() - 1.5) * 6 + (k === label ? 4 : 0);
      if (classes > 2 && next() < 0.2) x[(label + 1) % classes] = -Infinity;
    } while (rowEdgeGap(x, label, bins) < 1e-5);
    labels[r] = label;
    const [isMasked, isIgnored] = [next() < zeros, next() < zeros];
    if (isMasked) mask[r] = 0;
    else if (isIgnored) labels[r] = -100;
  }
  return { logits, labels, mask, classes };
}

/** The rows of a batch that `keep` names. */
export function pickRows({ logits, labels, mask, classes }: GhmRows, keep: number[]): GhmRows {
  const part = new Float32Array(keep.length * classes);
  keep.forEach((r, k) => {
    part.set(logits.subarray(r * classes, (r + 1) * classes), k * classes);
  });
  return {
    logits: part,
    labels: Int32Array.from(keep, (r) => labels[r]),
    mask: Uint8Array.from(keep, (r) => mask[r]),
    classes,
  };
}

/** Rows from i to j as the arguments of a call. */
export function cut({ logits, labels, mask, classes }: GhmRows, i: number, j: number) {
  return [
    logits.subarray(i * classes, j * classes),
    labels.subarray(i, j),
    { mask: mask.subarray(i, j) },
  ] as const;
}

/** Rows that exist. */
export function keptRows({ labels, mask }: GhmRows): number[] {
  return [...labels.keys()].filter((r) => labels[r] >= 0 && mask[r]);
}

/** Holds a result to its truth: the bound of cross-entropy of rows, and the roundings of weight and product. */
export function agreeRows(got: Result, want: GhmTruth, b: GhmRows, what: string): void {
  near(got.loss, want.loss, `${what} loss`);
  near(got.meanLoss, want.meanLoss, `${what} mean loss`);
  assert.deepEqual([got.count, got.histogram.total], [want.count, want.count]);
  assert.deepEqual([...got.histogram.counts], want.counts, what);
  want.lossSums.forEach((v, j) => {
    near(got.histogram.lossSums[j], v, `${what} loss of bin ${j}`);
  });
  for (let r = 0; r < b.labels.length; r++) {
    const x = b.logits.subarray(r * b.classes, (r + 1) * b.classes);
    const peak = x.reduce((most, v, k) => (k === b.labels[r] ? most : Math.max(most, v)), -Infinity);
    for (let k = 0; k < b.classes; k++) {
      const i = r * b.classes + k;
      const gap = k === b.labels[r] || x[k] === -Infinity ? 0 : peak - x[k];
      near(got.grad[i], want.grad[i], `${what} gradient ${i}`, (18 + gap) * 2 ** -24);
    }
  }
}
