import { at } from "../arena.ts";
import { describe } from "../check.ts";
import { addDigits, collect, DIGITS, read } from "./exact-sum.ts";
import { fromRows, type Row, toRow } from "./rows.ts";
import { addCounts, decode, encode, type Header, join, revive, sameHeader, split } from "./state.ts";

export type Reduction = "mean" | "sum" | "none";
/** What `"mean"` divides by: the valid elements, the positives among them (at least 1), or a number. */
export type Normalizer = "count" | "positives" | number;

export interface BatchOptions {
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
  /** One factor per element, finite and >= 0; default 1. */
  readonly weights?: Float32Array | undefined;
}

export interface StreamResult {
  /** The reduced loss: `sum` divided by the normalizer for `"mean"`, else `sum`. */
  readonly loss: number;
  /** The exact sum of the weighted element losses, rounded once. */
  readonly sum: number;
  /** Valid elements. */
  readonly count: number;
  /** Valid elements with a target above 1/2. */
  readonly positives: number;
}

/** How a kind of loss takes in a chunk. */
export interface Intake<T, O> {
  readonly name: string;
  /**
   * Leaves the exact sum of the chunk's losses at `at.words`. Throws before anything else has changed. Options are read
   * before the arena is touched: what reads them may call the library.
   */
  add(task: string, logits: Float32Array, targets: T, options: O | undefined): Counts;
}

export interface Counts {
  count: number;
  positives: number;
}

/** What a mean divides by. */
export function normalize(normalizer: Normalizer, count: number, positives: number): number {
  if (typeof normalizer === "number") return normalizer;
  return Math.max(normalizer === "count" ? count : positives, 1);
}

/**
 * A loss over data that arrives in pieces. Holds integers only, 14 words whatever the amount of data: the same
 * elements give the same bytes in any chunking, any order and any merge tree, on any engine.
 */
export class LossStream<T = Float32Array | Uint8Array, O = BatchOptions> {
  readonly #intake: Intake<T, O>;
  readonly #header: Header;
  readonly #reduction: Reduction;
  readonly #normalizer: Normalizer;
  readonly #digits: Uint32Array = new Uint32Array(DIGITS);
  #count = 0;
  #positives = 0;

  /** Streams are made by `loss.stream`, `loss.load` and `loss.fromRows`. */
  constructor(intake: Intake<T, O>, header: Header, reduction: Reduction, normalizer: Normalizer) {
    this.#intake = intake;
    this.#header = header;
    this.#reduction = reduction;
    this.#normalizer = normalizer;
  }

  /**
   * Adds a chunk of any length. A refused chunk leaves the stream as it was.
   *
   * @throws {TypeError} for arrays of another kind or unknown options
   * @throws {RangeError} for other lengths and for the first value outside the domain, by index
   */
  update(logits: Float32Array, targets: T, options?: O): this {
    const task = `update a ${this.#intake.name} stream`;
    const { count, positives } = this.#intake.add(task, logits, targets, options);
    const total = addCounts(task, this.#count, count);
    collect(at.words, this.#digits);
    this.#count = total;
    this.#positives += positives;
    return this;
  }

  /**
   * Adds what another stream has seen: addition of integers.
   *
   * @throws {TypeError} unless it is a stream of the same loss with the same options
   */
  merge(other: LossStream<T, O>): this {
    const task = `merge ${this.#intake.name} streams`;
    if (!(other instanceof LossStream)) {
      throw new TypeError(`Cannot ${task}: expected a LossStream, got ${describe(other)}`);
    }
    sameHeader(task, this.#header, other.#header);
    const total = addCounts(task, this.#count, other.#count);
    addDigits(this.#digits, other.#digits.slice());
    this.#count = total;
    this.#positives += other.#positives;
    return this;
  }

  result(): StreamResult {
    const sum = read(this.#digits);
    const count = this.#count;
    const positives = this.#positives;
    const loss = this.#reduction === "mean" ? sum / normalize(this.#normalizer, count, positives) : sum;
    return { loss, sum, count, positives };
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    const words = Uint32Array.of(...split(this.#count), ...split(this.#positives), ...this.#digits);
    return encode(this.#header, words);
  }

  /** The state as one row of whole numbers. */
  toRows(): Row[] {
    return [toRow(0, this.#count, this.#positives, this.#digits)];
  }

  /** Fills a fresh stream from rows. */
  static fill<T, O>(stream: LossStream<T, O>, task: string, rows: unknown): LossStream<T, O> {
    const digits = new Uint32Array(DIGITS);
    let count = 0;
    let positives = 0;
    const each = (_: number, rowCount: number, rowPositives: number): void => {
      count = addCounts(task, count, rowCount);
      positives += rowPositives;
    };
    fromRows(task, rows, 1, true, each, digits);
    if (positives > count) {
      throw new RangeError(
        `Cannot ${task}: expected at most ${count} positives, one for each element, got ${positives}`,
      );
    }
    stream.#digits.set(digits);
    stream.#count = count;
    stream.#positives = positives;
    return stream;
  }

  /** Restores a stream; `make` builds an empty one from the saved options. */
  static restore<T, O>(
    task: string,
    kind: string,
    bytes: unknown,
    make: (options: Record<string, unknown>) => LossStream<T, O>,
  ): LossStream<T, O> {
    const { header, words } = decode(task, kind, bytes);
    if (words.length !== 4 + DIGITS) {
      throw new TypeError(`Cannot ${task}: expected ${4 + DIGITS} words, got ${words.length}`);
    }
    const stream = revive(() => make(header.options));
    sameHeader(task, stream.#header, header);
    stream.#count = join(task, words[0]!, words[1]!);
    stream.#positives = join(task, words[2]!, words[3]!);
    if (stream.#positives > stream.#count) {
      throw new TypeError(
        `Cannot ${task}: expected at most ${stream.#count} positives, got ${stream.#positives}`,
      );
    }
    stream.#digits.set(words.subarray(4));
    return stream;
  }
}
