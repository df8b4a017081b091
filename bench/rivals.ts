/** What one writes without a library: plain loops over Float32Array, in float64, as good as JavaScript gets. */
import type { Batch } from "./data.ts";

export function bce({ logits, targets }: Batch, grad: Float32Array): number {
  const n = logits.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const x = logits[i]!;
    const t = targets[i]!;
    const e = Math.exp(-Math.abs(x));
    sum += Math.max(x, 0) - x * t + Math.log1p(e);
    grad[i] = ((x >= 0 ? 1 / (1 + e) : e / (1 + e)) - t) / n;
  }
  return sum / n;
}

export function focal({ logits, targets }: Batch, grad: Float32Array): number {
  const n = logits.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const t = targets[i]!;
    const u = t ? logits[i]! : -logits[i]!;
    const e = Math.exp(-Math.abs(u));
    const p = u >= 0 ? 1 / (1 + e) : e / (1 + e);
    const q = u >= 0 ? e / (1 + e) : 1 / (1 + e);
    const ce = Math.max(-u, 0) + Math.log1p(e);
    const weight = (t ? 0.25 : 0.75) * q * q;
    sum += weight * ce;
    grad[i] = ((t ? -1 : 1) * weight * (q + 2 * p * ce)) / n;
  }
  return sum / n;
}

export function ghmc({ logits, targets }: Batch, grad: Float32Array, bins = 30): number {
  const n = logits.length;
  const region = new Uint8Array(n);
  const counts = new Float64Array(bins);
  const sums = new Float64Array(bins);
  for (let i = 0; i < n; i++) {
    const t = targets[i]!;
    const u = t ? logits[i]! : -logits[i]!;
    const e = Math.exp(-Math.abs(u));
    const q = u >= 0 ? e / (1 + e) : 1 / (1 + e);
    const k = Math.min(Math.floor(q * bins), bins - 1);
    region[i] = k;
    counts[k]! += 1;
    sums[k]! += Math.max(-u, 0) + Math.log1p(e);
    grad[i] = t ? -q : q;
  }
  let loss = 0;
  const weights = counts.map((count, k) => {
    if (count === 0) return 0;
    loss += sums[k]! / (count * bins);
    return 1 / (count * bins);
  });
  for (let i = 0; i < n; i++) grad[i]! *= weights[region[i]!]!;
  return loss;
}

/** Window counts by sorting and two pointers, carried back to the order of the samples. */
export function windowCounts(g: Float32Array, width: number, counts: Uint32Array): void {
  const n = g.length;
  const order = new Float64Array(n);
  // Value and index in one number: a typed array sorts without a comparator, and far faster.
  const bits = new Uint32Array(g.buffer, g.byteOffset, n);
  for (let i = 0; i < n; i++) order[i] = bits[i]! * 4194304 + i;
  order.sort();
  const index = new Uint32Array(n);
  const sorted = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    index[i] = order[i]! % 4194304;
    sorted[i] = g[index[i]!]!;
  }
  const half = width / 2;
  let low = 0;
  let high = 0;
  for (let i = 0; i < n; i++) {
    const from = sorted[i]! - half;
    const to = sorted[i]! + half;
    while (low < n && sorted[low]! < from) low++;
    while (high < n && (sorted[high]! < to || to >= 1)) high++;
    counts[index[i]!] = high - low;
  }
}

export function focalReal({ logits, targets }: Batch, grad: Float32Array, gamma: number): number {
  const n = logits.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const t = targets[i]!;
    const u = t ? logits[i]! : -logits[i]!;
    const e = Math.exp(-Math.abs(u));
    const p = u >= 0 ? 1 / (1 + e) : e / (1 + e);
    const q = u >= 0 ? e / (1 + e) : 1 / (1 + e);
    const tail = Math.log1p(e);
    const ce = Math.max(-u, 0) + tail;
    // q^gamma: an exponential is cheaper than a power, and log q is at hand.
    const weight = (t ? 0.25 : 0.75) * Math.exp(-gamma * (Math.max(u, 0) + tail));
    sum += weight * ce;
    grad[i] = ((t ? -1 : 1) * weight * (q + gamma * p * ce)) / n;
  }
  return sum / n;
}

/** The exponents 0 and 4 and the clip 0.05. */
export function asymmetric({ logits, targets }: Batch, grad: Float32Array): number {
  const n = logits.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const x = logits[i]!;
    const e = Math.exp(-Math.abs(x));
    const p = x >= 0 ? 1 / (1 + e) : e / (1 + e);
    const q = x >= 0 ? e / (1 + e) : 1 / (1 + e);
    if (targets[i]!) {
      sum += Math.max(-x, 0) + Math.log1p(e);
      grad[i] = -q / n;
      continue;
    }
    const b = p - 0.05;
    if (b <= 0) {
      grad[i] = 0;
      continue;
    }
    const ce = -Math.log1p(-b);
    const power = b * b * b * b;
    sum += power * ce;
    grad[i] = (power * p * q * (1 / (1 - b) + (4 * ce) / b)) / n;
  }
  return sum / n;
}

/** The mask of the `budget` hardest: a sort, what is above the cut, and of those at the cut the first. */
export function hardest(losses: Float32Array, budget: number): Uint8Array {
  const n = losses.length;
  const cut = losses.slice().sort()[n - budget]!;
  const mask = new Uint8Array(n);
  let left = budget;
  for (let i = 0; i < n; i++) {
    if (losses[i]! > cut) {
      mask[i] = 1;
      left--;
    }
  }
  for (let i = 0; left > 0; i++) {
    if (losses[i]! === cut) {
      mask[i] = 1;
      left--;
    }
  }
  return mask;
}
