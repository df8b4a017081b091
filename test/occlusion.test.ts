/** Window search, threshold, the mask on features, its gradients and its loss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { below, streamOf } from "../src/adversary/draw.ts";
import { bce, occlusion } from "../src/mod.ts";
import { mask as bytes, random } from "./data.ts";
import fc from "./property.ts";
import { ulp } from "./reference/float32.ts";
import { loose, put, refuse } from "./refusal.ts";
import { soil } from "./soil.ts";

const { apply, applyBackward, maskBackward, search, threshold, windows } = occlusion;

function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length }, () => (next() - 0.5) * 4);
}

const shapes: fc.Arbitrary<{ n: number; channels: number; size: number; seed: number }> = fc.record({
  n: fc.integer({ min: 0, max: 3 }),
  channels: fc.integer({ min: 1, max: 11 }),
  size: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(100, 182)),
  seed: fc.integer(),
});

test("a mask hides its cells in all channels and leaves the bits of the others", () => {
  fc.assert(
    fc.property(shapes, ({ seed, ...shape }) => {
      const cells = shape.size ** 2;
      const features = noise(shape.n * shape.channels * cells, seed).map((x, i) => (i % 5 ? x : -0));
      const mask = bytes(shape.n * cells, seed + 1, 0.6);
      const hidden = (i: number) => mask[Math.floor(i / cells / shape.channels) * cells + (i % cells)] !== 0;
      const want = features.map((x, i) => (hidden(i) ? 0 : x));
      const bits = (a: Float32Array) => new Uint32Array(a.buffer);
      assert.deepEqual(bits(apply(features, mask, shape)), bits(want));
      assert.deepEqual(bits(applyBackward(features, mask, shape)), bits(want));
    }),
    { numRuns: 60 },
  );
});

test("what is hidden is not looked at, what is seen must be finite", () => {
  const shape = { n: 2, channels: 3, size: 3 };
  const mask = Uint8Array.from({ length: 18 }, (_, i) => (i === 4 || i === 17 ? 255 : 0));
  const features = noise(54, 5);
  const want = apply(features, mask, shape);
  for (const bad of [Number.NaN, Infinity]) {
    for (const at of [4, 13, 22, 35, 44, 53])
      assert.deepEqual(apply(put(features, at, bad), mask, shape), want);
    for (const at of [0, 8, 17, 26, 27, 31, 52]) {
      refuse(() => apply(put(features, at, bad), mask, shape), "RangeError", new RegExp(`index ${at}$`));
      refuse(() => applyBackward(put(features, at, bad), mask, shape), "RangeError", /gradOutput/);
    }
    const all = put(put(features, 4, bad), 50, bad);
    refuse(() => apply(all, mask, shape), "RangeError", /index 50$/);
  }
});

test("what earlier calls left in memory does not show", () => {
  const run = () =>
    [1, 2, 3, 5].map((size) => {
      const shape = { n: 2, channels: 3, size };
      const [x, y] = [noise(6 * size * size, 1), noise(6 * size * size, 2)];
      const mask = bytes(2 * size * size, 3, 0.6);
      return [apply(x, mask, shape), applyBackward(x, mask, shape), maskBackward(x, y, shape)];
    });
  const want = run();
  soil();
  assert.deepEqual(run(), want);
});

test("the gradient of the mask is the sum over channels, rounded once", () => {
  fc.assert(
    fc.property(shapes, ({ seed, ...shape }) => {
      const { n, channels, size } = shape;
      const cells = size * size;
      const [x, y] = [noise(n * channels * cells, seed), noise(n * channels * cells, seed + 1)];
      const want = new Float64Array(n * cells);
      const sums = new Float64Array(n * cells);
      x.forEach((value, i) => {
        const at = Math.floor(i / cells / channels) * cells + (i % cells);
        want[at] += value * y[i];
        sums[at] += Math.abs(value * y[i]);
      });
      maskBackward(y, x, shape).forEach((got, i) => {
        const bound = 0.5 * ulp(want[i]) + channels * 2 ** -52 * sums[i];
        assert.ok(Math.abs(got - want[i]) <= bound, `${got}, ${want[i]} at ${i}`);
      });
    }),
    { numRuns: 60 },
  );
});

test("the mask's gradient says what dropping a cell does to a linear loss", () => {
  const shape = { n: 1, channels: 5, size: 4 };
  const [x, y] = [noise(80, 1), noise(80, 2)];
  const loss = (mask: Uint8Array) => apply(x, mask, shape).reduce((sum, v, i) => sum + v * y[i], 0);
  const gradient = maskBackward(y, x, shape);
  const none = new Uint8Array(16);
  gradient.forEach((g, i) => {
    const one = none.slice();
    one[i] = 1;
    assert.ok(Math.abs(loss(none) - loss(one) - g) < 1e-5);
  });
  const huge = new Float32Array(80).fill(3e38);
  refuse(() => maskBackward(huge, huge, shape), "RangeError", /overflow at index 0/);
  refuse(
    () => maskBackward(put(x, 33, Number.NaN), x, shape),
    "RangeError",
    /gradOutput, got NaN at index 33/,
  );
  refuse(() => maskBackward(x, put(x, 33, Number.NaN), shape), "RangeError", /features, got NaN at index 33/);
});

test("windows cover the map; the last of a row is moved in", () => {
  const count = (options: Parameters<typeof windows>[0]) => windows(options).length / options.size ** 2;
  assert.equal(count({ size: 7, window: 2, stride: 2 }), 16); // as in the released code
  assert.equal(count({ size: 7, window: 2, stride: 1 }), 36);
  assert.equal(count({ size: 6, window: 2, stride: 1 }), 25);
  assert.equal(count({ size: 6, window: 2, stride: 2 }), 9);
  assert.equal(count({ size: 5, window: 5, stride: 3 }), 1);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.nat(8),
      fc.integer({ min: 1, max: 12 }),
      (size, less, stride) => {
        const window = Math.max(1, size - less);
        const masks = windows({ size, window, stride: Math.min(stride, window) });
        const cells = size * size;
        const seen = new Set<number>();
        for (let w = 0; w < masks.length; w += cells) {
          const one = masks.subarray(w, w + cells);
          assert.equal(
            one.reduce((sum, byte) => sum + byte, 0),
            window * window,
          );
          for (const [i, byte] of one.entries()) if (byte) seen.add(i);
        }
        assert.equal(seen.size, cells);
      },
    ),
  );
});

test("the search finds the costliest window, the first of equals, and its mask", () => {
  const grid = { size: 7, window: 2, stride: 2 };
  const masks = windows(grid);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 48, maxLength: 48 }), (values) => {
      const { best, mask } = search(Float32Array.from(values), grid);
      assert.equal(best.length, 3);
      best.forEach((w, s) => {
        const row = values.slice(s * 16, (s + 1) * 16);
        assert.equal(w, row.indexOf(Math.max(...row)));
        assert.deepEqual(mask.slice(s * 49, (s + 1) * 49), masks.slice(w * 49, (w + 1) * 49));
      });
    }),
  );
  assert.equal(search(new Float32Array(0), grid).best.length, 0);
  refuse(
    () => search(new Float32Array(17), grid),
    "RangeError",
    /32 values of windowLosses \[2, 16\], got 17/,
  );
  refuse(() => search(put(new Float32Array(32), 20, Number.NaN), grid), "RangeError", /index 20/);
  refuse(() => search(new Float32Array(16), { ...grid, window: 8 }), "RangeError", /window/);
  refuse(() => search(new Float32Array(16), loose({ size: 7, window: 2 })), "TypeError", /stride/);
  refuse(() => search(loose([1]), grid), "TypeError", /Float32Array/);
});

/** Cells of one sample, the highest score first, the lowest index of equals first. */
function ranking(scores: Float32Array): number[] {
  return Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
}

