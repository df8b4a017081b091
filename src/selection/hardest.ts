import { at, CHUNK, reserve, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import { admit, floorOf, LOWEST, TABLE } from "./chunk.ts";

/** Examples in the order of their difficulty: losses from the highest, equal ones by ascending index. */
export interface Ranking {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly losses: Float32Array<ArrayBuffer>;
}

/** The keys of the finite losses, as pairs hold them: from the lowest to the highest. */
const [LEAST, GREATEST] = [0x00800000, 0xff7fffff];
/** Fewer candidates than this are not worth a cut. */
const FEW = 512;
/** What a 32-bit memory holds beside the candidates of twice as many. */
export const MOST = 1e8;

/** Whether there are so many candidates that a cut is due. */
export function isFull(held: number, budget: number): boolean {
  return held >= 2 * budget && held >= FEW;
}

/** Rooms for n pairs: a table, the pairs, and as much again. */
function rooms(n: number): [table: number, pairs: number, spare: number] {
  return reserve([TABLE, n * 8, n * 8]) as [number, number, number];
}

/** Throws unless pairs are of examples below `next` with finite losses, hardest first. */
function checkPairs(task: string, words: Uint32Array, next: number): void {
  let [above, before] = [GREATEST, 0xffffffff];
  for (let k = 0; k < words.length; k += 2) {
    const [place, key] = [words[k]!, words[k + 1]!];
    const isBehind = key < above || (key === above && place <= before);
    if (~place >>> 0 >= next || key < LEAST || !isBehind) {
      const expected = `finite losses of indices below ${next}, hardest first`;
      throw new TypeError(`Cannot ${task}: expected ${expected}, got another pair at place ${k / 2}`);
    }
    [above, before] = [key, place];
  }
}

/** Sorts the n pairs that lie in the arena, and returns where they are among its words. */
function sorted(n: number): number {
  const [table, pairs, spare] = rooms(n);
  return kernel.orderPairs(n, pairs, spare, table) >>> 2;
}

/** The hardest `budget` of the n pairs that lie in the arena. */
export function ranked(n: number, budget: number): Ranking {
  const count = Math.min(n, budget);
  const indices = new Uint32Array(count);
  const bits = new Int32Array(count);
  let at = sorted(n);
  const { u32 } = views();
  for (let k = 0; k < count; k++) {
    indices[k] = ~u32[at]!;
    const key = u32[at + 1]! ^ 0x80000000;
    bits[k] = key ^ ((key >> 31) >>> 1);
    at += 2;
  }
  return { indices, losses: new Float32Array(bits.buffer) };
}

/**
 * The hardest `budget` examples of all that were added: a set that depends on nothing but them.
 *
 * Candidates are collected until there are twice as many as asked for, then cut back to the budget; what is not above
 * the cut, or above a floor under the hardest of the first chunk, need not be collected any more. So a sorted batch
 * costs a few cuts for each `budget` elements, and a batch in no special order hardly more than one comparison an
 * element. Memory grows with the budget alone.
 */
export class Hardest {
  readonly budget: number;
  /** Pairs as the kernels write them: complement of the index, key of the loss. */
  #words: Uint32Array = new Uint32Array(0);
  #held = 0;
  /** The key above which an element is collected, and the index of the easiest one kept by the last cut. */
  #above: number;
  #index = 0;

  /** @param above a key below those of the hardest of all that will be added */
  constructor(budget: number, above: number = LOWEST) {
    this.budget = budget;
    this.#above = above;
  }

  copy(): Hardest {
    const other = new Hardest(this.budget, this.#above);
    other.#words = this.#words.slice(0, 2 * this.#held);
    other.#held = this.#held;
    other.#index = this.#index;
    return other;
  }

  /**
   * Adds examples whose indices begin at `first`. Refused in the first chunk, nothing was added; in a later one it is
   * unspecified what was.
   */
  add(task: string, losses: Float32Array, mask: Uint8Array | undefined, first: number): void {
    for (let from = 0; from < losses.length; from += CHUNK) {
      const size = admit(task, losses, mask, from);
      if (this.#above === LOWEST) this.#above = floorOf(this.budget, size, () => size);
      const [table, pairs] = rooms(size);
      const above = this.#threshold(first + from);
      const count = kernel.gather(size, at.x, first + from, above, this.budget, pairs, table);
      this.#append(views().u32.subarray(pairs >>> 2, (pairs >>> 2) + 2 * count));
    }
  }

  /** The key that an element of index `first` or higher must exceed to be among the hardest. */
  #threshold(first: number): number {
    // As hard as the easiest one kept is enough only below its index.
    const isEqualEnough = this.budget > 0 && this.#above > LOWEST && first <= this.#index;
    return isEqualEnough ? this.#above - 1 : this.#above;
  }

  #append(pairs: Uint32Array): void {
    const held = this.#held + pairs.length / 2;
    if (2 * held > this.#words.length) {
      const words = new Uint32Array(Math.max(4 * held, 2 * FEW));
      words.set(this.#words.subarray(0, 2 * this.#held));
      this.#words = words;
    }
    this.#words.set(pairs, 2 * this.#held);
    this.#held = held;
    if (isFull(held, this.budget)) this.#cut();
  }

  /** Puts the pairs into the arena. */
  #enter(): [table: number, pairs: number, spare: number] {
    const all = rooms(this.#held);
    views().u32.set(this.#words.subarray(0, 2 * this.#held), all[1] >>> 2);
    return all;
  }

  /** Gives up all but the hardest `budget`. */
  #cut(): void {
    const [table, pairs, spare] = this.#enter();
    const { u32 } = views();
    kernel.cutPairs(this.#held, pairs, this.budget, spare, table);
    this.#words.set(u32.subarray(pairs >>> 2, (pairs >>> 2) + 2 * this.budget));
    this.#held = this.budget;
    this.#index = ~u32[table >>> 2]! >>> 0;
    this.#above = (u32[(table >>> 2) + 1]! ^ 0x80000000) | 0;
  }

  /** Adds what another one has collected. */
  merge(other: Hardest): void {
    this.#append(other.#words.slice(0, 2 * other.#held));
  }

  /** The hardest, as pairs of words in their order: equal sets give equal words. */
  words(): Uint32Array {
    this.#enter();
    const at = sorted(this.#held);
    return views().u32.slice(at, at + 2 * Math.min(this.#held, this.budget));
  }

  /** Those of `words`, refused unless `words()` can have written them of examples below `next`. */
  static fromWords(task: string, budget: number, words: Uint32Array, next: number): Hardest {
    checkPairs(task, words, next);
    const hardest = new Hardest(budget);
    hardest.#append(words);
    return hardest;
  }

  ranking(): Ranking {
    this.#enter();
    return ranked(this.#held, this.budget);
  }
}
