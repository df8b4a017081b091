import { options as checkOptions, describe } from "../check.ts";
import { checkRows, type Labels, type RowBatch } from "../rows/batch.ts";
import type { Row } from "../stream/rows.ts";
import { decode, encode, revive, sameHeader } from "../stream/state.ts";
import { type DrForm, NAME, readForm } from "./form.ts";
import { gradient, settle, tallyRows } from "./passes.ts";
import { DrTally } from "./tally.ts";

/** Options of a batch of rows. */
export interface DrBatchOptions {
  /** One byte per row; where it is 0 the row does not exist. */
  readonly mask?: Uint8Array | undefined;
}

export interface DrLossIntoResult {
  loss: number;
  /** Rows that are not ignored, and positives among their entries; all other entries are negatives. */
  count: number;
  positives: number;
  /** P+, the expected score of the positives: 1 if there is none. */
  pPos: number;
  /** P-, the expected score of the negatives: 0 if there is none. */
  pNeg: number;
}

export function resultOf(form: DrForm, tally: DrTally): DrLossIntoResult {
  const { loss, pPos, pNeg } = settle(form, tally);
  return { loss, count: tally.count, positives: tally.positives, pPos, pNeg };
}

/**
 * DR loss over rows that arrive in pieces. One pass gives the loss; a second pass over any of the rows gives their
 * gradient, once all have been seen. Holds integers only, 166 words: the same rows give the same bytes in any chunking,
 * any order and any merge tree, on any engine.
 */
export class DrLossStream {
  readonly #form: DrForm;
  readonly #tally: DrTally;

  /** Streams are made by `drLoss.stream`, `drLoss.load` and `drLoss.fromRows`. */
  constructor(form: DrForm, tally: DrTally = new DrTally(form.classes)) {
    this.#form = form;
    this.#tally = tally;
  }

  #batch(task: string, logits: unknown, labels: unknown, options: DrBatchOptions | undefined): RowBatch {
    checkOptions(task, options, ["mask"]);
    return checkRows(task, this.#form.classes, logits, labels, options?.mask, undefined, {});
  }

  /**
   * Adds rows of any number. A refused chunk leaves the stream as it was.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for other lengths, the first label beyond the classes and the first logit that is not finite
   */
  update(logits: Float32Array, labels: Labels, options?: DrBatchOptions): this {
    const task = `update a ${NAME} stream`;
    const batch = this.#batch(task, logits, labels, options);
    this.#tally.add(task, tallyRows(task, this.#form, batch));
    return this;
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same options */
  merge(other: DrLossStream): this {
    const task = `merge ${NAME} streams`;
    if (!(other instanceof DrLossStream)) {
      throw new TypeError(`Cannot ${task}: expected a ${NAME} stream, got ${describe(other)}`);
    }
    sameHeader(task, this.#form.header, other.#form.header);
    this.#tally.add(task, other.#tally);
    return this;
  }

  result(): DrLossIntoResult {
    return resultOf(this.#form, this.#tally);
  }

  /**
   * The gradient of rows that the stream has seen, by everything it has seen.
   *
   * @throws {RangeError} as `update` does, and where rows cannot be among those seen
   */
  grad(logits: Float32Array, labels: Labels, options?: DrBatchOptions): Float32Array {
    const task = `compute the gradient of a ${NAME} stream`;
    const batch = this.#batch(task, logits, labels, options);
    const grad = new Float32Array(logits.length);
    gradient(task, this.#form, batch, this.#tally, grad);
    return grad;
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    return encode(this.#form.header, this.#tally.words());
  }

  static load(bytes: unknown): DrLossStream {
    const task = `load a ${NAME} stream`;
    const { header, words } = decode(task, NAME, bytes);
    const form = revive(() => readForm(task, header.options));
    sameHeader(task, form.header, header);
    return new DrLossStream(form, DrTally.fromWords(form.classes, words, task));
  }

  /** The state as rows of whole numbers: one of counts, and one for each sum. */
  toRows(): Row[] {
    return this.#tally.toRows();
  }

  static fromRows(rows: unknown, options: unknown): DrLossStream {
    const task = `read rows of ${NAME}`;
    const form = readForm(task, options);
    return new DrLossStream(form, DrTally.fromRows(form.classes, rows, task));
  }
}
