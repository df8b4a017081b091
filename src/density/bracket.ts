import { at, CHUNK, reserve, views } from "../arena.ts";
import { options as checkOptions, describe, integer } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";
import { checkNorms, checkWidth, copyNorms, type WindowOptions } from "./exact.ts";

export interface BracketOptions extends WindowOptions {
  /** Fine bins in half a window: a whole number from 1 to 64; default 8. More of them, a tighter bracket. */
  readonly refine?: number | undefined;
}

export interface Bracket {
  /** At most the exact window count of each sample. */
  lower: Uint32Array;
  /** At least the exact window count of each sample. */
  upper: Uint32Array;
  /** Linear interpolation inside the two bins that a window cuts; between the bounds. */
  estimate: Float64Array;
}

/** Beyond so many fine bins a window is narrower than a bin: the bracket stays valid, and memory bounded. */
const MOST_BINS = 2 ** 22;

/**
 * A fine histogram of gradient norms that brackets the exact window count of any sample it has seen: one pass to
 * fill it, in any number of pieces, and a second over any chunk to read it. No sort, constant memory.
 *
 * Source: theorem T5 of docs/density.md.
 */
export class DensityStream {
  readonly width: number;
  readonly refine: number;
  readonly #counts: Uint32Array;
  readonly #scale: number;
  #count = 0;

  constructor(width: number, refine: number) {
    this.width = width;
    this.refine = refine;
    this.#scale = Math.min((2 * refine) / width, MOST_BINS);
    this.#counts = new Uint32Array(Math.ceil(this.#scale));
  }

  /** Samples seen. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds gradient norms. A refused chunk leaves the stream as it was.
   *
   * @throws {RangeError} for a g outside [0, 1], by index, or beyond 2^32 - 1 samples in all
   */
  update(g: Float32Array): this {
    const task = "update a density stream";
    checkNorms(task, g);
    this.#fits(task, g.length);
    const bins = this.#counts.length;
    const [room, counts] = reserve([CHUNK * 4, bins * 4]) as [number, number];
    views().u32.fill(0, counts >>> 2, (counts >>> 2) + bins);
    for (let from = 0; from < g.length; from += CHUNK) {
      const part = g.subarray(from, from + CHUNK);
      copyNorms(task, part, room, at.report, from);
      kernel.fineHistogram(part.length, room, this.#scale, bins, counts);
    }
    const { u32 } = views();
    for (let k = 0; k < bins; k++) this.#counts[k]! += u32[(counts >>> 2) + k]!;
    this.#count += g.length;
    return this;
  }

  /** Adds what another stream of the same width and refinement has seen. */
  merge(other: DensityStream): this {
    const task = "merge density streams";
    if (!(other instanceof DensityStream)) {
      throw new TypeError(`Cannot ${task}: expected a DensityStream, got ${describe(other)}`);
    }
    if (other.width !== this.width || other.refine !== this.refine) {
      throw new TypeError(
        `Cannot ${task}: expected width ${this.width} and refine ${this.refine}, got ${other.width} and ${other.refine}`,
      );
    }
    this.#fits(task, other.#count);
    const theirs = other.#counts.slice();
    for (let k = 0; k < theirs.length; k++) this.#counts[k]! += theirs[k]!;
    this.#count += other.#count;
    return this;
  }

  #fits(task: string, more: number): void {
    if (this.#count + more > 0xffffffff) {
      throw new RangeError(`Cannot ${task}: expected at most 4294967295 samples, got ${this.#count + more}`);
    }
  }

  /** Brackets the window counts of samples that the stream has seen, in any chunks. */
  bracket(g: Float32Array): Bracket {
    const task = "bracket the density";
    checkNorms(task, g);
    const n = g.length;
    const bins = this.#counts.length;
    const lower = new Uint32Array(n);
    const upper = new Uint32Array(n);
    const estimate = new Float64Array(n);
    const sizes = [CHUNK * 4, bins * 4, (bins + 1) * 4, CHUNK * 4, CHUNK * 4, CHUNK * 8];
    const [room, counts, cumulative, low, high, middle] = reserve(sizes) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    views().u32.set(this.#counts, counts >>> 2);
    kernel.prefixSum(bins, counts, cumulative);
    for (let from = 0; from < n; from += CHUNK) {
      const part = g.subarray(from, from + CHUNK);
      const size = part.length;
      copyNorms(task, part, room, at.report, from);
      kernel.bracket(size, room, this.width, this.#scale, bins, cumulative, low, high, middle);
      const { u32, f64 } = views();
      lower.set(u32.subarray(low >>> 2, (low >>> 2) + size), from);
      upper.set(u32.subarray(high >>> 2, (high >>> 2) + size), from);
      estimate.set(f64.subarray(middle >>> 3, (middle >>> 3) + size), from);
    }
    return { lower, upper, estimate };
  }
}

function makeStream(task: string, options: BracketOptions | undefined): DensityStream {
  checkOptions(task, options, ["width", "refine"]);
  const width = checkWidth(task, options?.width);
  const refine = options?.refine === undefined ? 8 : integer(task, "refine", options.refine, 1, 64);
  return new DensityStream(width, refine);
}

/** An empty fine histogram for data that arrives in pieces. */
export function stream(options?: BracketOptions): DensityStream {
  return makeStream("stream the density", options);
}

/**
 * A rigorous bracket around the exact window count of every sample, O(N), without a sort:
 * lower <= exact count <= upper, always. The gap is what lies in the two fine bins that a window cuts.
 *
 * @param g shape [n], finite, in [0, 1]
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for a g outside [0, 1], by index, a width outside (0, 1] or refine outside 1 to 64
 *
 * Source: theorem T5 of docs/density.md.
 */
export function bracket(g: Float32Array, options?: BracketOptions): Bracket {
  checkNorms("bracket the density", g);
  return makeStream("bracket the density", options).update(g).bracket(g);
}
