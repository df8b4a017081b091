/** Memory for calls of kernels: arrays laid out one behind the other, filled from pools of awkward numbers. */
import { fromBits } from "./reference/float32.ts";

/** A small generator with a fixed seed, uniform in [0, 1). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(choice: readonly T[]): T {
    return choice[this.below(choice.length)];
  }

  /** A power of two times [1, 2), of either sign. */
  scaled(low: number, high: number): number {
    const size = 2 ** (low + this.below(high - low)) * (1 + this.next());
    return this.next() < 0.5 ? -size : size;
  }
}

const SUBNORMAL = [1e-45, -1e-45, 1e-40, -1e-40, 1.1754942e-38];
const HUGE = [1e30, -1e30, 3.4e38, -3.4e38];
const FINITE = [0, -0, 90, -90, 87.33654, -87.33654, 1.17549435e-38, 1, -1, ...SUBNORMAL, ...HUGE];
const WILD = [...FINITE, Number.NaN, Infinity, -Infinity];
const ENDS = [0, -0, 1, 0.5, 0.25, fromBits(0x3f7fffff), 1e-45, 1e-40];

/** Numbers of one kind: one in five is awkward. */
function kind(awkward: readonly number[], usual: (random: Random) => number): (random: Random) => number {
  return (random) => (random.next() < 0.2 ? random.pick(awkward) : usual(random));
}

const KINDS = {
  logits: kind(FINITE, (random) => (random.next() - 0.5) * random.pick([20, 20, 200])),
  /** What no host lets through: a kernel must treat it the same all the same. */
  wild: kind(WILD, (random) => fromBits(random.below(2 ** 32))),
  hard: kind([-0], (random) => random.below(2)),
  soft: kind(ENDS, (random) => random.next()),
  unit: kind(ENDS, (random) => random.pick([random.next(), random.below(61) / 60, random.next() * 0.02])),
  weights: kind([0, -0, 1e-45, 1e30], (random) => random.next() * 3),
  /** For the paths of an exact sum: how many bits lie between the largest and the smallest. */
  near: kind([0, -0], (random) => random.scaled(-1, 1)),
  apart: kind([0, -0], (random) => random.scaled(-58, 5)),
  far: kind([0, -0], (random) => random.scaled(-60, 50)),
  any: kind(FINITE, (random) => random.scaled(-126, 127)),
  equal: () => 0.5,
  losses: kind([0, Math.LN2, 104], (random) => Math.abs(random.scaled(-18, 5))),
  /** Two of different signs are further apart than the largest float32. */
  huge: kind(HUGE, (random) => random.scaled(127, 128)),
};

export type Kind = keyof typeof KINDS;

const LONGEST = 4200;
const POOLS = Object.fromEntries(
  Object.entries(KINDS).map(([name, make], i) => {
    const random = new Random(i + 1);
    return [name, Float32Array.from({ length: 2 * LONGEST }, () => make(random))];
  }),
) as Record<Kind, Float32Array>;

/** Bytes behind every array: kernels read and write whole vectors, at most one block of 64 bytes too far. */
const GUARD = 96;

export class Arena {
  readonly start: number;
  readonly random: Random = new Random(271828);
  /** What memory holds before a call, from address 0. */
  readonly image: Uint8Array;
  readonly #floats: Float32Array;
  readonly #words: Uint32Array;
  #end: number;

  constructor(start: number, bytes: number) {
    this.start = (start + 15) & ~15;
    this.#end = this.start;
    this.image = new Uint8Array(bytes);
    this.#floats = new Float32Array(this.image.buffer);
    this.#words = new Uint32Array(this.image.buffer);
    for (let i = start >> 2; i < this.#words.length; i++) this.#words[i] = this.random.below(2 ** 32);
  }

  /** The first byte behind all arrays. */
  get end(): number {
    return this.#end;
  }

  clear(): void {
    this.#end = this.start;
  }

  /** So many bytes with whatever was there. */
  room(bytes: number): number {
    const at = this.#end;
    this.#end = (at + bytes + GUARD + 15) & ~15;
    if (this.#end > this.image.length)
      throw new RangeError(`Cannot lay out arrays: expected room for ${bytes} bytes`);
    return at;
  }

  zeros(bytes: number): number {
    const at = this.room(bytes);
    this.image.fill(0, at, this.#end);
    return at;
  }

  /** n float32 numbers of a kind; what lies behind them is of that kind too. */
  floats(n: number, kind: Kind): number {
    const at = this.room(4 * n);
    const count = (this.#end - at) >> 2;
    const from = this.random.below(POOLS[kind].length - count);
    this.#floats.set(POOLS[kind].subarray(from, from + count), at >> 2);
    return at;
  }

  /** One vector of four equal numbers. */
  vector(value: number): number {
    const at = this.room(16);
    this.#floats.fill(value, at >> 2, (at >> 2) + 4);
    return at;
  }

  /** n bytes below `most`. */
  bytes(n: number, most: number): number {
    const at = this.room(n);
    for (let i = at; i < this.#end; i++) this.image[i] = this.random.below(most);
    return at;
  }

  /** n u32 in [least, most). */
  counts(n: number, least: number, most: number): number {
    const at = this.room(4 * n);
    for (let i = at >> 2; i < this.#end >> 2; i++) this.#words[i] = least + this.random.below(most - least);
    return at;
  }

  /** float32 parameters, then 32-bit words, and the rooms that long losses have behind them: of blocks, and of a chunk. */
  parameters(floats: readonly number[], words: readonly number[] = []): number {
    const at = this.room(64 + 7 * 4608 + 4 * LONGEST);
    this.#floats.set(floats, at >> 2);
    this.#words.set(words, (at >> 2) + floats.length);
    return at;
  }

  /** Exact sums in canonical form, each behind a count if it is a cell: words of 32 bits held in 64. */
  sums(n: number, words: number): number {
    const at = this.zeros(8 * words * n);
    for (let i = at >> 2; i < (at >> 2) + 2 * words * n; i += 2) this.#words[i] = this.random.below(2 ** 32);
    return at;
  }
}
