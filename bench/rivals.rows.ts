/** Losses of rows without a library: plain loops, in float64. */
import type { RowBatch } from "./data.ts";

export function softmaxCrossEntropy({ logits, labels, classes }: RowBatch, grad: Float32Array): number {
  const rows = labels.length;
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const from = r * classes;
    const end = from + classes;
    let most = logits[from]!;
    for (let i = from + 1; i < end; i++) if (logits[i]! > most) most = logits[i]!;
    let sum = 0;
    for (let i = from; i < end; i++) {
      const e = Math.exp(logits[i]! - most);
      grad[i] = e;
      sum += e;
    }
    const own = from + labels[r]!;
    loss += Math.log(sum) + most - logits[own]!;
    const scale = 1 / (sum * rows);
    for (let i = from; i < end; i++) grad[i]! *= scale;
    grad[own]! -= 1 / rows;
  }
  return loss / rows;
}

export function softmaxFocal({ logits, labels, classes }: RowBatch, grad: Float32Array): number {
  const rows = labels.length;
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const from = r * classes;
    const end = from + classes;
    let most = logits[from]!;
    for (let i = from + 1; i < end; i++) if (logits[i]! > most) most = logits[i]!;
    let sum = 0;
    for (let i = from; i < end; i++) {
      const e = Math.exp(logits[i]! - most);
      grad[i] = e;
      sum += e;
    }
    const own = from + labels[r]!;
    const ce = Math.log(sum) + most - logits[own]!;
    const p = Math.exp(-ce);
    const q = 1 - p;
    loss += q * q * ce;
    const pull = (q * (q + 2 * p * ce)) / rows;
    const scale = pull / sum;
    for (let i = from; i < end; i++) grad[i]! *= scale;
    grad[own]! -= pull;
  }
  return loss / rows;
}
