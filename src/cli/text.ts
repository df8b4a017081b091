/** Numbers and small tables for people to read. */

/** A whole number with its thousands apart, any other to seven digits. */
export function number(value: number): string {
  if (Number.isSafeInteger(value)) return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
  return String(Number(value.toPrecision(7)));
}

/** Two columns, aligned. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([key]) => key.length));
  return rows.map(([key, value]) => `  ${key.padEnd(width)}  ${value}\n`).join("");
}

/** Words as lines of at most so many characters. */
export function wrap(words: readonly string[], width: number): string {
  let line = "";
  const lines: string[] = [];
  for (const word of words) {
    if (line && line.length + 1 + word.length > width) lines.push(line);
    line = line && line.length + 1 + word.length <= width ? `${line} ${word}` : word;
  }
  return [...lines, line].join("\n");
}
