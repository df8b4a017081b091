/** Seeded batches as a dense detector makes them: few positives, most negatives easy, some of both hard. */
export interface Batch {
  logits: Float32Array;
  targets: Float32Array;
}

/** Uniform numbers in [0, 1) from a linear congruential generator: the same on every engine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** n elements, one in 200 positive; the sum of three uniform numbers stands in for a normal distribution. */
export function detectorBatch(n: number, seed = 7): Batch {
  const random = generator(seed);
  const logits = new Float32Array(n);
  const targets = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const isPositive = random() < 0.005;
    const spread = (random() + random() + random() - 1.5) * 5;
    targets[i] = isPositive ? 1 : 0;
    logits[i] = (isPositive ? 1 : -5) + spread;
  }
  return { logits, targets };
}

/** n predictions, as logits, and what they should be: most residuals near 0.02, one in 50 far. */
export function residualBatch(n: number, seed = 11): Batch {
  const random = generator(seed);
  const logits = new Float32Array(n);
  const targets = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const spread = random() < 0.02 ? 3 : 0.04;
    targets[i] = (random() - 0.5) * 4;
    logits[i] = targets[i]! + (random() + random() + random() - 1.5) * spread;
  }
  return { logits, targets };
}

export interface PairBatch {
  scores: Float32Array;
  pairs: Uint32Array;
}

/** n pairs of items as a sampler draws them, the preferred one usually ahead. */
export function pairBatch(items: number, n: number, seed = 13): PairBatch {
  const random = generator(seed);
  const scores = Float32Array.from({ length: items }, () => (random() + random() + random() - 1.5) * 6);
  const pairs = new Uint32Array(2 * n);
  for (let k = 0; k < n; k++) {
    const [i, j] = [Math.floor(random() * items), Math.floor(random() * items)];
    const isUsual = random() < 0.8 === scores[i]! > scores[j]!;
    pairs.set(isUsual ? [i, j] : [j, i], 2 * k);
  }
  return { scores, pairs };
}

/** Rows of logits with one label each. */
export interface RowBatch {
  logits: Float32Array;
  labels: Int32Array;
  classes: number;
}

/** Rows of about n logits in all; every label leads by 2 on average, and a third of them lose all the same. */
export function rowBatch(n: number, classes: number, seed = 11): RowBatch {
  const random = generator(seed);
  const rows = Math.floor(n / classes);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(random() * classes));
  const logits = Float32Array.from({ length: rows * classes }, (_, i) => {
    const lead = i % classes === labels[Math.floor(i / classes)] ? 2 : 0;
    return lead + (random() + random() + random() - 1.5) * 4;
  });
  return { logits, labels, classes };
}
