/** Streams of pairs keep the laws of `laws.ts`; they count pairs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bce,
  type PairGhmStream,
  type PairStream,
  type PairwiseLossOptions,
  pairwise,
  type Row as StateRow,
} from "../src/mod.ts";
import { mergeable, type State } from "./laws.ts";
import { pairData } from "./pairs-data.ts";
import { saved } from "./saved.ts";

/** A stream of pairs that takes what the laws feed: a logit against a second item of score 0, turned by its target. */
class Turned implements State<Turned> {
  readonly inner: PairStream;
  constructor(inner: PairStream | PairGhmStream) {
    this.inner = inner as PairStream;
  }
  update(logits: Float32Array, targets: Float32Array, options?: { mask?: Uint8Array }): this {
    const zero = logits.length;
    const scores = new Float32Array(zero + 1);
    scores.set(logits);
    const pairs = new Uint32Array(logits.length + targets.length);
    targets.forEach((y, k) => {
      pairs.set(y === 1 ? [k, zero] : y === 0 ? [zero, k] : [zero + 1, k], 2 * k);
    });
    this.inner.update(scores, pairs, options);
    return this;
  }
  merge(other: Turned): this {
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

for (const [name, options] of [
  ["pairwise", {}],
  ["pairwise, focal, by a number", { loss: "focal", gamma: 1.5, normalizer: 17 }],
  ["pairwise, ghm", { loss: "ghm" } as unknown as PairwiseLossOptions],
] as [string, PairwiseLossOptions][]) {
  const subject = {
    name,
    make: () => new Turned(pairwise.stream(options)),
    load: (bytes: Uint8Array) => new Turned(pairwise.load(bytes)),
    fromRows: (rows: StateRow[]) => new Turned(pairwise.fromRows(rows, options)),
  };
  mergeable(subject);
  saved(subject);
}

test("a stream of pairs is the one shot, bit for bit, and takes each piece with its own scores", () => {
  const { scores, pairs } = pairData(700, 50001, 6, 30);
  const weights = Float32Array.from({ length: 50001 }, (_, k) => (k % 7) / 3);
  for (const reduction of ["mean", "sum", "none"] as const) {
    for (const options of [{ reduction }, { reduction, loss: "focal", normalizer: 7.3 }] as const) {
      const stream = pairwise.stream(options);
      for (let k = 0; k < 50001; k += 9973) {
        const piece = pairs.subarray(2 * k, 2 * k + 2 * 9973);
        // Only the items of the piece, in the order in which they come.
        const own = Float32Array.from(piece, (item) => scores[item]);
        const indices = Uint32Array.from(own, (_, i) => i);
        stream.update(own, indices, { weights: weights.subarray(k, k + 9973) });
      }
      const { loss, count } = pairwise(scores, pairs, { ...options, weights });
      const result = stream.result();
      assert.deepEqual([result.loss, result.count, result.positives], [loss, count, count]);
    }
  }
});

test("streams of other losses of pairs and other parameters do not merge, and say which", () => {
  const kinds = [
    pairwise.stream(),
    pairwise.stream({ loss: "focal" }),
    pairwise.stream({ loss: "focal", gamma: 3 }),
    pairwise.stream({ normalizer: 2 }),
    bce.stream() as unknown as PairStream,
  ];
  for (const one of kinds)
    for (const other of kinds)
      if (one !== other) assert.throws(() => one.merge(other), { name: "TypeError", message: /pairwise/ });
  assert.throws(() => kinds[0].merge(kinds[1]), /"bpr".*"focal"/s);
  assert.throws(() => bce.load(kinds[0].save()), { name: "TypeError", message: /bce.*pairwise/ });
  assert.throws(() => pairwise.load(kinds[4].save()), { name: "TypeError", message: /pairwise.*bce/ });
  const made = pairwise.stream({ loss: "focal", gamma: 0.7 });
  const { scores, pairs } = pairData(9, 50, 1);
  const loaded = pairwise.load(made.save());
  assert.deepEqual(loaded.update(scores, pairs).save(), made.update(scores, pairs).save());
});