test("a threshold drops so many of the highest, and equal numbers leave nothing to chance", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.constantFrom(-Math.fround(3.4e38), -1, -0, 0, 1e-45, 0.5, 2, 3e38), {
        minLength: 128,
        maxLength: 128,
      }),
      fc.nat(),
      fc.nat(),
      (size, values, a, b) => {
        const cells = size * size;
        const scores = Float32Array.from(values).subarray(0, 2 * cells);
        const top = 1 + (a % cells);
        const drop = 1 + (b % top);
        const mask = threshold(scores, { n: 2, size, top, drop, seed: 5 });
        const fixed = threshold(scores, { n: 2, size, top, drop: top });
        for (const s of [0, 1]) {
          const highest = ranking(scores.subarray(s * cells, (s + 1) * cells)).slice(0, top);
          const dropped = [...mask.subarray(s * cells, (s + 1) * cells).keys()].filter(
            (i) => mask[s * cells + i],
          );
          assert.equal(dropped.length, drop);
          assert.ok(dropped.every((i) => highest.includes(i)));
          const all = [...fixed.subarray(s * cells, (s + 1) * cells).keys()].filter(
            (i) => fixed[s * cells + i],
          );
          assert.deepEqual(
            all,
            highest.sort((x, y) => x - y),
          );
        }
      },
    ),
  );
});

