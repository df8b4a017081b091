/** Losses of residuals as one writes them without a library; predictions stand for logits. */
import type { Batch } from "./data.ts";

export function asl1({ logits, targets }: Batch, grad: Float32Array, mu = 0.02): number {
  const n = logits.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const d = logits[i]! - targets[i]!;
    const root = Math.sqrt(d * d + mu * mu);
    sum += (d * d) / (root + mu);
    grad[i] = d / root / n;
  }
  return sum / n;
}

export function ghmr({ logits, targets }: Batch, grad: Float32Array, bins = 10, mu = 0.02): number {
  const n = logits.length;
  const region = new Uint8Array(n);
  const counts = new Float64Array(bins);
  const sums = new Float64Array(bins);
  for (let i = 0; i < n; i++) {
    const d = logits[i]! - targets[i]!;
    const root = Math.sqrt(d * d + mu * mu);
    const slope = d / root;
    const k = Math.min(Math.floor(Math.abs(slope) * bins), bins - 1);
    region[i] = k;
    counts[k]! += 1;
    sums[k]! += (d * d) / (root + mu);
    grad[i] = slope;
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
