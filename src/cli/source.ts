/** An input of a run: a file opened by its extension. */

import { parseSpec } from "./columns.ts";
import type { Values } from "./convert.ts";
import { openCsv } from "./csv.ts";
import { openNpy } from "./npy.ts";

interface Reader {
  readonly length: number | undefined;
  /** How much of the file has been read, 0 to 1. */
  readonly fraction: number;
  next(max: number): Promise<Values>;
  rewind(): void;
  /** The line that a value is on, where a file has lines. */
  lineOf?(index: number): Promise<number>;
  close(): Promise<void>;
}

export const ROLES = [
  "logits",
  "scores",
  "pairs",
  "losses",
  "targets",
  "labels",
  "mask",
  "weights",
  "boxes",
  "groups",
  "positives",
] as const;
export type Role = (typeof ROLES)[number];
/** What names the files: paths, for `.csv` with columns. */
export type Inputs = Partial<Record<Role, string>>;

export interface Named {
  role: Role;
  name: string;
  reader: Reader;
  /** The shape of a `.npy` file; undefined for `.csv`, which has columns instead. */
  shape: readonly number[] | undefined;
  columns: number;
  /** Values of a row. */
  width: number;
}

/** `header` tells of a `.csv` file whether its first line is one, where that is known. */
export async function openSource(role: Role, spec: string, header?: boolean): Promise<Named> {
  const { path } = parseSpec(spec);
  const extension = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase();
  const exact = ["labels", "groups", "pairs"].includes(role);
  if (extension === ".csv") {
    const reader = await openCsv(spec, { exact, header });
    return { role, name: path, reader, shape: undefined, columns: reader.columns, width: 1 };
  }
  if (extension !== ".npy") {
    throw new TypeError(
      `Cannot read ${role} from ${path}: expected a .npy or .csv file, got ${extension ?? "no extension"}`,
    );
  }
  if (path !== spec) {
    throw new TypeError(
      `Cannot read ${role} from ${spec}: expected a column with a .csv file only, got one with a .npy file`,
    );
  }
  const reader = await openNpy(spec, exact);
  return { role, name: path, reader, shape: reader.header.shape, columns: 1, width: 1 };
}
