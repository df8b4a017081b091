import { options as checkOptions, describe, integer } from "../check.ts";
import { decode, encode, type Header, revive, sameHeader } from "../stream/state.ts";
import { checkBudget, checkBytes, checkLosses } from "./arguments.ts";
import { Candidates } from "./candidates.ts";
import { MOST } from "./hardest.ts";

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

/**
 * The hardest examples of data that arrive in pieces. Holds at most twice the budget, whatever the amount of data:
 * the same examples give the same bytes in any chunking, any order and any merge tree, on any engine.
 */
export class OhemStream {
  readonly #header: Header;
  readonly #candidates: Candidates;

  /** Streams are made by `ohem.stream` and `ohem.load`. */
  constructor(budget: number, candidates: Candidates) {
    this.#header = { kind: KIND, options: { budget } };
    this.#candidates = candidates;
  }

  static create(options: unknown): OhemStream {
    const task = "stream ohem";
    checkOptions(task, options, ["budget"]);
    const given = (options ?? {}) as { budget?: unknown };
    const budget = checkBudget(task, given.budget, Infinity);
    return new OhemStream(budget, Candidates.empty(budget, 1));
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
    const first = this.#candidates.place(task, options?.offset, n);
    this.#candidates.take(n, first, ([list]) => list!.add(task, losses, mask, first));
    return this;
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same budget */
  merge(other: OhemStream): this {
    const task = "merge ohem streams";
    if (!(other instanceof OhemStream)) {
      throw new TypeError(`Cannot ${task}: expected an OhemStream, got ${describe(other)}`);
    }
    sameHeader(task, this.#header, other.#header);
    this.#candidates.merge(other.#candidates);
    return this;
  }

  result(): OhemStreamResult {
    const [ranking] = this.#candidates.rankings();
    const { indices, losses } = ranking!;
    return { indices, losses, count: indices.length };
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    return encode(this.#header, this.#candidates.words());
  }

  static load(bytes: unknown): OhemStream {
    const task = "load an ohem stream";
    const { header, words } = decode(task, KIND, bytes);
    const budget = revive(() => integer(task, "budget", header.options.budget, 0, MOST));
    const stream = new OhemStream(budget, Candidates.fromWords(task, budget, 1, words));
    sameHeader(task, stream.#header, header);
    return stream;
  }
}
