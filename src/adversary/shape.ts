/** Shapes of stacks of maps, and the values in them, checked. */
import { views } from "../arena.ts";
import { array, integer } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";

/** Cells of a map: their offsets in a room of the arena stay below 2^32. */
const MOST_CELLS = 2 ** 24;

const MOST = Number.MAX_SAFE_INTEGER;
const FINITE = 0x7f7fffff;

/** Sizes from the options, whole and at least 1; `n` may be 0. */
export function sizes<K extends string>(
  task: string,
  options: Readonly<Partial<Record<K, unknown>>> | undefined,
  names: readonly K[],
): Record<K, number> {
  const checked = names.map((name) => [
    name,
    integer(task, name, options?.[name], name === "n" ? 0 : 1, name === "size" ? 1024 : MOST),
  ]);
  return Object.fromEntries(checked) as Record<K, number>;
}

export function checkCells(task: string, height: number, width: number): void {
  if (height * width <= MOST_CELLS) return;
  throw new RangeError(
    `Cannot ${task}: expected maps of at most ${MOST_CELLS} cells, got ${height} x ${width}`,
  );
}

function checkLength(task: string, name: string, got: number, shape: readonly number[]): void {
  const expected = shape.reduce((product, size) => product * size, 1);
  if (got === expected) return;
  throw new RangeError(
    `Cannot ${task}: expected ${expected} values of ${name} [${shape.join(", ")}], got ${got}`,
  );
}

/** Throws unless `value` is a Float32Array of that shape. */
export function floats(
  task: string,
  name: string,
  value: unknown,
  shape: readonly number[],
): asserts value is Float32Array {
  array<Float32Array>(task, name, value, ["Float32Array"]);
  checkLength(task, name, value.length, shape);
}

/** Throws unless `value` is a Uint8Array of that shape. */
export function bytes(
  task: string,
  name: string,
  value: unknown,
  shape: readonly number[],
): asserts value is Uint8Array {
  array<Uint8Array>(task, name, value, ["Uint8Array"]);
  checkLength(task, name, value.length, shape);
}

/** Puts a part of an array in the arena, with three zeros behind it, so that whole vectors hold nothing else. */
function place(values: Float32Array, from: number, size: number, address: number): void {
  const { f32 } = views();
  const start = address >>> 2;
  f32.set(values.subarray(from, from + size), start);
  f32.fill(0, start + size, start + size + 3);
}

/** The same for values that have to be finite; throws for the first that is not. */
export function placeFinite(
  task: string,
  name: string,
  values: Float32Array,
  from: number,
  size: number,
  address: number,
): void {
  place(values, from, size, address);
  if (kernel.extent(size, address) >>> 0 > FINITE) refuseAt(task, name, values, from, () => true);
}

/** Throws for the first value from an index on that is not finite and is looked at. */
export function refuseAt(
  task: string,
  name: string,
  values: Float32Array,
  from: number,
  isSeen: (index: number) => boolean,
): never {
  for (let i = from; i < values.length; i++) {
    if (!Number.isFinite(values[i]) && isSeen(i)) {
      throw new RangeError(`Cannot ${task}: expected finite ${name}, got ${values[i]} at index ${i}`);
    }
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Whether the largest bit pattern of a stack is that of a finite number. */
export function isFinitePattern(pattern: number): boolean {
  return pattern >>> 0 <= FINITE;
}

/** Throws where finite values gave a result beyond float32. */
export function refuseOverflow(task: string, name: string, result: Float32Array): void {
  const i = result.findIndex((value) => !Number.isFinite(value));
  if (i < 0) return;
  throw new RangeError(
    `Cannot ${task}: expected ${name} that a float32 can hold, got an overflow at index ${i}`,
  );
}
