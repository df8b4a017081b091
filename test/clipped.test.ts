/** Whether an element's block is computed whole or without its easy negatives does not show in the element. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asymmetric } from "../src/mod.ts";
import { Random } from "./arena.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";

const OPTIONS = [{}, { gammaPos: 0.3, gammaNeg: 2.7 }, { clip: 0.5 }, { clip: 0 }];
const N = 2300;

/** Logits of which so many in a hundred are too easy to count for a clip of 0.05 or of 0.5. */
function logits(easy: number): Float32Array<ArrayBuffer> {
  const random = new Random(easy + 1);
  return Float32Array.from({ length: N }, () => (random.below(100) < easy ? -3 : 0.1) + random.next() * 0.05);
}

for (const options of OPTIONS) {
  test(`asymmetric ${JSON.stringify(options)}: blocks with few and many easy negatives agree`, () => {
    const random = new Random(3);
    const targets = Float32Array.from({ length: N }, () => (random.next() < 0.02 ? 1 : 0));
    const weights = Float32Array.from({ length: N }, () => random.next() * 2);
    for (const easy of [0, 5, 24, 26, 60, 97, 100]) {
      const x = logits(easy);
      for (const given of [{}, { weights }]) {
        const whole = asymmetric(x, targets, { ...options, ...given, reduction: "none" });
        for (let i = 0; i < N; i += 7) {
          const own = "weights" in given ? { weights: weights.slice(i, i + 1) } : {};
          const one = asymmetric(x.slice(i, i + 1), targets.slice(i, i + 1), {
            ...options,
            ...own,
            reduction: "none",
          });
          assert.deepEqual(
            [whole.losses?.[i], whole.grad[i]],
            [one.losses?.[0], one.grad[0]],
            `element ${i} of a batch with ${easy} % easy ones`,
          );
        }
      }
    }
  });
}

test("an easy negative is exactly 0, and its neighbours are not", () => {
  const x = logits(60);
  const { grad, losses } = asymmetric(x, new Float32Array(N), { reduction: "none" });
  const zeros = x.filter((v) => v < -2.9444389).length;
  assert.ok(zeros > N / 2 && zeros < N);
  for (let i = 0; i < N; i++) {
    assert.equal(losses?.[i] === 0 && Object.is(grad[i], 0), x[i] < -2.9444389, `element ${i}`);
  }
});

test("an element at the clip has the same bits among easy ones and alone", () => {
  const edge = Math.fround(Math.log(0.05 / 0.95)); // just below the logit of the clip
  const options = { gammaNeg: 0, clip: 0.05, reduction: "none" } as const;
  const all = asymmetric(new Float32Array(1024).fill(-8).with(500, edge), new Uint8Array(1024), options);
  const one = asymmetric(Float32Array.of(edge), new Uint8Array(1), options);
  assert.ok(one.grad[0] > 0.01, "it is not clipped");
  assert.deepEqual([all.losses?.[500], all.grad[500]], [one.losses?.[0], one.grad[0]]);
});

test("the sum is that of all losses, wherever a batch ends and however many are left out", () => {
  for (const n of [1, 2, 3, 5, 7, 1023, 1025, 1030, 2047, 3073, 32769, 33793]) {
    const targets = Float32Array.from({ length: n }, (_, i) => (i % 101 === 100 ? 1 : 0));
    const mask = Uint8Array.from({ length: n }, (_, i) => (i % 7 === 6 ? 0 : 1));
    for (const easy of [0, 10, 50, 90, 100]) {
      const all = logits(easy);
      const x = Float32Array.from({ length: n }, (_, i) => all[i % N]!);
      for (const given of [{}, { mask }]) {
        for (const options of [{}, { clip: 0 }]) {
          const { loss, losses } = asymmetric(x, targets, { ...options, ...given, reduction: "none" });
          const want = fromGrid(gridSum(losses as Float32Array));
          assert.equal(loss, want, `${n} elements, ${easy} % easy`);
          assert.equal(asymmetric.stream(options).update(x, targets, given).result().sum, want);
        }
      }
    }
  }
});

test("a loss beyond float32 among easy negatives is refused by its index", () => {
  const x = logits(90);
  const targets = new Float32Array(N);
  const weights = new Float32Array(N).fill(1);
  for (const index of [3, 1500, N - 1]) {
    const given = { weights: weights.with(index, 3e38) };
    const far = x.with(index, 90);
    const refusal = { name: "RangeError", message: new RegExp(`overflow at index ${index} `) };
    assert.throws(() => asymmetric(far, targets, given), refusal);
    assert.throws(() => asymmetric.stream().update(far, targets, given), refusal);
    assert.throws(() => asymmetric(far, targets, { ...given, reduction: "none" }), refusal);
  }
});
