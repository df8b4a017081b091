import { CHUNK } from "../arena.ts";
import { options as checkOptions, describe, integer } from "../check.ts";
import { decode, encode, type Header, join, sameHeader, split } from "../stream/state.ts";
import { checkBudget, checkBytes, checkLosses } from "./arguments.ts";
import { Hardest, MOST } from "./hardest.ts";

export interface OhemUpdateOptions {
  /** One byte per example; where it is 0 the example does not exist. */
  readonly mask?: Uint8Array | undefined;
  /** The index of the first example; default: behind the last one seen. */
  readonly offset?: number | undefined;
}

export interface OhemStreamResult {
  /** The selected examples, hardest first: at most the budget. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** Their losses. */
  readonly losses: Float32Array<ArrayBuffer>;
  readonly count: number;
}

const KIND = "ohem";
const INDICES = 4294967296;

/**
 * The hardest examples of data that arrive in pieces. Holds at most twice the budget, whatever the amount of data:
 * the same examples give the same bytes in any chunking, any order and any merge tree, on any engine.
 */
export class OhemStream {
  readonly #header: Header;
  #hardest: Hardest;
  /** One more than the highest index seen. */
  #next = 0;

  /** Streams are made by `ohem.stream` and `ohem.load`. */
  constructor(hardest: Hardest) {
    this.#hardest = hardest;
    this.#header = { kind: KIND, options: { budget: hardest.budget } };
  }

  static create(options: unknown): OhemStream {
    const task = "stream ohem";
    checkOptions(task, options ?? {}, ["budget"]);
    const { budget } = (options ?? {}) as { budget?: unknown };
    return new OhemStream(new Hardest(checkBudget(task, budget, Infinity)));
  }

  /**
   * Adds losses of any number. A refused chunk leaves the stream as it was.
   *
   * @throws {TypeError} for arrays of another kind and unknown options
   * @throws {RangeError} for another length, an index of 2^32 or above, and the first loss that is not finite
   */
  update(losses: Float32Array, options?: OhemUpdateOptions): this {
    const task = "update an ohem stream";
    checkLosses(task, "losses", losses);
    checkOptions(task, options, ["mask", "offset"]);
    const n = losses.length;
    const mask = options?.mask;
    checkBytes(task, "mask", mask, n);
    const given = options?.offset;
    const offset = given === undefined ? this.#next : integer(task, "offset", given, 0, INDICES);
    if (offset + n > INDICES) {
      throw new RangeError(`Cannot ${task}: expected indices below ${INDICES}, got ${offset + n - 1}`);
    }
    // One chunk is checked before anything of it is taken in.
    const hardest = n > CHUNK ? this.#hardest.copy() : this.#hardest;
    hardest.add(task, losses, mask, offset);
    this.#hardest = hardest;
    this.#next = Math.max(this.#next, offset + n);
    return this;
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same budget */
  merge(other: OhemStream): this {
    const task = "merge ohem streams";
    if (!(other instanceof OhemStream)) {
      throw new TypeError(`Cannot ${task}: expected an OhemStream, got ${describe(other)}`);
    }
    sameHeader(task, this.#header, other.#header);
    this.#hardest.merge(other.#hardest);
    this.#next = Math.max(this.#next, other.#next);
    return this;
  }

  result(): OhemStreamResult {
    const { indices, losses } = this.#hardest.ranking();
    return { indices, losses, count: indices.length };
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    const pairs = this.#hardest.words();
    const words = new Uint32Array(2 + pairs.length);
    words.set(split(this.#next));
    words.set(pairs, 2);
    return encode(this.#header, words);
  }

  static load(bytes: unknown): OhemStream {
    const task = "load an ohem stream";
    const { header, words } = decode(task, KIND, bytes);
    const budget = integer(task, "budget", header.options.budget, 0, MOST);
    const most = 2 + 2 * budget;
    if (words.length < 2 || words.length % 2 !== 0 || words.length > most) {
      throw new TypeError(
        `Cannot ${task}: expected an even number of at most ${most} words, got ${words.length}`,
      );
    }
    const stream = new OhemStream(Hardest.fromWords(budget, words.subarray(2)));
    stream.#next = join(task, words[0]!, words[1]!);
    return stream;
  }
}
