import type { Labels, Row as StateRow } from "../src/mod.ts";
import type { State } from "./laws.ts";

/** A stream of rows, of one kind or another. */
interface Stream<S> {
  update(logits: Float32Array, labels: Labels, options?: { mask?: Uint8Array }): unknown;
  merge(other: S): unknown;
  save(): Uint8Array;
  toRows(): StateRow[];
  result(): unknown;
}

/** A stream of rows that takes what the laws feed: logits as rows of one, each with a second logit of 0. */
export class Pairs<S extends Stream<S>> implements State<Pairs<S>> {
  readonly inner: S;
  constructor(inner: S) {
    this.inner = inner;
  }
  update(logits: Float32Array, targets: Float32Array, options?: { mask?: Uint8Array }): this {
    const pairs = new Float32Array(2 * logits.length);
    logits.forEach((x, i) => {
      pairs[2 * i] = x;
    });
    const labels = Int32Array.from(targets, (y) => (Number.isInteger(y) ? y : 9));
    try {
      this.inner.update(pairs, labels, options);
    } catch (error) {
      // The index of a logit, in terms of what was fed.
      const { name, message } = error as Error;
      if (name !== "RangeError") throw error;
      throw new RangeError(message.replace(/index (\d+)/, (_, i) => `index ${Number(i) / 2}`));
    }
    return this;
  }
  merge(other: Pairs<S>): this {
    this.inner.merge(other?.inner ?? other);
    return this;
  }
  save(): Uint8Array {
    return this.inner.save();
  }
  toRows(): StateRow[] {
    return this.inner.toRows();
  }
  result(): unknown {
    return this.inner.result();
  }
}
