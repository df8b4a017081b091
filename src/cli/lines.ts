/** The lines of a `.csv` file as rows of the cells that are wanted: header, quotes and lengths are settled here. */
import { cellAt, cells, countCells } from "./cells.ts";
import { findColumns } from "./columns.ts";
import type { OpenFile } from "./file.ts";
import { isHeader } from "./header.ts";
import { Records } from "./records.ts";

export class Lines {
  /** Places of the wanted cells; empty before the first line has been read. */
  columns: readonly number[] = [];
  readonly #records: Records;
  readonly #path: string;
  readonly #spec: string;
  readonly #header: boolean | undefined;
  /** Cells of the first line. */
  #width = 0;
  #emptyLine = 0;

  constructor(file: OpenFile, spec: string, header: boolean | undefined) {
    this.#records = new Records(file);
    this.#path = file.path;
    this.#spec = spec;
    this.#header = header;
  }

  get fraction(): number {
    return this.#records.fraction;
  }

  /** The line of the last row, from 1. */
  get line(): number {
    return this.#records.line;
  }

  /** The wanted cells of the next line, or undefined where {@link more} text is needed. */
  take(): string[] | undefined {
    for (;;) {
      const record = this.#records.take();
      if (record === undefined) return undefined;
      if (this.#isEmpty(record) || (this.#width === 0 && this.#begin(record))) continue;
      return this.#row(record);
    }
  }

  more(): Promise<boolean> {
    return this.#records.more();
  }

  refuse(expected: string, got: string, line: number = this.line): never {
    throw new RangeError(`Cannot read ${this.#path}: expected ${expected}, got ${got} on line ${line}`);
  }

  /** Empty lines are for the end of the file only: elsewhere they hide that the columns have shifted. */
  #isEmpty(record: string): boolean {
    if (record === "") this.#emptyLine ||= this.line;
    else if (this.#emptyLine > 0) this.refuse("a number", "an empty line", this.#emptyLine);
    return record === "";
  }

  /** Settles which columns are meant, from the first line; true if that line is a header. */
  #begin(record: string): boolean {
    const path = this.#path;
    const first = this.#split(record).map((cell) => cell.trim());
    const named = isHeader(path, first, this.#header);
    this.columns = findColumns({ path, first, named }, this.#spec);
    this.#width = first.length;
    return named;
  }

  #split(record: string): string[] {
    return cells(record) ?? this.refuse("quotes around whole cells", JSON.stringify(record.slice(0, 40)));
  }

  #row(record: string): string[] {
    // One cell is cut out of the line: splitting a wide one takes twice as long.
    const isCut = this.columns.length === 1 && !record.includes('"');
    const row = isCut ? undefined : this.#split(record);
    const count = row ? row.length : countCells(record);
    if (count !== this.#width)
      this.refuse(`as many cells as on the first line, ${this.#width}`, String(count));
    return row ? this.columns.map((column) => row[column]) : [cellAt(record, this.columns[0])];
  }
}
