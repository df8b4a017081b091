/** Files of the project as tests see them: from the sources, and from the bundles made for Node. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

export const root: string = findRoot();

export function pathOf(...parts: string[]): string {
  return join(root, ...parts);
}

export function bytes(...parts: string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(pathOf(...parts)));
}

export function text(...parts: string[]): string {
  return readFileSync(pathOf(...parts), "utf8");
}

export function json<T>(...parts: string[]): T {
  return JSON.parse(text(...parts)) as T;
}

export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** A NumPy file: its values, flat, and its shape. */
export function npy(...parts: string[]): { values: Numbers; shape: number[] } {
  const file = bytes(...parts);
  const start = 10 + (file[8] | (file[9] << 8));
  const header = new TextDecoder().decode(file.subarray(10, start));
  const kind = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((v) => v.trim());
  const data = file.slice(start).buffer;
  const values =
    kind === "<f4" ? new Float32Array(data) : kind === "<f8" ? new Float64Array(data) : new Uint8Array(data);
  if (kind !== "<f4" && kind !== "<f8" && kind !== "|u1") throw new TypeError(`Cannot read ${kind}`);
  return { values, shape: shape.map(Number) };
}
