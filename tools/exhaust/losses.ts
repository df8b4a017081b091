/**
 * Runs every finite float32 logit, or residual, through a loss and finds the worst error of loss and gradient.
 *
 * Between 2^-20 and 2^7 every logit has its own float64 truth. Nearer to zero and beyond, a loss of logits is a straight
 * line over 2^16 neighbours, to 2^-50 of itself: there the truth is computed at both ends and drawn between them. Only
 * the block at 0 is judged one by one, where `hardTruncation` has its step. A loss of residuals is a parabola near 0:
 * each has its own truth.
 */
import { MIN_NORMAL } from "../../test/reference/float32.ts";
import { ulps } from "../../test/reference/ulp.ts";
import { gainOf, type Options } from "../../test/table.ts";
import type { Setting } from "./settings.ts";

/** The largest error of one output. */
export interface Worst {
  ulp: number;
  /** The logit where `ulp` was found. */
  at: number;
  /** The largest share of what the documentation admits, and its logit. */
  share: number;
  shareAt: number;
}

export interface Verdict {
  loss: Worst;
  grad: Worst;
  /** Logits that ran. */
  points: number;
  /** Logits where the two targets do not mirror each other. */
  unlike: number;
  /** Values that are NaN, infinite or of the wrong sign. */
  foul: number;
  /** The first of either. */
  foulAt: number;
}

const BLOCK = 1 << 16;
/** Bit patterns of 2^-20, 2^7 and Infinity: all begin a block. */
const NEAR = 0x35800000;
const FAR = 0x43000000;
const END = 0x7f800000;
const SIGN = 0x80000000;

/** The buffers of one run. */
class Walk {
  readonly #setting: Setting;
  readonly #options: Options;
  /** Of every gradient that is judged. */
  readonly #sign: number;
  readonly #least: number;
  readonly #logits: Float32Array<ArrayBuffer> = new Float32Array(BLOCK);
  readonly #words: Uint32Array = new Uint32Array(this.#logits.buffer);
  readonly #targets: Float32Array = new Float32Array(BLOCK);
  readonly #mirrored: Float32Array = new Float32Array(BLOCK);
  readonly #out = { grad: new Float32Array(BLOCK), losses: new Float32Array(BLOCK) };
  readonly #mirror = { grad: new Float32Array(BLOCK), losses: new Float32Array(BLOCK) };
  readonly #bits: Uint32Array[] = [this.#out, this.#mirror].flatMap(({ grad, losses }) => [
    new Uint32Array(grad.buffer),
    new Uint32Array(losses.buffer),
  ]);
  readonly verdict: Verdict = {
    loss: { ulp: 0, at: Number.NaN, share: 0, shareAt: Number.NaN },
    grad: { ulp: 0, at: Number.NaN, share: 0, shareAt: Number.NaN },
    points: 0,
    unlike: 0,
    foul: 0,
    foulAt: Number.NaN,
  };

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#options = { ...setting.params, reduction: "none" };
    this.#targets.fill(setting.target);
    this.#mirrored.fill(setting.mirror ?? 0);
    this.#sign = setting.target === 1 ? -1 : 1;
    this.#least = MIN_NORMAL * Math.max(gainOf(setting.row, setting.params), 1);
  }

  /** Runs the block of patterns that begins with `first`, and the mirrored target on its negatives. */
  block(first: number): void {
    const { row, mirror } = this.#setting;
    const words = this.#words;
    for (let i = 0; i < BLOCK; i++) words[i] = first + i;
    row.loss.into(this.#out, this.#logits, this.#targets, this.#options);
    this.#checkSigns();
    if (mirror !== null) {
      for (let i = 0; i < BLOCK; i++) words[i] ^= SIGN;
      row.loss.into(this.#mirror, this.#logits, this.#mirrored, this.#options);
      for (let i = 0; i < BLOCK; i++) words[i] ^= SIGN;
      this.#compareMirror();
    }
    const size = first & ~SIGN;
    if (row.real || size === 0 || (size >= NEAR && size < FAR)) this.#judge();
    else this.#judgeLine();
    this.verdict.points += mirror === 0 ? 2 * BLOCK : BLOCK;
  }

  /** No loss may have a sign, each gradient has that of its target, and neither may be infinite or NaN. */
  #checkSigns(): void {
    const [grad, loss] = this.#bits;
    const sign = this.#setting.target === 1 ? SIGN : 0;
    for (let i = 0; i < BLOCK; i++) {
      if (loss[i] >= END || (grad[i] ^ sign) >>> 0 >= END) {
        if (this.verdict.foul++ === 0) this.verdict.foulAt = this.#logits[i];
      }
    }
  }

  #compareMirror(): void {
    const [grad, loss, mirrorGrad, mirrorLoss] = this.#bits;
    for (let i = 0; i < BLOCK; i++) {
      if (loss[i] !== mirrorLoss[i] || (grad[i] ^ mirrorGrad[i]) >>> 0 !== SIGN) {
        if (this.verdict.unlike++ === 0) this.verdict.foulAt = this.#logits[i];
      }
    }
  }

  #judge(): void {
    const { row, params, target } = this.#setting;
    const { grad, losses } = this.#out;
    for (let i = 0; i < BLOCK; i++) {
      const x = this.#logits[i];
      const truth = row.truth(x, target, params);
      const bound = row.bound(x, target, params, truth);
      weigh(this.verdict.loss, x, losses[i], truth.loss, bound.loss, this.#least);
      weigh(this.verdict.grad, x, this.#sign * grad[i], this.#sign * truth.grad, bound.grad, this.#least);
    }
  }

  #judgeLine(): void {
    const { row, params, target } = this.#setting;
    const { grad, losses } = this.#out;
    const [from, to] = [this.#logits[0], this.#logits[BLOCK - 1]];
    const [a, b] = [row.truth(from, target, params), row.truth(to, target, params)];
    const [boundA, boundB] = [row.bound(from, target, params, a), row.bound(to, target, params, b)];
    const lossSlope = (b.loss - a.loss) / (to - from);
    const gradSlope = (b.grad - a.grad) / (to - from);
    const lossBound = Math.min(boundA.loss, boundB.loss);
    const gradBound = Math.min(boundA.grad, boundB.grad);
    for (let i = 0; i < BLOCK; i++) {
      const x = this.#logits[i];
      weigh(this.verdict.loss, x, losses[i], a.loss + (x - from) * lossSlope, lossBound, this.#least);
      const slope = a.grad + (x - from) * gradSlope;
      weigh(this.verdict.grad, x, this.#sign * grad[i], this.#sign * slope, gradBound, this.#least);
    }
  }
}

/** Below the least number that is held to its bound a result may be 0, or anything that is no further away. */
function weigh(worst: Worst, x: number, got: number, truth: number, bound: number, least: number): void {
  const error = Math.abs(got - truth);
  if (truth < least) {
    if (error <= least) return;
    bound = least;
  }
  const ulp = ulps(got, truth);
  if (!(ulp <= worst.ulp)) {
    worst.ulp = ulp;
    worst.at = x;
  }
  if (!(error <= worst.share * bound)) {
    worst.share = error / bound;
    worst.shareAt = x;
  }
}

/** Runs every finite logit or residual; `step` above 1 takes only every so many blocks. */
export function runLogits(setting: Setting, step = 1): Verdict {
  const walk = new Walk(setting);
  for (let first = 0; first < END; first += step * BLOCK) {
    walk.block(first);
    if (setting.mirror !== 0) walk.block(first + SIGN);
  }
  return walk.verdict;
}
