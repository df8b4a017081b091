/** `.npy` files read a chunk at a time: no array is ever in memory whole. */
import type { Values } from "./convert.ts";
import { type OpenFile, openFile, readAt } from "./file.ts";
import { BYTES, headerSpan, type NpyHeader, PREAMBLE, parseHeader, showShape } from "./npy-header.ts";

/** What a value is read as; 64-bit integers are read as pairs of words. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
};

/** Reads the values of a `.npy` file in C order, whatever the shape. */
export class NpyReader {
  readonly header: NpyHeader;
  readonly #file: OpenFile;
  readonly #start: number;
  readonly #exact: boolean;
  #at = 0;
  #buffer: ArrayBuffer = new ArrayBuffer(0);

  constructor(file: OpenFile, header: NpyHeader, start: number, exact: boolean) {
    this.header = header;
    this.#file = file;
    this.#start = start;
    this.#exact = exact;
  }

  get length(): number {
    return this.header.length;
  }

  get fraction(): number {
    return this.length === 0 ? 1 : this.#at / this.length;
  }

  /** The next values, `max` or all that are left; they are good until the next call, which reuses their memory. */
  async next(max: number): Promise<Values> {
    const { dtype } = this.header;
    const n = Math.min(max, this.length - this.#at);
    if (this.#buffer.byteLength < n * BYTES[dtype]) this.#buffer = new ArrayBuffer(n * BYTES[dtype]);
    const position = this.#start + this.#at * BYTES[dtype];
    const got = await readAt(this.#file, new Uint8Array(this.#buffer, 0, n * BYTES[dtype]), position);
    if (got < n * BYTES[dtype]) {
      throw new RangeError(
        `Cannot read ${this.#file.path}: expected ${this.#file.size} bytes as when it was opened, got ${position + got}`,
      );
    }
    const first = this.#at;
    this.#at += n;
    const values = this.#view(n);
    return values instanceof Float64Array && !this.#exact ? narrow(values, first, this.#file.path) : values;
  }

  #view(n: number): Values {
    const { dtype } = this.header;
    if (dtype !== "int64" && dtype !== "uint64") return new ARRAYS[dtype](this.#buffer, 0, n);
    const low = new Uint32Array(this.#buffer, 0, 2 * n);
    const high = dtype === "int64" ? new Int32Array(this.#buffer, 0, 2 * n) : low;
    const values = new Float64Array(n);
    for (let i = 0; i < n; i++) values[i] = high[2 * i + 1] * 2 ** 32 + low[2 * i];
    return values;
  }

  rewind(): void {
    this.#at = 0;
  }

  async close(): Promise<void> {
    await this.#file.handle.close();
  }
}

function narrow(values: Float64Array, first: number, path: string): Float32Array {
  const rounded = new Float32Array(values);
  for (let i = 0; i < rounded.length; i++) {
    if (!Number.isFinite(rounded[i]) && Number.isFinite(values[i])) {
      throw new RangeError(
        `Cannot read ${path}: expected values within the range of float32, got ${values[i]} at index ${first + i}`,
      );
    }
  }
  return rounded;
}

/**
 * Opens a `.npy` file and checks its header and its size before any value is read; `exact` values of 64 bits are not
 * rounded to float32.
 */
export async function openNpy(path: string, exact = false): Promise<NpyReader> {
  const file = await openFile(path);
  try {
    const preamble = new Uint8Array(PREAMBLE);
    const { start, end } = headerSpan(preamble.subarray(0, await readAt(file, preamble, 0)), path);
    const bytes = new Uint8Array(end - start);
    if ((await readAt(file, bytes, start)) < bytes.length) {
      throw new RangeError(
        `Cannot read ${path}: expected a header of ${end} bytes, got a file of ${file.size}`,
      );
    }
    const header = parseHeader(new TextDecoder().decode(bytes), path);
    const whole = end + header.length * BYTES[header.dtype];
    if (file.size !== whole) {
      const what = file.size < whole ? "a truncated file" : "trailing bytes, a file";
      throw new RangeError(
        `Cannot read ${path}: expected ${whole} bytes for ${header.dtype} of shape ${showShape(header.shape)}, got ${what} of ${file.size}`,
      );
    }
    return new NpyReader(file, header, end, exact);
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}
