import { options as checkOptions, describe } from "../check.ts";
import type { Row } from "../stream/rows.ts";
import { decode, encode, type Header, revive, sameHeader } from "../stream/state.ts";
import { type AverageOptions, divisorsOf, harmonize } from "./average.ts";
import { type Base, type Setup, setUp } from "./base.ts";
import type { Targets } from "./elements.ts";
import { Tally } from "./histogram.ts";
import { gradient, tally } from "./passes.ts";
import type { GhmIntoResult, MaskOption } from "./state.ts";

const KEYS = ["bins", "convention"];

/**
 * Gradient harmonizing over data that arrives in pieces. One pass gives the loss; a second pass over any chunk gives its gradient,
 * once the histogram is complete. Holds integers only: the same samples give the same bytes in any chunking, any
 * order and any merge tree.
 */
export class GhmStream<T = Targets> {
  readonly #setup: Setup<T>;
  readonly #options: AverageOptions;
  readonly #tally: Tally;

  /** Streams are made by `stream`, `load` and `fromRows` of the harmonized losses. */
  constructor(setup: Setup<T>, options: AverageOptions, counted: Tally) {
    this.#setup = setup;
    this.#options = options;
    this.#tally = counted;
  }

  static create<T>(base: Base<T>, task: string, options: object | undefined): GhmStream<T> {
    const setup = setUp(base, task, options, KEYS);
    return new GhmStream(setup, setup.average, new Tally(setup.average.bins));
  }

  get #header(): Header {
    const { bins, convention } = this.#options;
    const { base, parameters } = this.#setup;
    return { kind: base.name, options: { ...parameters, bins, convention } };
  }

  /**
   * Adds a chunk of any length. A refused chunk leaves the stream as it was.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for other lengths and the first value outside the domain of the loss
   */
  update(inputs: Float32Array, targets: T, options?: MaskOption): this {
    const { base, sampler } = this.#setup;
    const task = `update a ${base.name} stream`;
    checkOptions(task, options, ["mask"]);
    const samples = sampler(task, inputs, targets, options?.mask, {});
    this.#tally.addCells(task, tally(task, samples, this.#options.bins, this.#options.convention).masked);
    return this;
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same parameters, bins and convention */
  merge(other: GhmStream<T>): this {
    const { name } = this.#setup.base;
    const task = `merge ${name} streams`;
    if (!(other instanceof GhmStream)) {
      throw new TypeError(`Cannot ${task}: expected a ${name} stream, got ${describe(other)}`);
    }
    sameHeader(task, this.#header, other.#header);
    this.#tally.add(task, other.#tally);
    return this;
  }

  result(): GhmIntoResult {
    const histogram = this.#tally.read();
    return {
      loss: harmonize(histogram, divisorsOf(this.#options, histogram)),
      meanLoss: this.#tally.lossSum() / Math.max(histogram.total, 1),
      count: histogram.total,
      histogram,
    };
  }

  #divisors(): Float64Array {
    return divisorsOf(this.#options, this.#tally.read());
  }

  /** The gradient of a chunk that the stream has seen, by the density of everything it has seen. */
  grad(inputs: Float32Array, targets: T, options?: MaskOption): Float32Array {
    const { base, sampler } = this.#setup;
    const task = `compute the gradient of a ${base.name} stream`;
    checkOptions(task, options, ["mask"]);
    const samples = sampler(task, inputs, targets, options?.mask, {});
    return gradient(task, samples, this.#divisors(), this.#options.convention);
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    return encode(this.#header, this.#tally.words());
  }

  static load<T>(base: Base<T>, bytes: unknown): GhmStream<T> {
    const task = `load a ${base.name} stream`;
    const { header, words } = decode(task, base.name, bytes);
    const setup = revive(() => setUp(base, task, header.options, KEYS));
    const stream = new GhmStream(setup, setup.average, Tally.fromWords(setup.average.bins, words, task));
    sameHeader(task, stream.#header, header);
    return stream;
  }

  /** One row of whole numbers for each occupied region. */
  toRows(): Row[] {
    return this.#tally.toRows();
  }

  static fromRows<T>(base: Base<T>, rows: unknown, options: object | undefined): GhmStream<T> {
    const task = `read rows of ${base.name}`;
    const setup = setUp(base, task, options, KEYS);
    return new GhmStream(setup, setup.average, Tally.fromRows(setup.average.bins, rows, task));
  }
}
