/** Two modules with the same exports, run on the same memory. */
import { Buffer } from "node:buffer";
import { Arena } from "./arena.ts";
import type { Call, Calls } from "./calls.ts";

type Func = (...args: number[]) => number | undefined;

interface Side {
  exports: Record<string, Func>;
  bytes: Uint8Array;
}

function load(wasm: Uint8Array<ArrayBuffer>): Side {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  const { memory, ...functions } = exports as unknown as { memory: WebAssembly.Memory } & Record<
    string,
    Func
  >;
  return { exports: functions as Record<string, Func>, bytes: new Uint8Array(memory.buffer) };
}

/**
 * The number of the first word in which they differ, -1 if in none. Any NaN equals any NaN, since its bits are free: a
 * float32, or the upper word of a float64, whose lower word is then free, too.
 */
function difference(left: Uint8Array, right: Uint8Array): number {
  if (Buffer.compare(left, right) === 0) return -1;
  const isNan = (bits: number): boolean => (bits & 0x7fffffff) > 0x7f800000;
  const isUpper = (bits: number): boolean => (bits & 0x7fffffff) >= 0x7ff80000;
  const [a, b] = [left, right].map((side) => new Uint32Array(side.buffer, side.byteOffset, side.length >> 2));
  return a.findIndex(
    (word, i) =>
      word !== b[i] &&
      !(isNan(word) && isNan(b[i])) &&
      !(i % 2 === 0 && isUpper(a[i + 1]) && isUpper(b[i + 1])),
  );
}

export class Twins {
  readonly #left: Side;
  readonly #right: Side;
  readonly #arena: Arena;
  /** Calls that returned something or wrote something. */
  effects = 0;

  constructor(left: Uint8Array<ArrayBuffer>, right: Uint8Array<ArrayBuffer>) {
    [this.#left, this.#right] = [load(left), load(right)];
    this.#arena = new Arena(this.#left.exports.heapBase()!, this.#left.bytes.length);
    for (const { bytes } of [this.#left, this.#right]) {
      bytes.set(this.#arena.image.subarray(this.#arena.start), this.#arena.start);
    }
  }

  /** What differs first between the two, in words; undefined if nothing does. */
  difference(name: string, calls: Calls, lengths: readonly number[]): string | undefined {
    for (const n of lengths) {
      for (const [what, call] of Object.entries(calls)) {
        const found = this.#call(name, call, n);
        if (found) return `${name}, ${what}, n = ${n}: ${found}`;
      }
    }
    const at = difference(this.#left.bytes, this.#right.bytes);
    return at < 0 ? undefined : `${name}: word ${at} outside all arrays differs`;
  }

  #call(name: string, call: Call, n: number): string | undefined {
    const arena = this.#arena;
    arena.clear();
    const args = call(arena, n);
    const { start, end } = arena;
    const before = arena.image.subarray(start, end);
    const [left, right] = [this.#left, this.#right].map(({ exports, bytes }) => {
      bytes.set(before, start);
      return { result: exports[name](...args), after: bytes.subarray(start, end) };
    });
    if (left.result || Buffer.compare(left.after, before) !== 0) this.effects++;
    if (!Object.is(left.result, right.result)) return `returns ${left.result} and ${right.result}`;
    const at = difference(left.after, right.after);
    return at < 0 ? undefined : `the word at ${start + 4 * at} differs`;
  }
}
