/** Seeded data, the same on every engine: integers and + - * / only. */

/** Uniform numbers in [0, 1), by a 32-bit xorshift whose state is mixed once at the start. */
export function random(seed: number): () => number {
  let s = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 4294967296;
  };
}

export interface Batch {
  logits: Float32Array<ArrayBuffer>;
  targets: Float32Array<ArrayBuffer>;
}

/** `n` logits around -2 that reach some ten units to both sides, and as many rare positives as asked for. */
export function batch(n: number, seed: number, positives = 0.1): Batch {
  const next = random(seed);
  const logits = new Float32Array(n);
  const targets = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    targets[i] = next() < positives ? 1 : 0;
    logits[i] = (next() + next() + next() - 1.5) * 14 - 2 + 3 * targets[i];
  }
  return { logits, targets };
}

/** Targets anywhere in [0, 1], the ends included. */
export function softTargets(n: number, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => Math.min(Math.max(next() * 1.3 - 0.15, 0), 1));
}

/** Ones with some zeros between. */
export function mask(n: number, seed: number, zeros = 0.3): Uint8Array<ArrayBuffer> {
  const next = random(seed);
  return Uint8Array.from({ length: n }, () => (next() < zeros ? 0 : 1 + Math.floor(next() * 255)));
}

/** A permutation of 0 to n - 1. */
export function shuffled(n: number, seed: number): number[] {
  const next = random(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** `values` in another order. */
export function pick<T extends Float32Array | Uint8Array>(values: T, order: number[]): T {
  const out = values.slice() as T;
  order.forEach((from, to) => {
    out[to] = values[from];
  });
  return out;
}

/** Cuts [0, n) at random places: the pieces, in order. */
export function pieces(n: number, seed: number, most: number): [number, number][] {
  const next = random(seed);
  const cuts: [number, number][] = [];
  for (let i = 0; i < n; ) {
    const end = Math.min(n, i + 1 + Math.floor(next() ** 3 * most));
    cuts.push([i, end]);
    i = end;
  }
  return cuts;
}
