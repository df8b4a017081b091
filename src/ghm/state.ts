import { options as checkOptions } from "../check.ts";
import type { Outputs } from "../stream/batch.ts";
import { decode, encode } from "../stream/state.ts";
import { Average, type AverageOptions, harmonize } from "./average.ts";
import { arrays, type Base, type Setup, setUp } from "./base.ts";
import { type Histogram, readCells } from "./histogram.ts";
import { reweigh, tally } from "./passes.ts";

export interface GhmIntoResult {
  /** The harmonized loss. Nearly constant by construction: follow `meanLoss` to see progress. */
  loss: number;
  /** The mean of the unweighted losses. */
  meanLoss: number;
  /** Valid samples. */
  count: number;
  histogram: Histogram;
}

export interface GhmResult extends GhmIntoResult {
  /** d loss / d logits, or predictions, with the weights held constant, one float32 each. */
  grad: Float32Array;
}

export interface MaskOption {
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

const KEYS = ["bins", "momentum", "convention", "biasCorrection", "maxWeight"];

/** One batch: histogram, average, loss and gradient. Returns the average as the batch leaves it. */
export function step(
  { base, form }: Setup,
  average: Average,
  out: Outputs,
  inputs: Float32Array,
  targets: Float32Array | Uint8Array,
  mask: Uint8Array | undefined,
): GhmIntoResult & { average: Average } {
  const task = `compute ${base.name}`;
  const batch = arrays(task, form, inputs, targets, mask, out);
  const { bins, convention } = average.options;
  const masked = tally(task, form, batch, bins, convention, out.grad);
  const { histogram, lossSum } = readCells(bins, masked);
  const next = average.copy();
  next.update(histogram);
  const divisors = next.divisors(histogram);
  if (out.grad) reweigh(out.grad, divisors, convention);
  return {
    loss: harmonize(histogram, divisors),
    meanLoss: lossSum / Math.max(histogram.total, 1),
    count: histogram.total,
    histogram,
    average: next,
  };
}

/** Gradient harmonizing over the batches of a training run: the density is an exponential moving average of their histograms. */
export class GhmState {
  readonly #setup: Setup;
  #average: Average;

  /** States are made by `create` and `loadState` of `ghmc` and `ghmr`. */
  constructor(setup: Setup, options: AverageOptions) {
    this.#setup = setup;
    this.#average = new Average(options);
  }

  static create(base: Base, task: string, options: object | undefined): GhmState {
    const setup = setUp(base, task, options, KEYS);
    return new GhmState(setup, setup.average);
  }

  /** The uncorrected average of each region: fractions for "paper", counts for "mmdet". A copy. */
  get counts(): Float64Array {
    return this.#average.values.slice();
  }

  /**
   * Loss and gradient of a batch, after taking its histogram into the average. A refused batch, or one without
   * valid samples, leaves the state as it was.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for other lengths and the first value outside the domain (targets of `ghmc` are 0 or 1)
   */
  step(inputs: Float32Array, targets: Float32Array | Uint8Array, options?: MaskOption): GhmResult {
    const { base, form } = this.#setup;
    const task = `compute ${base.name}`;
    checkOptions(task, options, ["mask"]);
    arrays(task, form, inputs, targets, options?.mask);
    const grad = new Float32Array(inputs.length);
    const { loss, meanLoss, count, histogram } = this.into({ grad }, inputs, targets, options);
    return { loss, grad, meanLoss, count, histogram };
  }

  /** The same into a gradient of the caller; without one, the loss alone. */
  into(
    out: { grad?: Float32Array | undefined },
    inputs: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: MaskOption,
  ): GhmIntoResult {
    const task = `compute ${this.#setup.base.name}`;
    checkOptions(task, out, ["grad"]);
    checkOptions(task, options, ["mask"]);
    const { average, ...result } = step(this.#setup, this.#average, out, inputs, targets, options?.mask);
    this.#average = average;
    return result;
  }

  /** Self-describing bytes with a checksum: the average and its running products as float64 words. */
  save(): Uint8Array {
    const { base, parameters } = this.#setup;
    const { options, values, powers } = this.#average;
    const { maxWeight, ...rest } = options;
    const words = new Uint32Array(Float64Array.of(...values, ...powers).buffer);
    const saved = { ...parameters, ...rest, ...(maxWeight < Infinity && { maxWeight }) };
    return encode({ kind: `${base.name}.state`, options: saved }, words);
  }

  static load(base: Base, bytes: unknown): GhmState {
    const task = `load a ${base.name} state`;
    const { header, words } = decode(task, `${base.name}.state`, bytes);
    const state = GhmState.create(base, task, header.options);
    const { values, powers } = state.#average;
    const floats = new Float64Array(words.slice().buffer, 0, words.length >> 1);
    if (floats.length !== values.length + powers.length) {
      throw new TypeError(
        `Cannot ${task}: expected ${values.length + powers.length} numbers, got ${floats.length}`,
      );
    }
    const bad = floats.findIndex(
      (value, i) => !(value >= 0 && value <= (i < values.length ? Number.MAX_VALUE : 1)),
    );
    if (bad >= 0)
      throw new TypeError(`Cannot ${task}: expected averages >= 0, got ${floats[bad]} at index ${bad}`);
    values.set(floats.subarray(0, values.length));
    powers.set(floats.subarray(values.length));
    return state;
  }
}
