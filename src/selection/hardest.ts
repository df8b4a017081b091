import { at, CHUNK, reserve, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";

/** Examples in the order of their difficulty: losses from the highest, equal ones by ascending index. */
export interface Ranking {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly losses: Float32Array<ArrayBuffer>;
}

const INFINITE = 0x7f800000;
/** The key of no loss. */
const LOWEST = -2147483648;
/** The keys of the finite losses, as pairs hold them: from the lowest to the highest. */
const [LEAST, GREATEST] = [0x00800000, 0xff7fffff];
/** Fewer candidates than this are not worth a cut. */
const FEW = 512;
/** Bytes of a table of counts. */
const TABLE = 8192;
/** What a 32-bit memory holds beside the candidates of twice as many. */
export const MOST = 1e8;

function refuse(task: string, losses: Float32Array, mask: Uint8Array | undefined, from: number): never {
  for (let i = from; i < losses.length; i++) {
    if ((mask && mask[i] === 0) || Number.isFinite(losses[i]!)) continue;
    throw new RangeError(`Cannot ${task}: expected finite losses, got ${losses[i]} at index ${i}`);
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
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

/**
 * The hardest `budget` examples of all that were added: a set that depends on nothing but them.
 *
 * Candidates are collected until there are twice as many as asked for, then cut back to the budget; what is not above
 * the cut need not be collected any more. So a sorted batch costs a few cuts for each `budget` elements, and a batch
 * in no special order hardly more than one comparison an element. Memory grows with the budget alone.
 */
export class Hardest {
  readonly budget: number;
  /** Pairs as the kernels write them: complement of the index, key of the loss. */
  #words: Uint32Array = new Uint32Array(0);
  #held = 0;
  /** The last cut: the key above which an element is collected, and the index of the easiest one kept. */
  #above: number;
  #index = 0;

  /** @param above the key above which examples are collected: right if as many as the budget are held in the end */
  constructor(budget: number, above: number = LOWEST) {
    this.budget = budget;
    this.#above = budget > 0 ? above : 2147483647;
  }

  /** Candidates. */
  get held(): number {
    return this.#held;
  }

  copy(): Hardest {
    const other = new Hardest(this.budget);
    other.#words = this.#words.slice(0, 2 * this.#held);
    other.#held = this.#held;
    other.#above = this.#above;
    other.#index = this.#index;
    return other;
  }

  /**
   * Adds examples whose indices begin at `first`. Refused in the first chunk, nothing was added; in a later one it is
   * unspecified what was.
   */
  add(task: string, losses: Float32Array, mask: Uint8Array | undefined, first: number): void {
    for (let from = 0; from < losses.length; from += CHUNK) {
      const size = Math.min(losses.length - from, CHUNK);
      const { f32, u8 } = views();
      f32.set(losses.subarray(from, from + size), at.x >> 2);
      if (mask) u8.set(mask.subarray(from, from + size), at.mask);
      const most = kernel.lossKeys(size, at.x, mask ? at.mask : 0, at.t) >>> 0;
      if (most >= INFINITE) refuse(task, losses, mask, from);
      this.#collect(size, first + from);
    }
  }

  /** Takes in the chunk whose keys are at `at.t`: little at first, while nothing is known of what is hard. */
  #collect(size: number, first: number): void {
    let block = this.#above === LOWEST ? Math.max(2 * this.budget, FEW) : CHUNK;
    const [room] = reserve([size * 8]) as [number];
    for (let from = 0; from < size; ) {
      // Kernels read sixteen keys at a time.
      const n = Math.min(size - from, Math.ceil(Math.min(block, CHUNK) / 16) * 16);
      const count = kernel.gather(n, at.t + 4 * from, first + from, this.#threshold(first + from), room);
      this.#append(views().u32.subarray(room >> 2, (room >> 2) + 2 * count));
      from += n;
      block *= 2;
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
    if (held >= 2 * this.budget && held >= FEW) this.#cut();
  }

  /** Gives up all but the hardest `budget`. */
  #cut(): void {
    const n = this.#held;
    if (n <= this.budget) return;
    const [table, pairs, spare] = reserve([TABLE, n * 8, n * 8]) as [number, number, number];
    const { u32 } = views();
    u32.set(this.#words.subarray(0, 2 * n), pairs >> 2);
    kernel.cutPairs(n, pairs, this.budget, spare, table);
    this.#words.set(u32.subarray(pairs >> 2, (pairs >> 2) + 2 * this.budget));
    this.#held = this.budget;
    this.#index = ~u32[table >> 2]! >>> 0;
    this.#above = (u32[(table >> 2) + 1]! ^ 0x80000000) | 0;
  }

  /** Adds what another one has collected. */
  merge(other: Hardest): void {
    this.#append(other.#words.slice(0, 2 * other.#held));
  }

  /** Leaves the sorted pairs in the arena and calls `read` with their address. */
  #sorted<T>(read: (pairs: number, count: number) => T): T {
    this.#cut();
    const n = this.#held;
    const [table, pairs, spare] = reserve([TABLE, n * 8, n * 8]) as [number, number, number];
    views().u32.set(this.#words.subarray(0, 2 * n), pairs >> 2);
    return read(kernel.orderPairs(n, pairs, spare, table) >>> 0, n);
  }

  /** The hardest, as pairs of words in their order: equal sets give equal words. */
  words(): Uint32Array {
    return this.#sorted((pairs, n) => views().u32.slice(pairs >> 2, (pairs >> 2) + 2 * n));
  }

  /** The key of the easiest of the hardest; undefined while fewer than the budget are held. */
  least(): number | undefined {
    const words = this.words();
    if (words.length < 2 * this.budget) return undefined;
    return (words[words.length - 1]! ^ 0x80000000) | 0;
  }

  /** Those of `words`, refused unless `words()` can have written them of examples below `next`. */
  static fromWords(task: string, budget: number, words: Uint32Array, next: number): Hardest {
    checkPairs(task, words, next);
    const hardest = new Hardest(budget);
    hardest.#append(words);
    return hardest;
  }

  ranking(): Ranking {
    return this.#sorted((pairs, n) => {
      const [, , , indices, losses] = reserve([TABLE, n * 8, n * 8, n * 4, n * 4]) as [
        number,
        number,
        number,
        number,
        number,
      ];
      kernel.splitPairs(n, pairs, indices, losses);
      const { u32, f32 } = views();
      return {
        indices: u32.slice(indices >> 2, (indices >> 2) + n),
        losses: f32.slice(losses >> 2, (losses >> 2) + n),
      };
    });
  }
}
