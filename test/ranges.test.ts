/** Exact sums of numbers however far apart: kernels against integers of any length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, reserve, views } from "../src/arena.ts";
import { kernel } from "../src/wasm/kernel.ts";
import { Random } from "./arena.ts";
import fc from "./property.ts";
import { fromGrid, gridSum, toGrid } from "./reference/fixed-point.ts";
import { fromBits } from "./reference/float32.ts";

const LARGEST = 0x7f7fffff;
const BLOCK = 4096;
const BINS = 5;

/** The integer that ten canonical words hold. */
function wordsAt(address: number): bigint {
  const words = new BigInt64Array(views().f64.buffer, address, 10);
  return words.reduce((sum, word, i) => sum + (word << BigInt(32 * i)), 0n);
}

function put(values: ArrayLike<number>, address: number): void {
  views().f32.set(values, address >> 2);
}

function sumOf(values: readonly number[]): bigint {
  const [room, words] = reserve([values.length * 4, 80]) as [number, number];
  put(values, room);
  views().u8.fill(0, words, words + 80);
  kernel.sum(values.length, room, words);
  return wordsAt(words);
}

/** Counts and sums of the regions, as the kernel has them and as they are. */
function checkTally(norms: readonly number[], losses: readonly number[], what: string): void {
  const n = losses.length;
  const [g, loss, bytes] = reserve([n * 4, n * 4, n]) as [number, number, number];
  put(norms, g);
  put(losses, loss);
  views().u8.fill(0, at.cells, at.cells + BINS * 88);
  views().u8.fill(0, at.tables, at.tables + 32768);
  kernel.tallyFloor(n, g, loss, BINS, at.tables, bytes, at.cells);
  for (let j = 0; j < BINS; j++) {
    const own = losses.filter((_, i) => Math.min(Math.floor(norms[i] * BINS), BINS - 1) === j);
    const cell = at.cells + j * 88;
    assert.equal(
      new BigInt64Array(views().f64.buffer, cell, 1)[0],
      BigInt(own.length),
      `count ${j}, ${what}`,
    );
    assert.equal(wordsAt(cell + 8), gridSum(own), `sum ${j}, ${what}`);
  }
}

/** Losses of which one in `rare` is of any size, the others near one another. */
function mixture(n: number, rare: number, seed: number, most: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: n }, () =>
    random.below(rare) === 0 ? fromBits(random.below(most + 1)) : 1 + random.next(),
  ).map(Math.fround);
}

function norms(n: number): number[] {
  const random = new Random(n + 1);
  return Array.from({ length: n }, () => Math.fround(random.next()));
}

const finite = fc.integer({ min: 0, max: LARGEST }).map(fromBits);
const signed = fc.tuple(finite, fc.boolean()).map(([v, isNegative]) => (isNegative ? -v : v));

test("a sum of any finite numbers is exact", () => {
  fc.assert(
    fc.property(fc.array(signed, { minLength: 1, maxLength: 80 }), (values) => {
      assert.equal(sumOf(values), gridSum(values));
    }),
  );
  for (const [rare, n] of [
    [1, 5000],
    [50, 4097],
    [4096, 9000],
  ] as const) {
    const values = mixture(n, rare, n, LARGEST).map((v, i) => (i % 3 ? v : -v));
    assert.equal(sumOf(values), gridSum(values));
  }
});

test("a sum of numbers from both ends of float32 is exact in full blocks", () => {
  const ends = [0x00000001, 0x00800000, 0x3f7fffff, 0x3f800000, LARGEST].map(fromBits);
  const values = Array.from({ length: 3 * BLOCK }, (_, i) => ends[i % ends.length]);
  assert.equal(sumOf(values), gridSum(values));
});

test("the regions' sums are exact for losses of any size", () => {
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 60 }), (losses) => {
      checkTally(norms(losses.length), losses, `${losses.length} losses`);
    }),
  );
  for (const most of [LARGEST, 0x7d7fffff, 0x5f000000, 0x3f800000]) {
    for (const rare of [1, 64, 3000]) {
      checkTally(norms(9001), mixture(9001, rare, rare, most), `one in ${rare} up to ${fromBits(most)}`);
    }
  }
});

test("the regions' sums are exact where a block fills its parts to the brim", () => {
  // All the largest of their exponent, in one region, beside one that is so many exponents smaller.
  for (const exponent of [20, 66, 100, 127, 150, 200, 249, 250, 251, 254]) {
    const large = fromBits((exponent << 23) | 0x7fffff);
    for (const apart of [19, 20, 21, 40, 41, 42, 43, 65, 66, 84, 130]) {
      if (apart >= exponent) continue;
      const losses = new Array<number>(BLOCK + 1).fill(large);
      losses[7] = fromBits(((exponent - apart) << 23) | 1);
      checkTally(new Array<number>(BLOCK + 1).fill(0.9), losses, `exponents ${exponent} and ${apart} less`);
    }
  }
});

function checkCumulated(values: readonly number[]): void {
  const ascending = Float32Array.from(values).sort();
  const n = ascending.length;
  const [room, sums] = reserve([n * 4, n * 8]) as [number, number];
  put(ascending, room);
  kernel.cumulate(n, room, sums);
  let sum = 0n;
  ascending.forEach((value, i) => {
    sum += toGrid(value);
    assert.equal(views().f64[(sums >> 3) + i], fromGrid(sum), `sum ${i} of ${n}`);
  });
}

test("running sums are exact and rounded once, however far apart the numbers are", () => {
  fc.assert(fc.property(fc.array(finite, { minLength: 1, maxLength: 100 }), checkCumulated));
  for (const rare of [1, 3, 100]) checkCumulated(mixture(3000, rare, rare, LARGEST));
  // Ties, decided by what lies far below: half a unit of a float64 beside a smaller number, or none.
  for (const least of [0, 0x00000001, 0x00800000, 0x20000000, 0x64000000].map(fromBits)) {
    for (const gap of [8, 16, 29, 30, 31, 53, 63, 64, 65, 100]) {
      const top = 2 ** 100;
      const tie = top * 2 ** -53;
      checkCumulated([least, tie, top, top].filter((v) => v <= top));
      checkCumulated([least, least, top * 2 ** -gap, top, Math.fround(top * 1.0000001)]);
    }
  }
});

test("ties of running sums are decided by bits beyond the highest 64, and by those given up", () => {
  const times = (n: number, value: number): number[] => new Array<number>(n).fill(value);
  checkCumulated([2 ** -55, 2 ** -44, 1, 256, 256]);
  checkCumulated([...times(256, 1), ...times(17, 256), 2 ** 65]);
  checkCumulated([...times(256, 2 ** -60), 2 ** -52, 2 ** 70, 2 ** 123]);
});
