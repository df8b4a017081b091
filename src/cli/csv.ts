/**
 * Columns of a `.csv` file, read a chunk at a time.
 *
 * `FILE[:columns]`: see `columns.ts`; the first column when nothing is said. Of several columns the values of a line
 * follow one another. A header is recognised by a first cell that is not a number (and must be there for a name).
 * Cells are decimal numbers, `nan`, `inf`, or `true` and `false` for 1 and 0; quoted cells, CRLF, a byte order
 * mark and empty lines at the end are fine. Values are rounded to float32 unless they are to be exact.
 */
import { existsSync } from "node:fs";
import { cellAt, cells, parseCell } from "./cells.ts";
import { findColumns } from "./columns.ts";
import { type OpenFile, openFile } from "./file.ts";
import { Records } from "./records.ts";

/** Room for values at first: `max` may be far more than the file holds. */
const FIRST_ROOM = 1 << 16;

/** Splits `FILE.csv:column`. A file whose own name holds the colon wins. */
export function parseSpec(spec: string): { path: string; column: string | undefined } {
  const match = /^(.*\.(?:csv|npy)):([^:]*)$/i.exec(spec);
  if (!match || existsSync(spec)) return { path: spec, column: undefined };
  return { path: match[1], column: match[2] };
}

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

export class CsvReader {
  readonly length: undefined = undefined;
  readonly #file: OpenFile;
  readonly #spec: string | undefined;
  readonly #exact: boolean;
  #records: Records;
  #indices: readonly number[] = [];
  #columns = 1;
  #emptyLine = 0;
  /** Values of the last line that were one too many for the chunk. */
  #rest: Numbers;

  constructor(file: OpenFile, spec: string | undefined, exact: boolean) {
    this.#file = file;
    this.#spec = spec;
    this.#exact = exact;
    this.#records = new Records(file);
    this.#rest = this.#room(0);
  }

  /** Values of a line. */
  get columns(): number {
    return this.#columns;
  }

  get fraction(): number {
    return this.#records.fraction;
  }

  /** The next `max` values, fewer only where the file ends. */
  async next(max: number): Promise<Numbers> {
    let values = this.#room(Math.max(Math.min(max, FIRST_ROOM), this.#rest.length));
    let n = this.#rest.length;
    values.set(this.#rest);
    while (n < max) {
      const record = this.#records.take();
      if (record === undefined) {
        if (await this.#records.more()) continue;
        break;
      }
      if (this.#isEmpty(record)) continue;
      if (this.#indices.length === 0 && this.#header(record)) continue;
      const end = n + this.#indices.length;
      if (end > values.length) values = this.#grown(values, end);
      const row = this.#indices.length > 1 ? cells(record) : undefined;
      for (const index of this.#indices) {
        values[n++] = this.#value(row ? row[index] : cellAt(record, index), index, record);
      }
    }
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
    this.#records = new Records(this.#file);
    this.#indices = [];
    this.#rest = this.#room(0);
    this.#emptyLine = 0;
  }

  async close(): Promise<void> {
    await this.#file.handle.close();
  }

  /** Empty lines are for the end of the file only: elsewhere they hide that the columns have shifted. */
  #isEmpty(record: string): boolean {
    if (record === "") this.#emptyLine ||= this.#records.line;
    else if (this.#emptyLine > 0) {
      throw new RangeError(
        `Cannot read ${this.#file.path}: expected a number, got an empty line on line ${this.#emptyLine}`,
      );
    }
    return record === "";
  }

  /** Settles which columns are meant, from the first record; true if that record is a header. */
  #header(record: string): boolean {
    const first = cells(record).map((cell) => cell.trim());
    const isNumber = (cell: string): boolean => parseCell(cell) !== undefined;
    const { indices, named } = findColumns(first, this.#spec ?? "1", isNumber, (part) => {
      throw new RangeError(
        `Cannot read ${this.#file.path}: expected a column name of its first line or a number from 1, got ${JSON.stringify(part)} (the first line is ${first.join(", ").slice(0, 80)})`,
      );
    });
    this.#indices = indices;
    this.#columns = indices.length;
    return named || indices.every((index) => index < first.length && !isNumber(first[index]));
  }

  #value(cell: string | undefined, index: number, record: string): number {
    const value = cell === undefined ? undefined : parseCell(cell);
    const kept = value === undefined ? Number.NaN : this.#exact ? value : Math.fround(value);
    if (value !== undefined && (Number.isFinite(kept) || !Number.isFinite(value))) return kept;
    const wanted = value === undefined ? "a number" : "a number within the range of float32";
    const got =
      cell === undefined ? `only ${cells(record).length} columns` : JSON.stringify(cell.trim().slice(0, 40));
    throw new RangeError(
      `Cannot read ${this.#file.path}: expected ${wanted} in column ${index + 1}, got ${got} on line ${this.#records.line}`,
    );
  }
}

/** Opens `FILE[:columns]` and finds the columns; `exact` values are not rounded to float32. */
export async function openCsv(spec: string, exact = false): Promise<CsvReader> {
  const { path, column } = parseSpec(spec);
  const reader = new CsvReader(await openFile(path), column, exact);
  try {
    await reader.next(1);
  } catch (error) {
    await reader.close();
    throw error;
  }
  reader.rewind();
  return reader;
}
