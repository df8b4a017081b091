/** Arguments in, errors out: `Cannot <do what>: <expected>, got <value>`. */

/** What a value is, for a message. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object") return String(value);
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** The name of a typed array's class, also for one of another realm; "" for anything else. */
function kindOf(value: unknown): string {
  return ArrayBuffer.isView(value)
    ? ((value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? "")
    : "";
}

const CONVERSION: Record<string, string> = {
  Array: "Float32Array.from(array)",
  Float64Array: "new Float32Array(array)",
  Int32Array: "new Float32Array(array)",
  Int8Array: "new Float32Array(array)",
  Uint8ClampedArray: "new Uint8Array(array)",
};

/** Throws unless `value` is an attached typed array of one of the kinds. */
export function array<T extends ArrayBufferView>(
  task: string,
  name: string,
  value: unknown,
  kinds: readonly string[],
): asserts value is T {
  const kind = kindOf(value);
  if (!kinds.includes(kind)) {
    const got = describe(value);
    const hint = CONVERSION[got] && kinds.includes("Float32Array") ? ` (convert it: ${CONVERSION[got]})` : "";
    throw new TypeError(`Cannot ${task}: expected ${name} as a ${kinds.join(" or ")}, got ${got}${hint}`);
  }
  const view = value as ArrayBufferView;
  if (view.byteLength === 0) {
    try {
      new Uint8Array(view.buffer);
    } catch {
      throw new TypeError(`Cannot ${task}: expected ${name} with a buffer, got a detached ${kind}`);
    }
  }
}

export function length(task: string, name: string, got: number, expected: number): void {
  if (got !== expected) {
    throw new RangeError(`Cannot ${task}: expected ${expected} ${name}, one for each logit, got ${got}`);
  }
}

/** Throws if two of the arrays overlap without being the same array, or if two outputs share memory. */
export function disjoint(
  task: string,
  arrays: readonly (readonly [string, ArrayBufferView | undefined])[],
  outputs: number,
): void {
  for (let i = 0; i < arrays.length; i++) {
    const [nameA, a] = arrays[i]!;
    if (!a) continue;
    for (let j = i + 1; j < arrays.length; j++) {
      const [nameB, b] = arrays[j]!;
      if (!b || a.buffer !== b.buffer) continue;
      if (a.byteOffset >= b.byteOffset + b.byteLength || b.byteOffset >= a.byteOffset + a.byteLength)
        continue;
      const same = a.byteOffset === b.byteOffset && a.byteLength === b.byteLength;
      if (same && j >= outputs) continue;
      const expected = j < outputs ? "in separate memory" : "the same array or in separate memory";
      throw new RangeError(
        `Cannot ${task}: expected ${nameA} and ${nameB} ${expected}, got arrays that overlap`,
      );
    }
  }
}

/** Throws unless `value` is undefined or an object whose own keys are all known. */
export function options(task: string, value: unknown, known: readonly string[]): void {
  if (value === undefined) return;
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value) || Array.isArray(value)) {
    throw new TypeError(`Cannot ${task}: expected options as an object, got ${describe(value)}`);
  }
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    const names = unknown.map((key) => JSON.stringify(key)).join(", ");
    throw new TypeError(`Cannot ${task}: expected options among ${known.join(", ")}, got ${names}`);
  }
}

/** A number in [min, max], or in (min, max] where `open`. */
export function number(
  task: string,
  name: string,
  value: unknown,
  min: number,
  max: number,
  open = false,
): number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${task}: expected ${name} as a number, got ${describe(value)}`);
  }
  if (!((open ? value > min : value >= min) && value <= max)) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} in ${open ? "(" : "["}${min}, ${max}], got ${value}`,
    );
  }
  return value;
}

export function integer(task: string, name: string, value: unknown, min: number, max: number): number {
  const checked = number(task, name, value, min, max);
  if (!Number.isInteger(checked)) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} as a whole number in [${min}, ${max}], got ${value}`,
    );
  }
  return checked;
}

export function flag(task: string, name: string, value: unknown): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(`Cannot ${task}: expected ${name} as true or false, got ${describe(value)}`);
  }
  return value;
}

/** One of a few words. */
export function choice<T extends string>(task: string, name: string, value: unknown, words: readonly T[]): T {
  if (typeof value !== "string") {
    throw new TypeError(
      `Cannot ${task}: expected ${name} as one of ${words.join(", ")}, got ${describe(value)}`,
    );
  }
  if (!(words as readonly string[]).includes(value)) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} as one of ${words.join(", ")}, got ${describe(value)}`,
    );
  }
  return value as T;
}
