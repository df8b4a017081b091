import { CHUNK } from "../arena.ts";
import { integer } from "../check.ts";
import { join, split } from "../stream/state.ts";
import { Hardest, type Ranking } from "./hardest.ts";

const INDICES = 4294967296;

/** What a stream of selected examples holds: one list of the hardest or several, and how far it has seen. */
export class Candidates {
  #lists: Hardest[];
  /** One more than the highest index seen. */
  #next: number;

  constructor(lists: Hardest[], next: number) {
    this.#lists = lists;
    this.#next = next;
  }

  static empty(budget: number, lists: number): Candidates {
    return new Candidates(
      Array.from({ length: lists }, () => new Hardest(budget)),
      0,
    );
  }

  get next(): number {
    return this.#next;
  }

  rankings(): Ranking[] {
    return this.#lists.map((list) => list.ranking());
  }

  /** The index of the first of n examples, checked. */
  place(task: string, offset: unknown, n: number): number {
    const first = offset === undefined ? this.#next : integer(task, "offset", offset, 0, INDICES);
    if (first + n > INDICES) {
      throw new RangeError(`Cannot ${task}: expected indices below ${INDICES}, got ${first + n - 1}`);
    }
    return first;
  }

  /** Has `add` put the n examples from `first` on into the lists: all of them, or none where it throws. */
  take(n: number, first: number, add: (lists: readonly Hardest[]) => void): void {
    // One chunk is checked before anything of it is taken in.
    const lists = n > CHUNK ? this.#lists.map((list) => list.copy()) : this.#lists;
    add(lists);
    this.#lists = lists;
    this.#next = Math.max(this.#next, first + n);
  }

  merge(other: Candidates): void {
    this.#lists.forEach((list, i) => {
      list.merge(other.#lists[i]!);
    });
    this.#next = Math.max(this.#next, other.#next);
  }

  /** How far it has seen (2), the length of every list but the last, the pairs of the lists. */
  words(): Uint32Array {
    const lists = this.#lists.map((list) => list.words());
    const lengths = lists.slice(0, -1).map(({ length }) => length / 2);
    const head = [...split(this.#next), ...lengths];
    const words = new Uint32Array(head.length + lists.reduce((sum, { length }) => sum + length, 0));
    words.set(head);
    let at = head.length;
    for (const list of lists) {
      words.set(list, at);
      at += list.length;
    }
    return words;
  }

  /** Those of `words`, refused where they are none. */
  static fromWords(task: string, budget: number, lists: number, words: Uint32Array): Candidates {
    const head = 1 + lists;
    if (words.length < head) {
      throw new TypeError(`Cannot ${task}: expected at least ${head} words, got ${words.length}`);
    }
    const next = join(task, words[0]!, words[1]!);
    if (next > INDICES)
      throw new TypeError(`Cannot ${task}: expected at most ${INDICES} indices, got ${next}`);
    let at = head;
    const read = Array.from({ length: lists }, (_, i) => {
      const size = i < lists - 1 ? words[2 + i]! : (words.length - at) / 2;
      const end = at + 2 * size;
      if (!Number.isInteger(size) || size > budget || end > words.length) {
        const got = `${size} of ${words.length} words`;
        throw new TypeError(`Cannot ${task}: expected lists of at most ${budget} pairs, got ${got}`);
      }
      const list = Hardest.fromWords(task, budget, words.subarray(at, end), next);
      at = end;
      return list;
    });
    return new Candidates(read, next);
  }
}
