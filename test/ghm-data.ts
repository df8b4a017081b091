/** Batches whose gradient norms stay clear of bin edges, so that float32 and f64 bin them alike. */
import { random } from "./data.ts";
import { edgeGap } from "./reference/ghm.ts";

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
