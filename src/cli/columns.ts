/**
 * Which columns of a `.csv` file are meant: `logit`, `3`, `a,b,c`, `x0..x9`, and any list of those. A column is a
 * name of the header or a number that counts from 1. A name that holds a comma or two dots itself wins.
 */

export interface Columns {
  /** Places in a record, from 0. */
  indices: number[];
  /** Whether some column was found by its name: then the first record is a header. */
  named: boolean;
}

/** The place of one column; undefined if there is none. `isNumber` tells a cell that cannot be a name. */
function place(
  header: readonly string[],
  wanted: string,
  isNumber: (cell: string) => boolean,
): { index: number; named: boolean } | undefined {
  const named = header.indexOf(wanted);
  if (named >= 0 && !isNumber(wanted)) return { index: named, named: true };
  return /^[1-9]\d{0,5}$/.test(wanted) ? { index: Number(wanted) - 1, named: false } : undefined;
}

/** Finds the columns of `spec` in the first record; `refuse` is told the part that is none. */
export function findColumns(
  header: readonly string[],
  spec: string,
  isNumber: (cell: string) => boolean,
  refuse: (part: string) => never,
): Columns {
  const whole = place(header, spec, isNumber);
  if (whole) return { indices: [whole.index], named: whole.named };
  const columns: Columns = { indices: [], named: false };
  for (const part of spec.split(",").map((text) => text.trim())) {
    const single = place(header, part, isNumber);
    const ends = single ? [single, single] : part.split("..").map((end) => place(header, end, isNumber));
    const [first, last] = ends;
    if (ends.length !== 2 || !first || !last || last.index < first.index) return refuse(part);
    for (let index = first.index; index <= last.index; index++) columns.indices.push(index);
    columns.named ||= first.named || last.named;
  }
  return columns;
}
