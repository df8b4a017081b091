/** Where a loss takes its gradient from: its share by tenths of difficulty. */

export const TENTHS = 10;

/** The tenth of each gradient norm: 0 for [0, 0.1), ..., 9 for [0.9, 1]. */
export function tenths(g: Float32Array): Uint8Array {
  return Uint8Array.from(g, (norm) => Math.min(Math.floor(norm * TENTHS), TENTHS - 1));
}

/** How many samples each tenth holds. */
export function countByTenth(tenth: Uint8Array): number[] {
  const counts = new Array<number>(TENTHS).fill(0);
  for (const k of tenth) counts[k]++;
  return counts;
}

/** The share of the total absolute gradient that each tenth gives; `mask` picks the samples that `tenth` is of. */
export function shareByTenth(grad: Float32Array, tenth: Uint8Array, mask: Uint8Array): number[] {
  const sums = new Array<number>(TENTHS).fill(0);
  let total = 0;
  let valid = 0;
  for (let i = 0; i < grad.length; i++) {
    if (mask[i] === 0) continue;
    const size = Math.abs(grad[i]);
    sums[tenth[valid++]] += size;
    total += size;
  }
  return sums.map((sum) => (total > 0 ? sum / total : 0));
}
