/**
 * Random whole numbers that are the same everywhere: integer arithmetic only.
 *
 * The k-th word of a stream is mix(start + k 0x9e3779b9), k = 1, 2, ..., with
 * mix: z ^= z >>> 16; z *= 0x21f0aaad; z ^= z >>> 15; z *= 0x735a2d97; z ^= z >>> 15, all modulo 2^32.
 */
export interface Stream {
  state: number;
}

const STEP = 0x9e3779b9;

function mix(word: number): number {
  let z = word ^ (word >>> 16);
  z = Math.imul(z, 0x21f0aaad);
  z ^= z >>> 15;
  z = Math.imul(z, 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** The stream of one sample: it depends on the seed and the sample's number, and on no other sample. */
export function streamOf(seed: number, sample: number): Stream {
  return { state: mix((mix(seed) + Math.imul(sample + 1, STEP)) >>> 0) };
}

/**
 * A whole number below `bound`, each as likely as the others: the high half of word times bound; words whose low half
 * falls into the incomplete round (Lemire 2019, arXiv 1805.10941) are drawn anew. Exact: the product is below 2^53.
 */
export function below(stream: Stream, bound: number): number {
  const incomplete = 2 ** 32 % bound;
  for (;;) {
    stream.state = (stream.state + STEP) >>> 0;
    const product = mix(stream.state) * bound;
    const high = Math.floor(product / 2 ** 32);
    if (product - high * 2 ** 32 >= incomplete) return high;
  }
}
