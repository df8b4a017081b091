import { defineLoss, flag, float, kernel, number, type PointwiseLoss } from "../define.ts";
import { logit, lost } from "./float32.ts";

export interface AsymmetricOptions {
  /** Focusing exponent of target 1 in [0, 1000]. Default 0. */
  readonly gammaPos?: number | undefined;
  /** Focusing exponent of target 0 in [0, 1000]. Default 4. */
  readonly gammaNeg?: number | undefined;
  /** What is taken off the probability of a target 0, which is left alone below it: 0, or in [1e-30, 1). Default 0.05. */
  readonly clip?: number | undefined;
  /** Holds the focusing factors constant in the gradient, as the original code does by default. Default false. */
  readonly detachFocus?: boolean | undefined;
}

/** Exponents that are computed by products and a square root. */
function isParts(gamma: number): boolean {
  return gamma <= 4 && Number.isInteger(gamma * 2);
}

/** The parts 1, 2, 1/2, 4 that gamma is made of, from the highest bit down. */
function parts(gamma: number): number {
  const whole = Math.floor(gamma);
  const bits = [whole & 1, whole & 2, gamma === whole ? 0 : 1, whole & 4];
  return bits.reduce((word, bit, i) => (bit ? word | (1 << (31 - i)) : word), 0);
}

function clipOf(task: string, value: unknown): number {
  const clip = number(task, "clip", value, 0, 1);
  if (clip !== 0 && !(clip >= 1e-30 && clip < 1)) {
    throw new RangeError(`Cannot ${task}: expected clip as 0 or in [1e-30, 1), got ${clip}`);
  }
  return clip;
}

/** The words of the kernel, in the order of its fields. */
function words(positive: number, negative: number, clip: number, isDetached: boolean): number[] {
  const edge = clip > 0 ? logit(clip) : 0;
  const focus = isDetached ? [0, 0] : [positive, negative];
  const common = [clip, 1 - clip, edge, lost(edge), ...focus].map(float);
  const exponents =
    isParts(positive) && isParts(negative)
      ? [parts(positive), parts(negative)]
      : [positive, negative, lost(positive), lost(negative)].map(float);
  return [clip > 0 ? -1 : 0, ...common, ...exponents];
}

/**
 * Asymmetric loss: positives and negatives fade by exponents of their own, and the easiest negatives are dropped.
 *
 * Target 1: L = (1 - p)^gammaPos (-log p). Target 0: L = b^gammaNeg (-log(1 - b)), b = max(p - clip, 0).
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @param options see `AsymmetricOptions` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d logits of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: with g the exponent of the target, loss and gradient within 8 + 6 g ulp if both exponents are multiples of 1/2
 * up to 4, else within 2^-24 (12 + 8 g + 3 g (-log b)) relative, b = 1 - p for target 1; near the clip too. It holds
 * where 1 - p of a negative is a normal float32 (x up to 87.3). For a clip of 1/2 and |x| below 2^-114 a gradient with
 * gammaNeg in (0, 1) is finite, and only that.
 * Source: Ridnik et al. 2021 (arXiv 2009.14119), equations 3 to 5; section 6 of docs/losses.md.
 *
 * @example
 * const { loss, grad } = asymmetric(Float32Array.of(2.2, -1.3), Float32Array.of(1, 0), { gammaPos: 1 });
 */
export const asymmetric: PointwiseLoss<AsymmetricOptions> = /* @__PURE__ */ defineLoss<AsymmetricOptions>({
  name: "asymmetric",
  defaults: { gammaPos: 0, gammaNeg: 4, clip: 0.05, detachFocus: false },
  form(task, { gammaPos, gammaNeg, clip, detachFocus }) {
    const positive = number(task, "gammaPos", gammaPos, 0, 1000);
    const negative = number(task, "gammaNeg", gammaNeg, 0, 1000);
    const isDetached = flag(task, "detachFocus", detachFocus);
    return {
      name: "asymmetric",
      hard: isParts(positive) && isParts(negative) ? kernel.asymmetricParts : kernel.asymmetricReal,
      packs: true,
      fields: words(positive, negative, clipOf(task, clip), isDetached),
      positive: 1,
      negative: 1,
      classes: 1,
    };
  },
});
