/**
 * Results that every engine must reproduce to the bit, without a test framework: it runs in workerd as it is. Takes the
 * library as an argument, so that whoever runs it says which build is meant.
 */
interface Library {
  bce(x: Float32Array, t: Float32Array, options?: object): { loss: number; grad: Float32Array };
  focal(x: Float32Array, t: Float32Array, options?: object): { loss: number; grad: Float32Array };
  ghmc: {
    (x: Float32Array, t: Float32Array, options?: object): { loss: number; grad: Float32Array };
    exact(x: Float32Array, t: Float32Array, options?: object): { loss: number; grad: Float32Array };
  };
  readonly digest: string;
}

/** Digits of losses, and a checksum of the bits of gradients. */
export function conformance({ bce, focal, ghmc, digest }: Library): string {
  const n = 40001;
  const x = new Float32Array(n);
  const t = new Float32Array(n);
  let state = 7;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    t[i] = state % 50 === 0 ? 1 : 0;
    x[i] = (state / 4294967296 - 0.6) * 30;
  }
  const results = [
    bce(x, t),
    focal(x, t),
    focal(x, t, { gamma: 1.7, alpha: null }),
    ghmc(x, t),
    ghmc.exact(x, t, { width: 1 / 30 }),
  ];
  const lines = results.map(({ loss, grad }) => {
    let sum = 0;
    for (const word of new Uint32Array(grad.buffer)) sum = (Math.imul(sum, 31) + word) >>> 0;
    return `${loss} ${sum}`;
  });
  return [digest, ...lines].join(", ");
}
