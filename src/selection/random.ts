/**
 * Whole numbers from a 32-bit seed, the same on every engine: a counter that grows by 0x9e3779b9 and is mixed by two
 * multiplications, all modulo 2^32 (the SplitMix construction of Steele, Lea and Flood 2014, with the constants of
 * MurmurHash3's finalizer). Not for secrets.
 */
export function integers(seed: number): () => number {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let z = counter;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

/** A permutation of 0 to n - 1, drawn by Fisher and Yates; a draw that would favour small numbers is repeated. */
export function permutation(n: number, seed: number): Uint32Array<ArrayBuffer> {
  const next = integers(seed);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const choices = i + 1;
    const fair = 4294967296 - (4294967296 % choices);
    let draw = next();
    while (draw >= fair) draw = next();
    const j = draw % choices;
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}
