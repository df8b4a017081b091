/** The progress line: one line on a terminal's stderr, redrawn in place, gone at the end. Nowhere else. */

export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const EVERY_MS = 100;
const BAR = 24;

/** A count with a unit prefix: 950, 12.3k, 4.56M. */
export function short(value: number): string {
  const [scale, letter] =
    value >= 1e9 ? [1e9, "G"] : value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return letter ? `${(value / scale).toPrecision(3)}${letter}` : String(Math.round(value));
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #clock: () => number;
  readonly #started: number;
  #drawn = 0;
  #width = 0;

  constructor(terminal: Terminal, label: string, clock: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#label = label;
    this.#clock = clock;
    this.#started = clock();
    this.#drawn = this.#started;
  }

  /** Redraws, if it is time: `fraction` of the work done, `elements` seen so far. */
  update(fraction: number, elements: number): void {
    const now = this.#clock();
    if (!this.#terminal.isTTY || now - this.#drawn < EVERY_MS) return;
    this.#drawn = now;
    const filled = Math.round(Math.min(1, fraction) * BAR);
    const rate = short((elements / (now - this.#started)) * 1000);
    const percent = `${Math.floor(fraction * 100)}`.padStart(3);
    const line = `${this.#label} ${"█".repeat(filled)}${"░".repeat(BAR - filled)} ${percent}%  ${short(elements)} at ${rate}/s`;
    // One write per line, padded over the last one: erasing first would flicker. The last column stays free,
    // where some terminals wrap.
    const shown = line.slice(0, (this.#terminal.columns || 80) - 1);
    this.#terminal.write(`\r${shown.padEnd(this.#width)}`);
    this.#width = shown.length;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#width > 0) this.#terminal.write(`\r${" ".repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
