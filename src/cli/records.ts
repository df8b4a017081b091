/** Splits a text file into its records, reading it in blocks. */
import { type OpenFile, readAt } from "./file.ts";

const BLOCK = 1 << 18;
const LONGEST_RECORD = 1 << 20;

const odd = (text: string): boolean => text.includes('"') && (text.split('"').length & 1) === 0;

/** Splits a file into records and remembers on which line each began. */
export class Records {
  readonly file: OpenFile;
  line = 0;
  #text = "";
  #start = 0;
  /** Where the search for the end of the record goes on, and whether a quote is open there. */
  #from = 0;
  #isOpen = false;
  #position = 0;
  #lines = 0;
  #ended = false;
  #decoder = new TextDecoder();
  readonly #block = new Uint8Array(BLOCK);

  constructor(file: OpenFile) {
    this.file = file;
  }

  get fraction(): number {
    return this.file.size === 0
      ? 1
      : Math.max(0, this.#position - this.#text.length + this.#start) / this.file.size;
  }

  /**
   * The next record without its line end, or undefined where {@link more} text is needed. A quoted cell may span
   * lines. Not a promise: one per line would cost more than the line.
   */
  take(): string | undefined {
    for (;;) {
      const end = this.#text.indexOf("\n", this.#from);
      if (end < 0)
        return this.#ended && this.#start < this.#text.length ? this.#cut(this.#text.length) : undefined;
      if (odd(this.#text.slice(this.#from, end))) this.#isOpen = !this.#isOpen;
      if (!this.#isOpen) return this.#cut(end);
      this.#from = end + 1;
    }
  }

  #cut(end: number): string {
    const record = this.#text.slice(this.#start, end);
    this.line = this.#lines + 1;
    this.#lines += record.includes('"') ? record.split("\n").length : 1;
    this.#start = Math.min(end + 1, this.#text.length);
    this.#from = this.#start;
    if (odd(record)) {
      throw new RangeError(
        `Cannot read ${this.file.path}: expected a closing quote for line ${this.line}, got the end of the file`,
      );
    }
    const line = record.endsWith("\r") ? record.slice(0, -1) : record;
    if (line.includes("\r") && line.replace(/"[^"]*"/g, "").includes("\r")) {
      throw new RangeError(
        `Cannot read ${this.file.path}: expected lines that end in LF or CRLF, got a CR alone on line ${this.line}`,
      );
    }
    return line;
  }

  /** Reads on; false once there is nothing that {@link take} has not seen. */
  async more(): Promise<boolean> {
    if (this.#ended) return false;
    const got = await readAt(this.file, this.#block, this.#position);
    this.#position += got;
    const rest = this.#text.slice(this.#start);
    if (rest.length > LONGEST_RECORD) {
      throw new RangeError(
        `Cannot read ${this.file.path}: expected lines of at most ${LONGEST_RECORD} characters, got more on line ${this.#lines + 1}`,
      );
    }
    this.#text = rest + this.#decoder.decode(this.#block.subarray(0, got), { stream: got > 0 });
    this.#from -= this.#start;
    this.#start = 0;
    this.#ended = got === 0;
    return got > 0 || this.#text.length > 0;
  }
}
