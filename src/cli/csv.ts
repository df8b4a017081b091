/**
 * One column of a `.csv` file, read a chunk at a time.
 *
 * `FILE[:column]`: the column is a name from the header or a number that counts from 1; the first column when
 * nothing is said. A header is recognised by a first cell that is not a number (and must be there for a name).
 * Cells are decimal numbers, `nan`, `inf`, or `true` and `false` for 1 and 0; quoted cells, CRLF, a byte order
 * mark and empty lines at the end are fine. Values are rounded to float32.
 */
import { existsSync } from "node:fs";
import { type OpenFile, openFile } from "./file.ts";
import { Records } from "./records.ts";

/** Room for values at first: `max` may be far more than the file holds. */
const FIRST_ROOM = 1 << 16;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const WORDS: Record<string, number> = {
  true: 1,
  false: 0,
  nan: Number.NaN,
  inf: Infinity,
  infinity: Infinity,
};

/** Splits `FILE.csv:column`. A file whose own name holds the colon wins. */
export function parseSpec(spec: string): { path: string; column: string | undefined } {
  const match = /^(.*\.(?:csv|npy)):([^:]*)$/i.exec(spec);
  if (!match || existsSync(spec)) return { path: spec, column: undefined };
  return { path: match[1], column: match[2] };
}

/** A cell as a number in float64; undefined for anything that is not one. */
function parseCell(cell: string): number | undefined {
  const text = cell.trim();
  if (NUMBER.test(text)) return Number(text);
  const word = WORDS[text.replace(/^[+-]/, "").toLowerCase()];
  return word === undefined ? undefined : text.startsWith("-") ? -word : word;
}

/** The cells of a record, quotes taken off. */
function cells(record: string): string[] {
  if (!record.includes('"')) return record.split(",");
  const found: string[] = [];
  for (const [, quoted, plain] of `${record},`.matchAll(/\s*"((?:[^"]|"")*)"[^,]*,|([^,]*),/g)) {
    found.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return found;
}

function cellAt(record: string, column: number): string | undefined {
  if (record.includes('"')) return cells(record)[column];
  let start = 0;
  for (let skipped = 0; skipped < column; skipped++) {
    start = record.indexOf(",", start) + 1;
    if (start === 0) return undefined;
  }
  const end = record.indexOf(",", start);
  return end < 0 ? record.slice(start) : record.slice(start, end);
}

function grown(values: Float32Array<ArrayBuffer>, max: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.min(max, 2 * values.length));
  larger.set(values);
  return larger;
}

export class CsvReader {
  readonly length: undefined = undefined;
  readonly #file: OpenFile;
  readonly #column: string | undefined;
  #records: Records;
  #index = -1;
  #emptyLine = 0;

  constructor(file: OpenFile, column: string | undefined) {
    this.#file = file;
    this.#column = column;
    this.#records = new Records(file);
  }

  get fraction(): number {
    return this.#records.fraction;
  }

  /** The next `max` values, fewer only where the file ends. */
  async next(max: number): Promise<Float32Array> {
    let values = new Float32Array(Math.min(max, FIRST_ROOM));
    let n = 0;
    while (n < max) {
      const record = this.#records.take();
      if (record === undefined) {
        if (await this.#records.more()) continue;
        break;
      }
      if (this.#isEmpty(record)) continue;
      if (this.#index < 0 && this.#header(record)) continue;
      if (n === values.length) values = grown(values, max);
      values[n++] = this.#value(record);
    }
    return values.subarray(0, n);
  }

  rewind(): void {
    this.#records = new Records(this.#file);
    this.#index = -1;
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

  /** Settles which column is meant, from the first record; true if that record is a header. */
  #header(record: string): boolean {
    const first = cells(record);
    const wanted = this.#column ?? "1";
    const named = first.findIndex((cell) => cell.trim() === wanted);
    const isName = this.#column !== undefined && named >= 0 && parseCell(first[named]) === undefined;
    if (!isName && !/^[1-9]\d{0,5}$/.test(wanted)) {
      const names = first.map((cell) => cell.trim()).join(", ");
      throw new RangeError(
        `Cannot read ${this.#file.path}: expected a column name of its first line or a number from 1, got ${JSON.stringify(wanted)} (the first line is ${names.slice(0, 80)})`,
      );
    }
    this.#index = isName ? named : Number(wanted) - 1;
    return isName || (this.#index < first.length && parseCell(first[this.#index]) === undefined);
  }

  #value(record: string): number {
    const cell = cellAt(record, this.#index);
    const value = cell === undefined ? undefined : parseCell(cell);
    const rounded = value === undefined ? Number.NaN : Math.fround(value);
    if (value !== undefined && (Number.isFinite(rounded) || !Number.isFinite(value))) return rounded;
    const wanted = value === undefined ? "a number" : "a number within the range of float32";
    const got =
      cell === undefined ? `only ${cells(record).length} columns` : JSON.stringify(cell.trim().slice(0, 40));
    throw new RangeError(
      `Cannot read ${this.#file.path}: expected ${wanted} in column ${this.#index + 1}, got ${got} on line ${this.#records.line}`,
    );
  }
}

export async function openCsv(spec: string): Promise<CsvReader> {
  const { path, column } = parseSpec(spec);
  return new CsvReader(await openFile(path), column);
}
