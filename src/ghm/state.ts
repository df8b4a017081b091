import { options as checkOptions } from "../check.ts";
import { checkBatch, type Outputs } from "../stream/batch.ts";
import { decode, encode } from "../stream/state.ts";
import { Average, type AverageOptions, harmonize } from "./average.ts";
import { type Histogram, readCells } from "./histogram.ts";
import { type GhmStateOptions, readOptions } from "./options.ts";
import { reweigh, tally } from "./passes.ts";

export interface GhmIntoResult {
  /** The harmonized loss. Nearly constant by construction: follow `meanLoss` to see progress. */
  loss: number;
  /** The unweighted mean cross-entropy. */
  meanLoss: number;
  /** Valid samples. */
  count: number;
  histogram: Histogram;
}

export interface GhmResult extends GhmIntoResult {
  /** d loss / d logits with the weights held constant, one float32 per logit. */
  grad: Float32Array;
}

export interface MaskOption {
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

const KEYS = ["bins", "momentum", "convention", "biasCorrection", "maxWeight"];
const KIND = "ghmc.state";
export const COMPUTE = "compute ghmc";

/** One batch: histogram, average, loss and gradient. Returns the average as the batch leaves it. */
export function step(
  average: Average,
  out: Outputs,
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  mask: Uint8Array | undefined,
): GhmIntoResult & { average: Average } {
  const batch = checkBatch(COMPUTE, logits, targets, mask, undefined, 1, out);
  const { bins, convention } = average.options;
  const masked = tally(COMPUTE, batch, bins, convention, out.grad);
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

/** GHM-C over the batches of a training run: the density is an exponential moving average of their histograms. */
export class GhmcState {
  #average: Average;

  /** States are made by `ghmc.create` and `ghmc.loadState`. */
  constructor(options: AverageOptions) {
    this.#average = new Average(options);
  }

  static create(task: string, options: GhmStateOptions | undefined): GhmcState {
    return new GhmcState(readOptions(task, options, KEYS));
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
   * @throws {RangeError} for other lengths and the first value outside the domain (targets are 0 or 1)
   */
  step(logits: Float32Array, targets: Float32Array | Uint8Array, options?: MaskOption): GhmResult {
    checkOptions(COMPUTE, options, ["mask"]);
    checkBatch(COMPUTE, logits, targets, options?.mask, undefined, 1, {});
    const grad = new Float32Array(logits.length);
    const { loss, meanLoss, count, histogram } = this.into({ grad }, logits, targets, options);
    return { loss, grad, meanLoss, count, histogram };
  }

  /** The same into a gradient of the caller; without one, the loss alone. */
  into(
    out: { grad?: Float32Array | undefined },
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: MaskOption,
  ): GhmIntoResult {
    checkOptions(COMPUTE, out, ["grad"]);
    checkOptions(COMPUTE, options, ["mask"]);
    const { average, ...result } = step(this.#average, out, logits, targets, options?.mask);
    this.#average = average;
    return result;
  }

  /** Self-describing bytes with a checksum: the average and its running products as float64 words. */
  save(): Uint8Array {
    const { options, values, powers } = this.#average;
    const { maxWeight, ...rest } = options;
    const words = new Uint32Array(Float64Array.of(...values, ...powers).buffer);
    const saved = { ...rest, ...(maxWeight < Infinity && { maxWeight }) };
    return encode({ kind: KIND, options: saved }, words);
  }

  static load(bytes: unknown): GhmcState {
    const task = "load a ghmc state";
    const { header, words } = decode(task, KIND, bytes);
    const state = GhmcState.create(task, header.options as GhmStateOptions);
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
