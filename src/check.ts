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

/** How an array of another kind becomes one of those that are taken; "" for what is no array. */
function conversion(got: string, kinds: readonly string[]): string {
  if (!/^(Big)?\w*Array$/.test(got)) return "";
  const to = got === "Uint8ClampedArray" && kinds.includes("Uint8Array") ? "Uint8Array" : kinds[0];
  if (got.startsWith("Big")) return ` (convert it: ${to}.from(array, Number))`;
  return ` (convert it: ${got === "Array" ? `${to}.from(array)` : `new ${to}(array)`})`;
}

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
    throw new TypeError(
      `Cannot ${task}: expected ${name} as a ${kinds.join(" or ")}, got ${got}${conversion(got, kinds)}`,
    );
  }
  const view = value as ArrayBufferView;
  if (view.byteLength === 0) {
    try {
      // Copying fails for both; asking for less does not in all engines once they have optimized it.
      new Uint8Array(view as Uint8Array);
    } catch {
      throw new TypeError(
        `Cannot ${task}: expected ${name} with a buffer, got a ${kind} that is detached or out of bounds`,
      );
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

/** Throws unless `value` is an object whose own keys are all known. */
function record(task: string, name: string, value: unknown, known: readonly string[]): void {
  const isList = ArrayBuffer.isView(value) || Array.isArray(value);
  const isObject = typeof value === "object" && value !== null && !isList;
  const keys = isObject ? Object.keys(value) : [];
  // Whatever has no keys may be something else altogether, such as a buffer or a map.
  if (keys.length === 0 && !(isObject && describe(value) === "Object")) {
    throw new TypeError(`Cannot ${task}: expected ${name} as an object, got ${describe(value)}`);
  }
  const unknown = keys.filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    const names = unknown.map((key) => JSON.stringify(key)).join(", ");
    throw new TypeError(`Cannot ${task}: expected ${name} among ${known.join(", ")}, got ${names}`);
  }
}

/** Throws unless `value` is undefined or an object with these keys and no others. */
export function options(task: string, value: unknown, known: readonly string[]): void {
  if (value !== undefined) record(task, "options", value, known);
}

/** The options of these names, inherited ones too: what a rest pattern would leave behind. */
export function picked<K extends string>(value: object | undefined, names: readonly K[]): Record<K, unknown> {
  const given = (value ?? {}) as Record<K, unknown>;
  return Object.fromEntries(names.map((name) => [name, given[name]])) as Record<K, unknown>;
}

/** Throws unless `value` is an object with these keys, the arrays to write to, and no others. */
export function outputs(task: string, value: unknown, known: readonly string[]): void {
  record(task, "outputs", value, known);
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
