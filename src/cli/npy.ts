/** `.npy` files read a chunk at a time: no array is ever in memory whole. */
import { type OpenFile, openFile, readAt } from "./file.ts";
import { BYTES, headerSpan, type NpyHeader, PREAMBLE, parseHeader, showShape } from "./npy-header.ts";

/** Values as a reader hands them on: bool comes as Uint8Array, float64 as Float32Array. */
export type Values = Float32Array | Uint8Array | Int8Array;

/** Reads the values of a `.npy` file in C order, whatever the shape. */
export class NpyReader {
  readonly header: NpyHeader;
  readonly #file: OpenFile;
  readonly #start: number;
  #at = 0;
  #buffer: ArrayBuffer = new ArrayBuffer(0);

  constructor(file: OpenFile, header: NpyHeader, start: number) {
    this.header = header;
    this.#file = file;
    this.#start = start;
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
    if (dtype === "float32") return new Float32Array(this.#buffer, 0, n);
    if (dtype === "float64") return narrow(new Float64Array(this.#buffer, 0, n), first, this.#file.path);
    return dtype === "int8" ? new Int8Array(this.#buffer, 0, n) : new Uint8Array(this.#buffer, 0, n);
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

/** Opens a `.npy` file and checks its header and its size before any value is read. */
export async function openNpy(path: string): Promise<NpyReader> {
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
    return new NpyReader(file, header, end);
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}
