/** Files that a command writes: checked before the work, complete and together or not at all. */
import { resolve } from "node:path";
import type { Written } from "./npy-header.ts";
import { createNpy, type NpyWriter, requireTarget } from "./npy-writer.ts";
import type { Given } from "./options.ts";

export interface Output {
  path: string;
  shape: readonly number[];
  descr?: Written;
}

/** Refuses names of outputs, by option, that are not .npy, not free to be written, or named twice. */
export async function checkOutputs(
  task: string,
  given: Given,
  options: readonly string[],
  inputs: readonly string[],
): Promise<void> {
  const taken = new Map(inputs.map((path) => [resolve(path), `the input ${path}`]));
  for (const option of options) {
    const path = given[option];
    if (path === undefined) continue;
    if (!/\.npy$/i.test(path))
      throw new TypeError(`Cannot ${task}: expected --${option} as a .npy file, got ${path}`);
    const owner = taken.get(resolve(path));
    if (owner) throw new TypeError(`Cannot ${task}: expected --${option} as a file of its own, got ${owner}`);
    taken.set(resolve(path), `that of --${option}`);
    await requireTarget(path);
  }
}

/** Opens all outputs, lets `work` fill them, and gives them their names, or leaves nothing behind. */
export async function writeTogether(
  outputs: readonly Output[],
  work: (writers: readonly NpyWriter[]) => Promise<void>,
): Promise<void> {
  const writers: NpyWriter[] = [];
  try {
    for (const { path, shape, descr } of outputs) writers.push(await createNpy(path, shape, descr));
    await work(writers);
    for (const writer of writers) writer.requireFull();
    for (const writer of writers) await writer.finish();
  } catch (error) {
    for (const writer of writers) await writer.abort();
    throw error;
  }
}
