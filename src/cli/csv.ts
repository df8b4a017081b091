/**
 * Columns of a `.csv` file, read a chunk at a time.
 *
 * `FILE[:columns]`: see `columns.ts`; the first column when nothing is said. Of several columns the values of a line
 * follow one another. Whether the first line is a header: see `header.ts`. All lines have as many cells as that one.
 * Cells are decimal numbers, `nan`, `inf`, or `true` and `false` for 1 and 0; quoted cells, CRLF, a byte order
 * mark and empty lines at the end are fine. Values are rounded to float32 unless they are to be exact.
 */
import { parseCell } from "./cells.ts";
import { parseSpec } from "./columns.ts";
import { type OpenFile, openFile } from "./file.ts";
import { Lines } from "./lines.ts";

/** Room for values at first: `max` may be far more than the file holds. */
const FIRST_ROOM = 1 << 16;

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** How a file is to be read. */
export interface Reading {
  /** Whether values are not rounded to float32. */
  exact?: boolean;
  /** Whether the first line is a header, where that is known. */
  header?: boolean;
}

export class CsvReader {
  readonly length: undefined = undefined;
  readonly #file: OpenFile;
  readonly #spec: string;
  readonly #exact: boolean;
  readonly #header: boolean | undefined;
  #lines: Lines;
  #columns = 0;
  /** Values of the last line that were one too many for the chunk. */
  #rest: Numbers;

  constructor(file: OpenFile, spec: string, { exact = false, header }: Reading) {
    this.#file = file;
    this.#spec = spec;
    this.#exact = exact;
    this.#header = header;
    this.#lines = new Lines(file, spec, header);
    this.#rest = this.#room(0);
  }

  /** Values of a line; 0 before something has been read. */
  get columns(): number {
    return this.#columns;
  }

  get fraction(): number {
    return this.#lines.fraction;
  }

  /** The next `max` values, fewer only where the file ends. */
  async next(max: number): Promise<Numbers> {
    let values = this.#room(Math.max(Math.min(max, FIRST_ROOM), this.#rest.length));
    let n = this.#rest.length;
    values.set(this.#rest);
    while (n < max) {
      const row = this.#lines.take();
      if (row === undefined) {
        if (await this.#lines.more()) continue;
        break;
      }
      const end = n + row.length;
      if (end > values.length) values = this.#grown(values, end);
      for (let k = 0; k < row.length; k++) values[n++] = this.#value(row[k], k);
    }
    this.#columns = this.#lines.columns.length;
    this.#rest = values.slice(max, n);
    return values.subarray(0, Math.min(n, max));
  }

  #room(length: number): Numbers {
    return this.#exact ? new Float64Array(length) : new Float32Array(length);
  }

  #grown(values: Numbers, least: number): Numbers {
    const larger = this.#room(Math.max(least, 2 * values.length));
    larger.set(values);
    return larger;
  }

  rewind(): void {
    this.#lines = new Lines(this.#file, this.#spec, this.#header);
    this.#rest = this.#room(0);
  }

  /** The line that a value is on, found by reading up to it once more. */
  async lineOf(index: number): Promise<number> {
    this.rewind();
    for (let left = index + 1; left > 0; ) {
      const { length } = await this.next(Math.min(left, FIRST_ROOM));
      if (length === 0) break;
      left -= length;
    }
    return this.#lines.line;
  }

  async close(): Promise<void> {
    await this.#file.handle.close();
  }

  #value(cell: string, k: number): number {
    const value = parseCell(cell);
    const kept = value === undefined ? Number.NaN : this.#exact ? value : Math.fround(value);
    if (value !== undefined && (Number.isFinite(kept) || !Number.isFinite(value))) return kept;
    const wanted = value === undefined ? "a number" : "a number within the range of float32";
    const column = this.#lines.columns[k] + 1;
    return this.#lines.refuse(`${wanted} in column ${column}`, JSON.stringify(cell.trim().slice(0, 40)));
  }
}

/** Opens `FILE[:columns]` and finds the columns. */
export async function openCsv(spec: string, reading: Reading = {}): Promise<CsvReader> {
  const { path, column } = parseSpec(spec);
  const reader = new CsvReader(await openFile(path), column ?? "1", reading);
  try {
    await reader.next(1);
    if (reader.columns === 0) {
      throw new RangeError(`Cannot read ${path}: expected a line of names or values, got an empty file`);
    }
  } catch (error) {
    await reader.close();
    throw error;
  }
  reader.rewind();
  return reader;
}
