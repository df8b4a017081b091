/** The cells of a record of a `.csv` file. */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const WORDS: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["false", 0],
  ["nan", Number.NaN],
  ["inf", Infinity],
  ["infinity", Infinity],
]);

/** A cell as a number in float64; undefined for anything that is not one. */
export function parseCell(cell: string): number | undefined {
  const text = cell.trim();
  if (NUMBER.test(text)) return Number(text);
  const word = WORDS.get(text.replace(/^[+-]/, "").toLowerCase());
  return word === undefined ? undefined : text.startsWith("-") ? -word : word;
}

const CELL = /\s*"([^"]*(?:""[^"]*)*)"\s*,|([^",]*),/y;

/** The cells of a record, quotes taken off; undefined where a quote is not around a whole cell. */
export function cells(record: string): string[] | undefined {
  if (!record.includes('"')) return record.split(",");
  const text = `${record},`;
  const found: string[] = [];
  for (CELL.lastIndex = 0; CELL.lastIndex < text.length; ) {
    const match = CELL.exec(text);
    if (!match) return undefined;
    const [, quoted, plain] = match;
    found.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return found;
}

/** How many cells a record without quotes has. */
export function countCells(record: string): number {
  let count = 1;
  for (let at = record.indexOf(","); at >= 0; at = record.indexOf(",", at + 1)) count++;
  return count;
}

/** One cell of a record without quotes, which has it. */
export function cellAt(record: string, column: number): string {
  let start = 0;
  for (let skipped = 0; skipped < column; skipped++) start = record.indexOf(",", start) + 1;
  const end = record.indexOf(",", start);
  return end < 0 ? record.slice(start) : record.slice(start, end);
}