test("shares are shares of all cells, rounded down, at least one", () => {
  const dropped = (size: number, top?: number, drop?: number) =>
    threshold(noise(size * size, 1), { n: 1, size, top, drop, seed: 1 }).reduce((sum, byte) => sum + byte, 0);
  assert.equal(dropped(7), 16);
  assert.equal(dropped(6), 12);
  assert.equal(dropped(1), 1);
  assert.equal(dropped(10, 0.29, 0.29), 29);
  assert.equal(dropped(7, 20, 15), 15); // the released code's
  assert.equal(dropped(7, 0.5, 0), 0);
  assert.equal(dropped(7, 0.01, 0.01), 1);
});

test("draws are even, depend on the seed and the sample, and on nothing else", () => {
  const n = 6000;
  const scores = new Float32Array(n * 9);
  const options = { n, size: 3, top: 6, drop: 2, seed: 11 };
  const mask = threshold(scores, options);
  const hits = new Float64Array(9);
  mask.forEach((byte, i) => {
    hits[i % 9] += byte;
  });
  // 2000 expected; the standard deviation is 36.5.
  for (let i = 0; i < 6; i++) assert.ok(Math.abs(hits[i] - n / 3) < 150, `${hits[i]} of cell ${i}`);
  assert.deepEqual([...hits.subarray(6)], [0, 0, 0]);
  assert.deepEqual(threshold(scores.subarray(0, 90), { ...options, n: 10 }), mask.slice(0, 90));
  const other = threshold(scores, { ...options, seed: 12 });
  const same = Array.from({ length: n }, (_, s) =>
    [0, 1, 2, 3, 4, 5].every((i) => mask[s * 9 + i] === other[s * 9 + i]),
  ).filter(Boolean).length;
  assert.ok(Math.abs(same - n / 15) < 100, `${same} samples with the same pair of 15`);
});

test("numbers below a bound are even where a word is no multiple of it", () => {
  const stream = streamOf(3, 0);
  const thirds = [0, 0, 0];
  // Of 2^32 words a quarter is left over: kept, it would all go to numbers that are 0 modulo 3.
  for (let i = 0; i < 30000; i++) thirds[below(stream, 3 * 2 ** 30) % 3]++;
  for (const count of thirds) assert.ok(Math.abs(count - 10000) < 400, `${thirds}`);
});

test("the documented generator, step by step", () => {
  const mix = (word: bigint): bigint => {
    let z = word ^ (word >> 16n);
    z = (z * 0x21f0aaadn) & 0xffffffffn;
    z ^= z >> 15n;
    z = (z * 0x735a2d97n) & 0xffffffffn;
    return z ^ (z >> 15n);
  };
  for (const seed of [0, 1, 77, 2 ** 32 - 1]) {
    const scores = new Float32Array(5 * 16);
    const got = threshold(scores, { n: 5, size: 4, top: 13, drop: 4, seed });
    for (let s = 0n; s < 5n; s++) {
      let state = mix((mix(BigInt(seed)) + (s + 1n) * 0x9e3779b9n) & 0xffffffffn);
      const cells = Array.from({ length: 16 }, (_, i) => i);
      for (let k = 0; k < 4; k++) {
        const bound = BigInt(13 - k);
        let product: bigint;
        do {
          state = (state + 0x9e3779b9n) & 0xffffffffn;
          product = mix(state) * bound;
        } while ((product & 0xffffffffn) < 2n ** 32n % bound);
        const other = k + Number(product >> 32n);
        [cells[k], cells[other]] = [cells[other], cells[k]];
      }
      const want = new Uint8Array(16);
      for (const cell of cells.slice(0, 4)) want[cell] = 1;
      assert.deepEqual(got.slice(Number(s) * 16, Number(s + 1n) * 16), want);
    }
  }
});

