/** The cells of a record of a `.csv` file. */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const WORDS: Record<string, number> = {
  true: 1,
  false: 0,
  nan: Number.NaN,
  inf: Infinity,
  infinity: Infinity,
};

/** A cell as a number in float64; undefined for anything that is not one. */
export function parseCell(cell: string): number | undefined {
  const text = cell.trim();
  if (NUMBER.test(text)) return Number(text);
  const word = WORDS[text.replace(/^[+-]/, "").toLowerCase()];
  return word === undefined ? undefined : text.startsWith("-") ? -word : word;
}

/** The cells of a record, quotes taken off. */
export function cells(record: string): string[] {
  if (!record.includes('"')) return record.split(",");
  const found: string[] = [];
  for (const [, quoted, plain] of `${record},`.matchAll(/\s*"((?:[^"]|"")*)"[^,]*,|([^,]*),/g)) {
    found.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return found;
}

export function cellAt(record: string, column: number): string | undefined {
  if (record.includes('"')) return cells(record)[column];
  let start = 0;
  for (let skipped = 0; skipped < column; skipped++) {
    start = record.indexOf(",", start) + 1;
    if (start === 0) return undefined;
  }
  const end = record.indexOf(",", start);
  return end < 0 ? record.slice(start) : record.slice(start, end);
}
