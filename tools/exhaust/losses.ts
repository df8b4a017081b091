/**
 * Runs every finite float32 logit through a loss, both targets, and finds the worst error of loss and gradient.
 *
 * Between 2^-20 and 2^7 every logit has its own float64 truth. Nearer to zero and beyond, a loss is a straight line
 * over 2^16 neighbours, to 2^-50 of itself: there the truth is computed at both ends and drawn between them.
 */
import { MIN_NORMAL } from "../../test/reference/float32.ts";
import { ulps } from "../../test/reference/ulp.ts";
import { type Options, type Params, type Row, TABLE } from "../../test/table.ts";

export interface Setting {
  name: string;
  row: Row;
  params: Params;
}

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

function rowOf(name: string): Row {
  const row = TABLE.find((candidate) => candidate.name === name);
  if (!row) throw new Error(`Cannot run every logit: expected a loss of the table, got ${name}`);
  return row;
}

/** What can be asked for by name: losses without class weights, whose targets mirror each other. */
export const SETTINGS: Setting[] = [
  { name: "bce", row: rowOf("bce"), params: {} },
  ...[2, 0, 0.5, 1, 1.5, 2.5, 3, 1.7, 4].map((gamma) => ({
    name: `focal-${gamma}`,
    row: rowOf("focal"),
    params: { gamma, alpha: null },
  })),
];

/** The buffers of one run. */
class Walk {
  readonly #setting: Setting;
  readonly #options: Options;
  readonly #logits: Float32Array<ArrayBuffer> = new Float32Array(BLOCK);
  readonly #words: Uint32Array = new Uint32Array(this.#logits.buffer);
  readonly #targets: [Float32Array, Float32Array] = [
    new Float32Array(BLOCK),
    new Float32Array(BLOCK).fill(1),
  ];
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
  }

  /** Runs the block of patterns that begins with `first`, target 0 on it and target 1 on its negatives. */
  block(first: number): void {
    const { loss } = this.#setting.row;
    const words = this.#words;
    for (let i = 0; i < BLOCK; i++) words[i] = first + i;
    loss.into(this.#out, this.#logits, this.#targets[0], this.#options);
    for (let i = 0; i < BLOCK; i++) words[i] ^= SIGN;
    loss.into(this.#mirror, this.#logits, this.#targets[1], this.#options);
    for (let i = 0; i < BLOCK; i++) words[i] ^= SIGN;
    this.#compareTargets();
    const size = first & ~SIGN;
    if (size >= NEAR && size < FAR) this.#judge();
    else this.#judgeLine();
    this.verdict.points += BLOCK;
  }

  #compareTargets(): void {
    const [grad, loss, mirrorGrad, mirrorLoss] = this.#bits;
    for (let i = 0; i < BLOCK; i++) {
      if (loss[i] !== mirrorLoss[i] || (grad[i] ^ mirrorGrad[i]) >>> 0 !== SIGN) {
        if (this.verdict.unlike++ === 0) this.verdict.foulAt = this.#logits[i];
      }
      // Target 0: neither may have a sign, and neither may be infinite or NaN.
      if (loss[i] >= END || grad[i] >= END) {
        if (this.verdict.foul++ === 0) this.verdict.foulAt = this.#logits[i];
      }
    }
  }

  #judge(): void {
    const { row, params } = this.#setting;
    const { grad, losses } = this.#out;
    for (let i = 0; i < BLOCK; i++) {
      const x = this.#logits[i];
      const truth = row.truth(x, 0, params);
      const bound = row.bound(x, 0, params, truth);
      weigh(this.verdict.loss, x, losses[i], truth.loss, bound.loss);
      weigh(this.verdict.grad, x, grad[i], truth.grad, bound.grad);
    }
  }

  #judgeLine(): void {
    const { row, params } = this.#setting;
    const { grad, losses } = this.#out;
    const [from, to] = [this.#logits[0], this.#logits[BLOCK - 1]];
    const [a, b] = [row.truth(from, 0, params), row.truth(to, 0, params)];
    const [boundA, boundB] = [row.bound(from, 0, params, a), row.bound(to, 0, params, b)];
    const lossSlope = (b.loss - a.loss) / (to - from);
    const gradSlope = (b.grad - a.grad) / (to - from);
    const lossBound = Math.min(boundA.loss, boundB.loss);
    const gradBound = Math.min(boundA.grad, boundB.grad);
    for (let i = 0; i < BLOCK; i++) {
      const x = this.#logits[i];
      weigh(this.verdict.loss, x, losses[i], a.loss + (x - from) * lossSlope, lossBound);
      weigh(this.verdict.grad, x, grad[i], a.grad + (x - from) * gradSlope, gradBound);
    }
  }
}

/** Below the normal numbers a result may be 0, or anything that is no further away. */
function weigh(worst: Worst, x: number, got: number, truth: number, bound: number): void {
  const error = Math.abs(got - truth);
  if (truth < MIN_NORMAL) {
    if (error <= MIN_NORMAL) return;
    bound = MIN_NORMAL;
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

/** Runs every finite logit; `step` above 1 takes only every so many blocks. */
export function runLogits(setting: Setting, step = 1): Verdict {
  const walk = new Walk(setting);
  for (let first = 0; first < END; first += step * BLOCK) {
    walk.block(first);
    walk.block(first + SIGN);
  }
  return walk.verdict;
}