test("a threshold refuses what it cannot do", () => {
  const options = { n: 1, size: 3, seed: 1 };
  const scores = noise(9, 3);
  refuse(() => threshold(scores, { n: 1, size: 3 }), "TypeError", /seed/);
  refuse(() => threshold(scores, { ...options, seed: -1 }), "RangeError", /seed/);
  refuse(
    () => threshold(scores, { ...options, top: 2, drop: 3 }),
    "RangeError",
    /at most 2 cells to drop, got 3/,
  );
  refuse(() => threshold(scores, { ...options, top: 10 }), "RangeError", /top/);
  refuse(() => threshold(scores, { ...options, top: 2.5 }), "RangeError", /2\.5/);
  refuse(() => threshold(scores, { ...options, drop: -0.1 }), "RangeError", /drop/);
  refuse(() => threshold(scores, { ...options, n: 2 }), "RangeError", /18 values of scores/);
  refuse(() => threshold(put(scores, 6, Number.NaN), options), "RangeError", /NaN at index 6/);
  refuse(() => threshold(scores, { ...options, size: 2000 }), "RangeError", /size/);
});

test("kinds and shapes are refused", () => {
  const shape = { n: 1, channels: 2, size: 3 };
  const [x, mask] = [noise(18, 1), new Uint8Array(9)];
  refuse(() => apply(loose([1]), mask, shape), "TypeError", /features/);
  refuse(() => apply(x, loose(new Float32Array(9)), shape), "TypeError", /mask/);
  refuse(() => apply(x.slice(1), mask, shape), "RangeError", /18 values of features \[1, 2, 3, 3\], got 17/);
  refuse(() => apply(x, mask.slice(1), shape), "RangeError", /9 values of mask \[1, 3, 3\], got 8/);
  refuse(() => apply(x, mask, loose({ ...shape, height: 3 })), "TypeError", /height/);
  refuse(() => applyBackward(x, mask, { ...shape, channels: 0 }), "RangeError", /channels/);
  refuse(() => maskBackward(x, x.slice(1), shape), "RangeError", /features/);
  const cells = { size: 1024, window: 1, stride: 1 };
  refuse(() => windows(cells), "RangeError", /2147483648 bytes, got 1048576 of 1024 x 1024$/);
});

test("the mask's loss is cross-entropy over the cells of the samples that train", () => {
  const [logits, mask] = [noise(48, 1), bytes(48, 2).map((byte) => (byte ? 1 : 0))];
  assert.deepEqual(occlusion.loss(logits, mask, { n: 3, size: 4 }), bce(logits, mask));
  const some = occlusion.loss(logits, mask, { n: 3, size: 4, samples: Uint8Array.of(1, 0, 7) });
  const [first, last] = [0, 32].map((at) => bce(logits.slice(at, at + 16), mask.slice(at, at + 16)));
  assert.equal(some.count, 32);
  assert.ok(Math.abs(some.loss - (first.loss + last.loss) / 2) < 1e-15);
  assert.deepEqual(some.grad.slice(16, 32), new Float32Array(16));
  assert.deepEqual(
    some.grad.slice(32),
    last.grad.map((g) => g / 2),
  );
  refuse(() => occlusion.loss(logits, mask, { n: 3, size: 3 }), "RangeError", /27 values of logits/);
  refuse(() => occlusion.loss(logits, bytes(48, 2), { n: 3, size: 4 }), "RangeError", /targets/);
  refuse(
    () => occlusion.loss(logits, mask, { n: 3, size: 4, samples: new Uint8Array(2) }),
    "RangeError",
    /samples/,
  );
});
