/** Whether a `.csv` file begins with a header: told by its whole first line, so the same for all of its columns. */
import { parseCell } from "./cells.ts";
import type { Given, Option } from "./options.ts";

export const HEADER: Option = { takes: "yes|no", help: "whether .csv files begin with a line of names" };

/** What `--header` says of all `.csv` files of a run; undefined where each is to tell itself. */
export function readHeader(task: string, { header }: Given): boolean | undefined {
  if (header === undefined) return undefined;
  if (header === "yes" || header === "no") return header === "yes";
  throw new TypeError(`Cannot ${task}: expected --header as yes or no, got ${JSON.stringify(header)}`);
}

/**
 * A line without numbers is a header, one of nothing but numbers holds values. Whatever else it is, a guess would lose
 * a row or add one: a part of it numbers, all of it empty, or 0, 1, 2, as pandas names columns that have no names.
 */
export function isHeader(path: string, first: readonly string[], stated: boolean | undefined): boolean {
  if (stated !== undefined) return stated;
  const numbers = first.filter((cell) => parseCell(cell) !== undefined).length;
  const isCounted = first.length > 1 && first.every((cell, column) => cell === String(column));
  if (numbers === 0 && first.some((cell) => cell !== "")) return true;
  if (numbers === first.length && !isCounted) return false;
  throw new RangeError(
    `Cannot read ${path}: expected --header yes or --header no with a first line that may be names or values, got ${showLine(first)}`,
  );
}

/** The first line for a message. */
export const showLine = (first: readonly string[]): string => JSON.stringify(first.join(",").slice(0, 80));
