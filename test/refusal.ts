/** How refusals are checked: the kind of the error, the form of its message, and what it has to say. */
import assert from "node:assert/strict";

const FORM = /^Cannot [^:]+: .+, got .+$/s;

export function refuse(run: () => unknown, kind: "TypeError" | "RangeError", says: RegExp): void {
  assert.throws(run, (error: Error) => {
    assert.equal(error.name, kind, error.message);
    assert.match(error.message, FORM);
    assert.match(error.message, says);
    return true;
  });
}

/** A value of a kind that the types forbid. */
export const loose = (value: unknown): never => value as never;

/** A copy with one value changed. */
export function put(array: Float32Array, at: number, value: number): Float32Array<ArrayBuffer> {
  const copy = Float32Array.from(array);
  copy[at] = value;
  return copy;
}
