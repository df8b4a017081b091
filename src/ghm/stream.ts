import { options as checkOptions, describe } from "../check.ts";
import { checkBatch } from "../stream/batch.ts";
import type { Row } from "../stream/rows.ts";
import { decode, encode, type Header, sameHeader } from "../stream/state.ts";
import { Average, type AverageOptions, harmonize } from "./average.ts";
import { Tally } from "./histogram.ts";
import { type GhmOptions, readOptions } from "./options.ts";
import { gradient, tally } from "./passes.ts";
import type { GhmIntoResult, MaskOption } from "./state.ts";

const KIND = "ghmc";

/**
 * GHM-C over data that arrives in pieces. One pass gives the loss; a second pass over any chunk gives its gradient,
 * once the histogram is complete. Holds integers only: the same samples give the same bytes in any chunking, any
 * order and any merge tree.
 */
export class GhmcStream {
  readonly #options: AverageOptions;
  readonly #tally: Tally;

  /** Streams are made by `ghmc.stream`, `ghmc.load` and `ghmc.fromRows`. */
  constructor(options: AverageOptions, counted: Tally) {
    this.#options = options;
    this.#tally = counted;
  }

  static create(task: string, options: GhmOptions | undefined): GhmcStream {
    const checked = readOptions(task, options, ["bins", "convention"]);
    return new GhmcStream(checked, new Tally(checked.bins));
  }

  get #header(): Header {
    const { bins, convention } = this.#options;
    return { kind: KIND, options: { bins, convention } };
  }

  /**
   * Adds a chunk of any length. A refused chunk leaves the stream as it was.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for other lengths and the first value outside the domain (targets are 0 or 1)
   */
  update(logits: Float32Array, targets: Float32Array | Uint8Array, options?: MaskOption): this {
    const task = "update a ghmc stream";
    checkOptions(task, options, ["mask"]);
    const batch = checkBatch(task, logits, targets, options?.mask, undefined, 1, {});
    this.#tally.addCells(tally(task, batch, this.#options.bins, this.#options.convention));
    return this;
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same bins and convention */
  merge(other: GhmcStream): this {
    const task = "merge ghmc streams";
    if (!(other instanceof GhmcStream)) {
      throw new TypeError(`Cannot ${task}: expected a GhmcStream, got ${describe(other)}`);
    }
    sameHeader(task, this.#header, other.#header);
    this.#tally.add(task, other.#tally);
    return this;
  }

  result(): GhmIntoResult {
    const histogram = this.#tally.read();
    return {
      loss: harmonize(histogram, this.#divisors()),
      meanLoss: this.#tally.lossSum() / Math.max(histogram.total, 1),
      count: histogram.total,
      histogram,
    };
  }

  #divisors(): Float64Array {
    const histogram = this.#tally.read();
    const average = new Average(this.#options);
    average.update(histogram);
    return average.divisors(histogram);
  }

  /** The gradient of a chunk that the stream has seen, by the density of everything it has seen. */
  grad(logits: Float32Array, targets: Float32Array | Uint8Array, options?: MaskOption): Float32Array {
    const task = "compute the gradient of a ghmc stream";
    checkOptions(task, options, ["mask"]);
    const batch = checkBatch(task, logits, targets, options?.mask, undefined, 1, {});
    return gradient(task, batch, this.#divisors(), this.#options.convention);
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    return encode(this.#header, this.#tally.words());
  }

  static load(bytes: unknown): GhmcStream {
    const task = "load a ghmc stream";
    const { header, words } = decode(task, KIND, bytes);
    const options = readOptions(task, header.options as GhmOptions, ["bins", "convention"]);
    return new GhmcStream(options, Tally.fromWords(options.bins, words, task));
  }

  /** One row of whole numbers for each occupied region. */
  toRows(): Row[] {
    return this.#tally.toRows();
  }

  static fromRows(rows: unknown, options: GhmOptions | undefined): GhmcStream {
    const task = "read rows of ghmc";
    const checked = readOptions(task, options, ["bins", "convention"]);
    return new GhmcStream(checked, Tally.fromRows(checked.bins, rows, task));
  }
}
