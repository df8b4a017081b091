import { at, views } from "../arena.ts";
import { addDigits, clear, collect, DIGITS, read } from "../stream/exact-sum.ts";
import { fromRows, type Row, toRow } from "../stream/rows.ts";
import { addCounts, join, revive, split } from "../stream/state.ts";
import { kernel } from "../wasm/kernel.ts";

/** Counts and loss sums by unit region of the gradient norm. */
export interface Histogram {
  /** Unit regions of [0, 1]. */
  bins: number;
  /** Samples in each region: exact integers. */
  counts: Float64Array;
  /** Sum of the unweighted losses in each region: exact, rounded once. */
  lossSums: Float64Array;
  /** Samples in all. */
  total: number;
}

/** Words of one cell in the arena: a count and ten digits, one i64 each. */
const CELL = 88;
/** Words of one region in a saved state: a count of two words and ten digits. */
const SAVED = 2 + DIGITS;

/** Empties the cells in the arena. */
export function clearCells(bins: number): void {
  clear(at.cells, (bins * CELL) / 8);
}

/**
 * The cells in the arena as a histogram, and the sum of all its losses, rounded once. `masked` elements were counted
 * as easy samples of loss 0.
 */
export function readCells(bins: number, masked: number): { histogram: Histogram; lossSum: number } {
  const lossSum = kernel.readCells(bins, at.cells, at.counts, at.sums, at.words);
  const { f64 } = views();
  const counts = f64.slice(at.counts >>> 3, (at.counts >>> 3) + bins);
  const lossSums = f64.slice(at.sums >>> 3, (at.sums >>> 3) + bins);
  counts[0]! -= masked;
  let total = 0;
  for (let bin = 0; bin < bins; bin++) total += counts[bin]!;
  return { histogram: { bins, counts, lossSums, total }, lossSum };
}

/** A histogram as integers: what streams hold, merge and save. */
export class Tally {
  readonly bins: number;
  readonly counts: Float64Array;
  readonly #digits: Uint32Array;

  constructor(bins: number) {
    this.bins = bins;
    this.counts = new Float64Array(bins);
    this.#digits = new Uint32Array(bins * DIGITS);
  }

  /** Adds the cells in the arena; `masked` elements were counted as easy samples of loss 0. */
  addCells(task: string, masked: number): void {
    const { u32 } = views();
    let more = -masked;
    for (let bin = 0; bin < this.bins; bin++) more += u32[(at.cells + bin * CELL) >>> 2]!;
    addCounts(task, this.total, more);
    for (let bin = 0; bin < this.bins; bin++) {
      const cell = at.cells + bin * CELL;
      this.counts[bin]! += u32[cell >>> 2]! - (bin === 0 ? masked : 0);
      collect(cell + 8, this.#digits, bin * DIGITS);
    }
  }

  /** Samples in all. */
  get total(): number {
    let total = 0;
    for (const count of this.counts) total += count;
    return total;
  }

  add(task: string, other: Tally): void {
    addCounts(task, this.total, other.total);
    const theirs = other.#digits.slice();
    for (let bin = 0; bin < this.bins; bin++) {
      this.counts[bin]! += other.counts[bin]!;
      addDigits(this.#digits, theirs, bin * DIGITS);
    }
  }

  read(): Histogram {
    const lossSums = Float64Array.from({ length: this.bins }, (_, bin) => read(this.#digits, bin * DIGITS));
    return { bins: this.bins, counts: this.counts.slice(), lossSums, total: this.total };
  }

  /** The sum of all losses, rounded once. */
  lossSum(): number {
    const sum = new Uint32Array(DIGITS);
    for (let bin = 0; bin < this.bins; bin++)
      addDigits(sum, this.#digits.subarray(bin * DIGITS, (bin + 1) * DIGITS));
    return read(sum);
  }

  words(): Uint32Array {
    const words = new Uint32Array(this.bins * SAVED);
    for (let bin = 0; bin < this.bins; bin++) {
      words.set(split(this.counts[bin]!), bin * SAVED);
      words.set(this.#digits.subarray(bin * DIGITS, (bin + 1) * DIGITS), bin * SAVED + 2);
    }
    return words;
  }

  static fromWords(bins: number, words: Uint32Array, task: string): Tally {
    if (words.length !== bins * SAVED) {
      throw new TypeError(`Cannot ${task}: expected ${bins * SAVED} words, got ${words.length}`);
    }
    const tally = new Tally(bins);
    for (let bin = 0; bin < bins; bin++) {
      const from = bin * SAVED;
      const count = join(task, words[from]!, words[from + 1]!);
      revive(() => addCounts(task, tally.total, count));
      tally.counts[bin] = count;
      tally.#digits.set(words.subarray(from + 2, from + SAVED), bin * DIGITS);
    }
    const fault = tally.#fault();
    if (fault) throw new TypeError(`Cannot ${task}: expected ${fault}`);
    return tally;
  }

  /** What no samples can have led to. */
  #fault(): string | undefined {
    for (let bin = 0; bin < this.bins; bin++) {
      const digits = this.#digits.subarray(bin * DIGITS, (bin + 1) * DIGITS);
      if (!this.counts[bin] && digits.some((digit) => digit))
        return `no losses without a sample, got some in region ${bin}`;
    }
    return undefined;
  }

  /** One row for each occupied region. */
  toRows(): Row[] {
    const rows: Row[] = [];
    for (let bin = 0; bin < this.bins; bin++) {
      if (this.counts[bin]) rows.push(toRow(bin, this.counts[bin]!, undefined, this.#digits, bin * DIGITS));
    }
    return rows;
  }

  static fromRows(bins: number, rows: unknown, task: string): Tally {
    const tally = new Tally(bins);
    const each = (bin: number, count: number): void => {
      addCounts(task, tally.total, count);
      tally.counts[bin]! += count;
    };
    fromRows(task, rows, bins, false, each, tally.#digits);
    const fault = tally.#fault();
    if (fault) throw new RangeError(`Cannot ${task}: expected ${fault}`);
    return tally;
  }
}
