/**
 * The header of a `.npy` file, read and written: magic, version, and a Python dictionary with the type, the
 * order and the shape of the array. Versions 1.0, 2.0 and 3.0.
 *
 * Source: {@link https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html | numpy.lib.format}.
 */

/** The types that are read: their codes in a header, and the bytes of a value. */
export type Dtype =
  | "float32"
  | "float64"
  | "bool"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "uint64"
  | "int64";

export interface NpyHeader {
  dtype: Dtype;
  shape: number[];
  length: number;
}

/** The magic, the version, and the two or four bytes that count the rest of the header. */
export const PREAMBLE = 12;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const LARGEST_HEADER = 1 << 20;

const DTYPES: ReadonlyMap<string, Dtype> = new Map([
  ["<f4", "float32"],
  ["<f8", "float64"],
  ["|b1", "bool"],
  ["|u1", "uint8"],
  ["|i1", "int8"],
  ["<u2", "uint16"],
  ["<i2", "int16"],
  ["<u4", "uint32"],
  ["<i4", "int32"],
  ["<u8", "uint64"],
  ["<i8", "int64"],
]);
export const BYTES: Record<Dtype, number> = {
  float32: 4,
  float64: 8,
  bool: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
};

/** Where the dictionary lies in the file, told from its first {@link PREAMBLE} bytes. */
export function headerSpan(bytes: Uint8Array, path: string): { start: number; end: number } {
  const shown = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  if (bytes.length < 6 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new TypeError(
      `Cannot read ${path}: expected a .npy file, which begins with 93 4e 55 4d 50 59, got ${shown || "an empty file"}`,
    );
  }
  if (bytes.length < PREAMBLE) {
    throw new RangeError(
      `Cannot read ${path}: expected a whole .npy header, got a file of ${bytes.length} bytes`,
    );
  }
  const [major, minor] = [bytes[6], bytes[7]];
  if (major < 1 || major > 3 || minor !== 0) {
    throw new TypeError(`Cannot read ${path}: expected .npy version 1.0, 2.0 or 3.0, got ${major}.${minor}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LARGEST_HEADER) {
    throw new RangeError(
      `Cannot read ${path}: expected a header of at most ${LARGEST_HEADER} bytes, got ${length}`,
    );
  }
  return { start, end: start + length };
}

/** Reads the dictionary. Keys may come in any order, as numpy itself allows; nothing else may be there. */
export function parseHeader(text: string, path: string): NpyHeader {
  const entries = parseDictionary(text, path);
  const descr = entries.get("descr") as string;
  const dtype = DTYPES.get(descr.slice(1, -1).replace(/^[<>=](?=[uib]1$)/, "|"));
  if (!dtype) {
    throw new TypeError(
      `Cannot read ${path}: expected values of type ${[...DTYPES.keys()].join(", ")}, got ${descr.replace(/^(['"])(.*)\1$/, "$2")}`,
    );
  }
  const shape = (entries.get("shape") as string).match(/\d+/g)?.map(Number) ?? [];
  const length = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(length)) {
    throw new RangeError(
      `Cannot read ${path}: expected a shape of at most 2^53 - 1 values, got ${showShape(shape)}`,
    );
  }
  // One long axis lies the same way in both orders, whatever axes of length 1 stand around it.
  if (entries.get("fortran_order") === "True" && shape.filter((size) => size !== 1).length > 1) {
    throw new TypeError(
      `Cannot read ${path}: expected C order, got Fortran order of shape ${showShape(shape)} (save numpy.ascontiguousarray of it)`,
    );
  }
  return { dtype, shape, length };
}

const ENTRY = /\s*(['"])(\w+)\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\s,L]*\)|\[.*\])\s*(,|(?=\}))/sy;
const KIND: ReadonlyMap<string, RegExp> = new Map([
  ["descr", /^['"[]/],
  ["fortran_order", /^(True|False)$/],
  ["shape", /^\((\s*\d+L?\s*,)*(\s*\d+L?)?\s*\)$/],
]);

function parseDictionary(text: string, path: string): Map<string, string> {
  const refuse = (): never => {
    throw new TypeError(
      `Cannot read ${path}: expected a header with descr, fortran_order and shape, got ${JSON.stringify(text.trim().slice(0, 120))}`,
    );
  };
  const body = text.trimEnd();
  const entries = new Map<string, string>();
  if (!body.startsWith("{")) refuse();
  ENTRY.lastIndex = 1;
  for (let end = 1; body.slice(end).trim() !== "}"; end = ENTRY.lastIndex) {
    ENTRY.lastIndex = end;
    const match = ENTRY.exec(body);
    if (!match || entries.has(match[2]) || !KIND.get(match[2])?.test(match[3])) return refuse();
    entries.set(match[2], match[3]);
  }
  return entries.size === 3 ? entries : refuse();
}

/** A shape as Python writes it: `()`, `(3,)`, `(3, 4)`. */
export function showShape(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/** Types that are written: float32, uint8, uint32. */
export type Written = "<f4" | "|u1" | "<u4";

/** The bytes in front of the values of a little-endian C-order file, padded to a multiple of 64 as numpy does. */
export function formatHeader(descr: Written, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${showShape(shape)}, }`;
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new TextEncoder().encode(`\0\0\0\0\0\0\x01\0\0\0${text.padEnd(total - 11)}\n`);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint16(8, total - 10, true);
  return bytes;
}
