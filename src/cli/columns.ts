/**
 * Which columns of a `.csv` file are meant: `logit`, `3`, `a,b,c`, `x0..x9`, and any list of those. A column is a
 * name of the header or a number that counts from 1. A name that holds a comma or two dots itself wins.
 */
import { existsSync } from "node:fs";
import { showLine } from "./header.ts";

/** Splits `FILE.csv:columns`. A file whose own name holds the colon wins. */
export function parseSpec(spec: string): { path: string; column: string | undefined } {
  const match = /^(.*\.(?:csv|npy)):([^:]*)$/i.exec(spec);
  if (!match || existsSync(spec)) return { path: spec, column: undefined };
  return { path: match[1], column: match[2] };
}

/** What is known of a file when its first line has been read. */
export interface Layout {
  path: string;
  /** The cells of the first line. */
  first: readonly string[];
  /** Whether they are names. */
  named: boolean;
}

/** The place of one column in a record, from 0; undefined if there is none. */
function place({ path, first, named }: Layout, wanted: string): number | undefined {
  // Never a name: in a header 0, 1, 2 the column 1 would be another one than in all other files.
  if (/^\d+$/.test(wanted)) {
    const index = Number(wanted) - 1;
    return index >= 0 && index < first.length ? index : undefined;
  }
  const index = named ? first.indexOf(wanted) : -1;
  if (index < 0) return undefined;
  if (index === first.lastIndexOf(wanted)) return index;
  throw new RangeError(
    `Cannot read ${path}: expected a column name that its first line has once, got ${JSON.stringify(wanted)} (the first line is ${showLine(first)})`,
  );
}

/** Finds the columns of `spec`: places in a record, from 0. */
export function findColumns(layout: Layout, spec: string): number[] {
  const whole = place(layout, spec);
  if (whole !== undefined) return [whole];
  const columns: number[] = [];
  for (const part of spec.split(",").map((text) => text.trim())) {
    const single = place(layout, part);
    const ends = single === undefined ? part.split("..").map((end) => place(layout, end)) : [single, single];
    const [first, last] = ends;
    if (ends.length !== 2 || first === undefined || last === undefined || last < first) {
      const { path, first: line, named } = layout;
      const wanted = named
        ? "a column name of its first line or a number"
        : "a column without a name, a number";
      throw new RangeError(
        `Cannot read ${path}: expected ${wanted} from 1 to ${line.length}, got ${JSON.stringify(part)} (the first line is ${showLine(line)})`,
      );
    }
    for (let index = first; index <= last; index++) columns.push(index);
  }
  return columns;
}
