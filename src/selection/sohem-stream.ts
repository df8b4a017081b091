import { CHUNK } from "../arena.ts";
import { options as checkOptions, choice, describe, integer } from "../check.ts";
import { decode, encode, type Header, revive, sameHeader } from "../stream/state.ts";
import { checkBudget, checkBytes, checkKey, checkLength, checkLosses } from "./arguments.ts";
import { Candidates } from "./candidates.ts";
import { MOST } from "./hardest.ts";
import { allot, wholeShares } from "./quotas.ts";
import {
  checkPlan,
  type Grouping,
  type Plan,
  type PlanOptions,
  planOf,
  STRATA,
  type Stage,
} from "./schedule.ts";
import { combine, distribute, part, stratify, stratumOf } from "./strata.ts";
import type { OhemStreamResult, OhemUpdateOptions } from "./stream.ts";

export interface SohemStreamOptions extends PlanOptions {
  /** How many examples to select. */
  readonly budget: number;
  /** As in `sohem`; `"given"`: every update has a `key` with one value per example. Default `"ratio"`. */
  readonly key?: Grouping | undefined;
}

export interface SohemUpdateOptions extends OhemUpdateOptions {
  /** Shape [n]: what the examples are grouped by, where the stream's key is `"given"`. */
  readonly key?: Float32Array | undefined;
}

export interface SohemStreamResult extends OhemStreamResult {
  /** The stratum of each selected example, 0 to 3. */
  readonly strata: Uint8Array<ArrayBuffer>;
  /** How much of the budget, at most the indices seen, each stratum was given. */
  readonly quotas: Uint32Array<ArrayBuffer>;
}

const KIND = "sohem";
const OPTIONS = ["budget", "key", "cuts", "quotas", "schedule", "progress"];
const GROUPINGS = ["ratio", "combined", "given"] as const;

/** JSON has no infinities: as cuts they are words. */
function headerOf(budget: number, { a, b, key, cuts, quotas }: Plan): Header {
  const written = cuts.map((cut) => (Number.isFinite(cut) ? cut : String(cut)));
  return { kind: KIND, options: { budget, a, b, key, cuts: written, quotas } };
}

function readCuts(cuts: unknown): number[] {
  return Array.isArray(cuts) ? cuts.map((cut) => (typeof cut === "string" ? Number(cut) : cut)) : [];
}

/**
 * The selection by strata of examples that arrive in pieces. Holds at most twice the budget for each stratum, whatever
 * the amount of data: the same examples give the same bytes in any chunking, any order and any merge tree, on any
 * engine. There are no boxes, since suppression needs all boxes of a group, and no seed, since a permutation needs to
 * know how many examples there will be.
 */
export class SohemStream {
  readonly #budget: number;
  readonly #plan: Plan;
  readonly #header: Header;
  readonly #candidates: Candidates;

  /** Streams are made by `sohem.stream` and `sohem.load`. */
  constructor(budget: number, plan: Plan, candidates: Candidates) {
    this.#budget = budget;
    this.#plan = plan;
    this.#header = headerOf(budget, plan);
    this.#candidates = candidates;
  }

  static create(options: unknown): SohemStream {
    const task = "stream sohem";
    checkOptions(task, options, OPTIONS);
    const given = (options ?? {}) as Partial<SohemStreamOptions>;
    const budget = checkBudget(task, given.budget, Infinity);
    const key = choice(task, "key", given.key ?? "ratio", GROUPINGS);
    return new SohemStream(budget, planOf(task, given, key), Candidates.empty(budget, STRATA));
  }

  /**
   * Adds examples of any number. A refused chunk leaves the stream as it was.
   *
   * @param classificationLosses shape [n], finite and >= 0
   * @param localizationLosses shape [n], finite and >= 0; 0 where an example has none
   * @throws {TypeError} for arrays of another kind, unknown options, a key that is missing or not asked for
   * @throws {RangeError} for another length, an index of 2^32 or above, and the first loss outside the domain
   */
  update(
    classificationLosses: Float32Array,
    localizationLosses: Float32Array,
    options?: SohemUpdateOptions,
  ): this {
    const task = "update a sohem stream";
    checkLosses(task, "classificationLosses", classificationLosses);
    checkLosses(task, "localizationLosses", localizationLosses);
    checkOptions(task, options, ["mask", "offset", "key"]);
    const { mask, offset, key } = options ?? {};
    const n = classificationLosses.length;
    checkLength(task, "localizationLosses", localizationLosses.length, n, "classification loss");
    checkBytes(task, "mask", mask, n);
    this.#checkKey(task, key, n);
    const first = this.#candidates.place(task, offset, n);
    const all = { classification: classificationLosses, localization: localizationLosses, mask, key };
    this.#candidates.take(n, first, (lists) => {
      for (let from = 0; from < n; from += CHUNK) {
        const examples = part(all, from, Math.min(from + CHUNK, n));
        const losses = combine(task, examples, this.#plan, from);
        const strata = stratify(task, examples, losses, this.#plan, from);
        distribute(task, lists, losses, strata, first + from);
      }
    });
    return this;
  }

  #checkKey(task: string, key: unknown, n: number): void {
    if (this.#plan.key === "given") checkKey(task, key, n);
    else if (key !== undefined) {
      const ours = JSON.stringify(this.#plan.key);
      throw new TypeError(
        `Cannot ${task}: expected no key beside that of the stream, ${ours}, got ${describe(key)}`,
      );
    }
  }

  /** Adds what another stream has seen. @throws {TypeError} unless it has the same budget and plan */
  merge(other: SohemStream): this {
    const task = "merge sohem streams";
    if (!(other instanceof SohemStream)) {
      throw new TypeError(`Cannot ${task}: expected a SohemStream, got ${describe(other)}`);
    }
    sameHeader(task, this.#header, other.#header);
    this.#candidates.merge(other.#candidates);
    return this;
  }

  /** What `sohem` selects, with the same budget and plan, of all indices seen; the others are as masked. */
  result(): SohemStreamResult {
    const quotas = wholeShares(Math.min(this.#budget, this.#candidates.next), this.#plan.quotas);
    const chosen = allot(this.#candidates.rankings(), quotas, this.#budget);
    return { ...chosen, quotas: Uint32Array.from(quotas), count: chosen.indices.length };
  }

  /** Self-describing bytes with a checksum; equal states have equal bytes. */
  save(): Uint8Array {
    return encode(this.#header, this.#candidates.words());
  }

  /** Throws where a list holds a loss that no example of its stratum has. */
  #checkStrata(task: string): void {
    const { key, cuts } = this.#plan;
    this.#candidates.rankings().forEach(({ losses }, s) => {
      const foreign = losses.find((loss) => loss < 0 || (key === "combined" && stratumOf(loss, cuts) !== s));
      if (foreign === undefined) return;
      throw new TypeError(`Cannot ${task}: expected losses of stratum ${s}, got ${foreign}`);
    });
  }

  static load(bytes: unknown): SohemStream {
    const task = "load a sohem stream";
    const { header, words } = decode(task, KIND, bytes);
    const { options } = header;
    const { budget, plan } = revive(() => {
      const key = choice(task, "key", options.key, GROUPINGS);
      const plan = checkPlan(task, { ...(options as Stage), cuts: readCuts(options.cuts) }, key);
      return { budget: integer(task, "budget", options.budget, 0, MOST), plan };
    });
    sameHeader(task, headerOf(budget, plan), header);
    const stream = new SohemStream(budget, plan, Candidates.fromWords(task, budget, STRATA, words));
    stream.#checkStrata(task);
    return stream;
  }
}
