import { options as checkOptions, outputs as checkOutputs, number } from "../check.ts";
import type { IntoResult, LossResult, ReductionOptions } from "../define.ts";
import { type AsymmetricOptions, asymmetric } from "../losses/asymmetric.ts";
import { checkBatch, type Outputs } from "../stream/batch.ts";
import type { BatchOptions } from "../stream/loss-stream.ts";
import { decode, encode, type Header, revive, sameHeader } from "../stream/state.ts";
import { probabilityGap } from "./gap.ts";

export interface AdaptiveAsymmetryOptions extends AsymmetricOptions, ReductionOptions {
  /** The gap between the mean probability given to positives and to negatives that is aimed at, in [-1, 1]; default 0.2. */
  readonly target?: number | undefined;
  /** How far the exponent moves for a gap that is off by 1, in (0, 1000]. No default: none is published. */
  readonly rate: number;
  /** The exponent of the first step, in [0, max]; default 4. */
  readonly gammaNeg?: number | undefined;
  /** The largest exponent, in [0, 1000]; default 10. */
  readonly max?: number | undefined;
}

/** What a step found, beside loss and gradient. */
export interface Asymmetry {
  /** The exponent that this batch was computed with. */
  gammaNeg: number;
  /** Mean p over the positives less mean 1 - p over the negatives; undefined where one of the two is missing. */
  gap: number | undefined;
}

const KIND = "adaptiveAsymmetry";
const COMPUTE = `compute ${KIND}`;
const SHARED = ["gammaPos", "clip", "detachFocus", "reduction", "normalizer"] as const;
const KEYS = ["target", "rate", "gammaNeg", "max", ...SHARED];

interface Rule {
  readonly target: number;
  readonly rate: number;
  readonly gammaNeg: number;
  readonly max: number;
}

function readRule(task: string, given: AdaptiveAsymmetryOptions): Rule {
  const { target = 0.2, rate, gammaNeg = 4, max = 10 } = given;
  return {
    target: number(task, "target", target, -1, 1),
    rate: number(task, "rate", rate, 0, 1000, true),
    max: number(task, "max", max, 0, 1000),
    gammaNeg: number(task, "gammaNeg", gammaNeg, 0, max),
  };
}

/**
 * The asymmetric loss over the batches of a training run, with an exponent of the negatives that follows them.
 *
 * After each batch gammaNeg <- gammaNeg + rate (target - gap), held within [0, max]. The gap rises with gammaNeg, so
 * this sign is the one that settles. A batch without positives or without negatives says nothing: the exponent stays.
 *
 * Source: Ridnik et al. 2021 (arXiv 2009.14119), section on adaptive asymmetry; the sign: docs/losses.md, section 6.
 */
export class AdaptiveAsymmetry {
  readonly #rule: Rule;
  readonly #shared: AsymmetricOptions & ReductionOptions;
  #gammaNeg: number;

  /** States are made by `adaptiveAsymmetry.create` and `adaptiveAsymmetry.load`. */
  constructor(task: string, options: AdaptiveAsymmetryOptions) {
    checkOptions(task, options, KEYS);
    const given = (options ?? {}) as AdaptiveAsymmetryOptions;
    this.#rule = readRule(task, given);
    this.#gammaNeg = this.#rule.gammaNeg;
    const shared = SHARED.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]);
    this.#shared = Object.fromEntries(shared) as AsymmetricOptions & ReductionOptions;
    asymmetric.stream({ ...this.#shared, gammaNeg: this.#gammaNeg }); // refuses what the loss would refuse later
  }

  /** The exponent of the next step. */
  get gammaNeg(): number {
    return this.#gammaNeg;
  }

  /**
   * Loss and gradient of a batch by the exponent as it is; then moves the exponent. A refused batch leaves it.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for other lengths and the first value outside the domain (targets are 0 or 1)
   */
  step(
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: BatchOptions,
  ): LossResult & Asymmetry {
    return this.#follow({}, logits, targets, options, (all) => asymmetric(logits, targets, all));
  }

  /** The same into arrays of the caller; without `grad`, the loss alone. */
  into(
    out: Outputs,
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: BatchOptions,
  ): IntoResult & Asymmetry {
    checkOutputs(COMPUTE, out, ["grad", "losses"]);
    return this.#follow(out, logits, targets, options, (all) => asymmetric.into(out, logits, targets, all));
  }

  #follow<R extends IntoResult>(
    out: Outputs,
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options: BatchOptions | undefined,
    compute: (options: AsymmetricOptions & ReductionOptions & BatchOptions) => R,
  ): R & Asymmetry {
    checkOptions(COMPUTE, options, ["mask", "weights"]);
    const batch = checkBatch(COMPUTE, logits, targets, options?.mask, options?.weights, 1, out);
    const gammaNeg = this.#gammaNeg;
    // First, because the gradient may take the place of the logits.
    const gap = probabilityGap(COMPUTE, { ...batch, weights: undefined });
    const result = compute({ ...this.#shared, gammaNeg, mask: options?.mask, weights: options?.weights });
    if (gap !== undefined) {
      const { target, rate, max } = this.#rule;
      this.#gammaNeg = Math.min(Math.max(gammaNeg + rate * (target - gap), 0), max);
    }
    return { ...result, gammaNeg, gap };
  }

  /** Self-describing bytes with a checksum: the exponent as a float64 word. */
  save(): Uint8Array {
    const words = new Uint32Array(Float64Array.of(this.#gammaNeg).buffer);
    return encode(this.#header, words);
  }

  get #header(): Header {
    return { kind: KIND, options: { ...this.#rule, ...this.#shared } };
  }

  static load(bytes: unknown): AdaptiveAsymmetry {
    const task = `load ${KIND}`;
    const { header, words } = decode(task, KIND, bytes);
    const options = header.options as unknown as AdaptiveAsymmetryOptions;
    const state = revive(() => new AdaptiveAsymmetry(task, options));
    sameHeader(task, state.#header, header);
    if (words.length !== 2) throw new TypeError(`Cannot ${task}: expected 2 words, got ${words.length}`);
    const [gammaNeg] = new Float64Array(words.slice().buffer);
    state.#gammaNeg = revive(() => number(task, "gammaNeg", gammaNeg, 0, state.#rule.max));
    return state;
  }
}

/** The asymmetric loss with an exponent that follows the batches. */
export const adaptiveAsymmetry: {
  /** A training run's state. */
  create(options: AdaptiveAsymmetryOptions): AdaptiveAsymmetry;
  /** A state from the bytes of its `save`. */
  load(bytes: Uint8Array): AdaptiveAsymmetry;
} = /* @__PURE__ */ Object.freeze({
  create: (options: AdaptiveAsymmetryOptions) => new AdaptiveAsymmetry("create adaptiveAsymmetry", options),
  load: (bytes: Uint8Array) => AdaptiveAsymmetry.load(bytes),
});
