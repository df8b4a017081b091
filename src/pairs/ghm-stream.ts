import { options as checkOptions, describe } from "../check.ts";
import { divisorsOf } from "../ghm/average.ts";
import type { Base } from "../ghm/base.ts";
import type { GhmIntoResult } from "../ghm/state.ts";
import { GhmStream } from "../ghm/stream.ts";
import { type BatchOptions, normalize } from "../stream/loss-stream.ts";
import type { Call } from "../stream/options.ts";
import type { Row } from "../stream/rows.ts";
import { checkPairs } from "./batch.ts";
import { byRegion, type GhmForm, weighPairs } from "./harmonize.ts";
import { BINS, PER_PAIR } from "./options.ts";
import { pairSamples } from "./samples.ts";

/** What scores are held against: pairs of them, and what each pair weighs. */
interface Weighted {
  readonly pairs: Uint32Array;
  readonly weights: Float32Array | undefined;
}

const BASE: Base<Weighted> = {
  name: "pairwise",
  defaults: { loss: "ghm", reduction: "mean", normalizer: "count" },
  bins: BINS,
  momentum: 0, // of earlier batches nothing is kept
  sampler:
    () =>
    (task, scores, { pairs, weights }, mask, out) =>
      pairSamples(task, checkPairs(task, scores, pairs, mask, weights, out), () => 1),
};

/** What a reduced loss of so many pairs is divided by. */
export function divisorOf({ reduction, normalizer }: Call<unknown>, count: number): number {
  return reduction === "mean" ? normalize(normalizer, count, count) : 1;
}

/**
 * Harmonized pairs that arrive in pieces. One pass gives the loss; a second pass over any piece gives its gradient, once
 * the histogram is complete. Holds integers only, as `GhmStream` does.
 */
export class PairGhmStream {
  readonly #call: Call<GhmForm>;
  readonly #inner: GhmStream<Weighted>;

  /** Streams are made by `stream`, `load` and `fromRows` of `pairwise`. */
  constructor(call: Call<GhmForm>, inner: GhmStream<Weighted>) {
    this.#call = call;
    this.#inner = inner;
  }

  static create(task: string, call: Call<GhmForm>): PairGhmStream {
    return new PairGhmStream(call, GhmStream.create(BASE, task, call.header().options));
  }

  /**
   * Adds a piece of any length. A refused piece leaves the stream as it was.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for other lengths and the first pair that no loss is defined for
   */
  update(scores: Float32Array, pairs: Uint32Array, options?: BatchOptions): this {
    checkOptions("update a pairwise stream", options, PER_PAIR);
    this.#inner.update(scores, { pairs, weights: options?.weights }, { mask: options?.mask });
    return this;
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same options */
  merge(other: PairGhmStream): this {
    if (!(other instanceof PairGhmStream)) {
      throw new TypeError(`Cannot merge pairwise streams: expected one of "ghm", got ${describe(other)}`);
    }
    this.#inner.merge(other.#inner);
    return this;
  }

  result(): GhmIntoResult {
    const { loss, ...result } = this.#inner.result();
    return { loss: loss * (result.count / divisorOf(this.#call, result.count)), ...result };
  }

  /** The gradient of the scores of a piece that the stream has seen, by the density of everything it has seen. */
  grad(scores: Float32Array, pairs: Uint32Array, options?: BatchOptions): Float32Array {
    const task = "compute the gradient of a pairwise stream";
    checkOptions(task, options, PER_PAIR);
    const batch = checkPairs(task, scores, pairs, options?.mask, options?.weights, {});
    const { histogram, count } = this.#inner.result();
    const { average } = this.#call.form;
    const samples = pairSamples(task, batch, () => divisorOf(this.#call, count));
    const grad = new Float32Array(scores.length);
    const weigher = byRegion(average, divisorsOf(average, histogram), count);
    weighPairs(task, samples, undefined, weigher, { grad }, false);
    return grad;
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    return this.#inner.save();
  }

  /** One row of whole numbers for each occupied region. */
  toRows(): Row[] {
    return this.#inner.toRows();
  }

  static load(call: Call<GhmForm>, bytes: Uint8Array): PairGhmStream {
    return new PairGhmStream(call, GhmStream.load(BASE, bytes));
  }

  static fromRows(call: Call<GhmForm>, rows: readonly Row[]): PairGhmStream {
    return new PairGhmStream(call, GhmStream.fromRows(BASE, rows, call.header().options));
  }
}
