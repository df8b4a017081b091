import { options as checkOptions, outputs as checkOutputs } from "../check.ts";
import { decode, encode, type Header, revive, sameHeader } from "../stream/state.ts";
import { Average, type AverageOptions, harmonize } from "./average.ts";
import { type Base, type Setup, setUp } from "./base.ts";
import type { Targets } from "./elements.ts";
import { type Histogram, readCells } from "./histogram.ts";
import { reweigh, tally } from "./passes.ts";
import type { Samples } from "./samples.ts";

export interface GhmIntoResult {
  /** The harmonized loss. No measure of progress: `meanLoss` is. */
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
  /** One byte per sample; where it is 0 the sample does not exist. */
  readonly mask?: Uint8Array | undefined;
}

const KEYS = ["bins", "momentum", "convention", "biasCorrection", "maxWeight"];

/** One batch: histogram, average, loss and gradient. Returns the average as the batch leaves it. */
export function step(
  task: string,
  average: Average,
  samples: Samples,
  grad: Float32Array | undefined,
): GhmIntoResult & { average: Average } {
  const { bins, convention } = average.options;
  const { masked, last } = tally(task, samples, bins, convention, grad);
  const { histogram, lossSum } = readCells(bins, masked);
  const next = average.copy();
  next.update(histogram);
  const divisors = next.divisors(histogram);
  if (grad) reweigh(task, samples, last, divisors, convention, grad);
  return {
    loss: harmonize(histogram, divisors),
    meanLoss: lossSum / Math.max(histogram.total, 1),
    count: histogram.total,
    histogram,
    average: next,
  };
}

/** Gradient harmonizing over the batches of a training run: the density is an exponential moving average of their histograms. */
export class GhmState<T = Targets> {
  readonly #setup: Setup<T>;
  #average: Average;

  /** States are made by `create` and `loadState` of the harmonized losses. */
  constructor(setup: Setup<T>, options: AverageOptions) {
    this.#setup = setup;
    this.#average = new Average(options);
  }

  static create<T>(base: Base<T>, task: string, options: object | undefined): GhmState<T> {
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
   * @throws {RangeError} for other lengths and the first value outside the domain of the loss
   */
  step(inputs: Float32Array, targets: T, options?: MaskOption): GhmResult {
    const { base, sampler } = this.#setup;
    const task = `compute ${base.name}`;
    checkOptions(task, options, ["mask"]);
    const samples = sampler(task, inputs, targets, options?.mask, {});
    const grad = new Float32Array(samples.length);
    const { loss, meanLoss, count, histogram } = this.#take(task, samples, grad);
    return { loss, grad, meanLoss, count, histogram };
  }

  /** The same into a gradient of the caller; without one, the loss alone. */
  into(
    out: { grad?: Float32Array | undefined },
    inputs: Float32Array,
    targets: T,
    options?: MaskOption,
  ): GhmIntoResult {
    const { base, sampler } = this.#setup;
    const task = `compute ${base.name}`;
    checkOutputs(task, out, ["grad"]);
    checkOptions(task, options, ["mask"]);
    return this.#take(task, sampler(task, inputs, targets, options?.mask, out), out.grad);
  }

  #take(task: string, samples: Samples, grad: Float32Array | undefined): GhmIntoResult {
    const { average, ...result } = step(task, this.#average, samples, grad);
    this.#average = average;
    return result;
  }

  /** Self-describing bytes with a checksum: the average and its running products as float64 words. */
  save(): Uint8Array {
    const { values, powers } = this.#average;
    return encode(this.#header, new Uint32Array(Float64Array.of(...values, ...powers).buffer));
  }

  get #header(): Header {
    const { base, parameters } = this.#setup;
    const { maxWeight, ...rest } = this.#average.options;
    const options = { ...parameters, ...rest, ...(maxWeight < Infinity && { maxWeight }) };
    return { kind: `${base.name}.state`, options };
  }

  static load<T>(base: Base<T>, bytes: unknown): GhmState<T> {
    const task = `load a ${base.name} state`;
    const { header, words } = decode(task, `${base.name}.state`, bytes);
    const state = revive(() => GhmState.create(base, task, header.options));
    sameHeader(task, state.#header, header);
    const { values, powers } = state.#average;
    const expected = 2 * (values.length + powers.length);
    if (words.length !== expected)
      throw new TypeError(`Cannot ${task}: expected ${expected} words, got ${words.length}`);
    const floats = new Float64Array(words.slice().buffer);
    const bad = floats.findIndex(
      (value, i) => !(value >= 0 && value <= (i < values.length ? Number.MAX_VALUE : 1)),
    );
    if (bad >= 0) {
      const what = "averages >= 0 and powers of at most 1";
      throw new TypeError(`Cannot ${task}: expected ${what}, got ${floats[bad]} at index ${bad}`);
    }
    values.set(floats.subarray(0, values.length));
    powers.set(floats.subarray(values.length));
    return state;
  }
}
