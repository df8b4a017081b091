/** Distances in units of the last place of float32, judged against a float64 truth. */

const word = new Float64Array(1);
const halves = new Uint32Array(word.buffer);
const SMALLEST_NORMAL = 2 ** -126;

/** 2^(e - 23) for every float64 exponent field, with the spacing of float32 subnormals as the floor. */
const SPACING = Float64Array.from({ length: 2047 }, (_, field) => 2 ** (Math.max(field - 1023, -126) - 23));

/** |got - truth| in ulp of the float32 binade that truth lies in. */
export function ulps(got: number, truth: number): number {
  if (got === truth) return 0;
  word[0] = truth;
  const distance = Math.abs(got - truth) / SPACING[(halves[1] >>> 20) & 0x7ff];
  return distance >= 0 ? distance : Number.POSITIVE_INFINITY;
}

/** As `ulps`, but a truth below the normal range must have been flushed to exactly 0. */
export function ulpsFlushed(got: number, truth: number): number {
  if (Math.abs(truth) >= SMALLEST_NORMAL) return ulps(got, truth);
  return got === 0 ? 0 : Number.POSITIVE_INFINITY;
}

/** As `ulps`, but a truth below the normal range may have been flushed to exactly 0. */
export function ulpsOrZero(got: number, truth: number): number {
  return got === 0 && Math.abs(truth) < SMALLEST_NORMAL ? 0 : ulps(got, truth);
}
