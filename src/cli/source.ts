/** The inputs of a run: files opened by their extension, turned into what a loss takes, read in step. */
import { openCsv, parseSpec } from "./csv.ts";
import { openNpy, type Values } from "./npy.ts";

interface Reader {
  readonly length: number | undefined;
  /** How much of the file has been read, 0 to 1. */
  readonly fraction: number;
  next(max: number): Promise<Values>;
  rewind(): void;
  close(): Promise<void>;
}

export type Role = "logits" | "targets" | "mask" | "weights";

export interface Inputs {
  logits: string;
  targets: string;
  mask?: string;
  weights?: string;
}

/** Values that belong together; `first` is the place of the first one in the files. */
export interface Batch {
  first: number;
  logits: Float32Array;
  targets: Float32Array | Uint8Array;
  mask?: Uint8Array;
  weights?: Float32Array;
}

interface Named {
  role: Role;
  name: string;
  reader: Reader;
  shape: readonly number[] | undefined;
}

async function openSource(role: Role, spec: string): Promise<Named> {
  const { path } = parseSpec(spec);
  const extension = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase();
  if (extension === ".csv") return { role, name: path, reader: await openCsv(spec), shape: undefined };
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
  const reader = await openNpy(spec);
  return { role, name: path, reader, shape: reader.header.shape };
}

/** The flags of a mask: whatever is not zero is valid. */
function toMask(values: Values, name: string, first: number): Uint8Array {
  if (values instanceof Uint8Array) return values;
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < mask.length; i++) {
    if (Number.isNaN(values[i])) {
      throw new RangeError(`Cannot read mask from ${name}: expected a number, got NaN at index ${first + i}`);
    }
    mask[i] = values[i] === 0 ? 0 : 1;
  }
  return mask;
}

const toFloats = (values: Values): Float32Array =>
  values instanceof Float32Array ? values : new Float32Array(values);

/** All files of a run, read in step. Files of different lengths are found out before or at the last batch. */
export class Sources {
  readonly #all: Named[];
  #first = 0;

  constructor(all: Named[]) {
    this.#all = all;
    const known = all.filter(({ reader }) => reader.length !== undefined);
    for (const other of known)
      this.#requireEqual(known[0], known[0].reader.length!, other, other.reader.length!);
  }

  /** How many elements there are; unknown for `.csv` alone until it has been read to its end. */
  get length(): number | undefined {
    return this.#all.find(({ reader }) => reader.length !== undefined)?.reader.length;
  }

  /** The shape of the logits; undefined where the file has none to tell. */
  get shape(): readonly number[] | undefined {
    return this.#all[0].shape;
  }

  get fraction(): number {
    return this.#all[0].reader.fraction;
  }

  get paths(): string[] {
    return this.#all.map(({ name }) => name);
  }

  /** The batches from the first element on, each of `max` elements but the last. */
  async *batches(max: number): AsyncGenerator<Batch> {
    for (const { reader } of this.#all) reader.rewind();
    for (this.#first = 0; ; ) {
      const batch = await this.#next(max);
      if (batch.logits.length === 0) return;
      yield batch;
      this.#first += batch.logits.length;
    }
  }

  async close(): Promise<void> {
    for (const { reader } of this.#all) await reader.close();
  }

  async #next(max: number): Promise<Batch> {
    const first = this.#first;
    const values: Partial<Record<Role, Values>> = {};
    for (const { role, reader } of this.#all) values[role] = await reader.next(max);
    await this.#requireStep(values, max);
    const { logits, targets, mask, weights } = values as Record<Role, Values | undefined>;
    return {
      first,
      logits: toFloats(logits!),
      targets: targets instanceof Int8Array ? toFloats(targets) : targets!,
      mask: mask && toMask(mask, this.#name("mask"), first),
      weights: weights && toFloats(weights),
    };
  }

  #name(role: Role): string {
    return this.#all.find((one) => one.role === role)!.name;
  }

  async #requireStep(values: Partial<Record<Role, Values>>, max: number): Promise<void> {
    const counts = this.#all.map(({ role }) => values[role]!.length);
    if (counts.every((count) => count === counts[0])) return;
    const totals: number[] = [];
    for (const [i, { reader }] of this.#all.entries()) {
      let total = this.#first + counts[i];
      for (let more = counts[i]; more === max; total += more) more = (await reader.next(max)).length;
      totals.push(total);
    }
    for (const [i, other] of this.#all.entries())
      this.#requireEqual(this.#all[0], totals[0], other, totals[i]);
  }

  #requireEqual(one: Named, length: number, other: Named, otherLength: number): void {
    if (length === otherLength) return;
    throw new RangeError(
      `Cannot pair ${one.role} of ${one.name} with ${other.role} of ${other.name}: expected equal lengths, got ${length} and ${otherLength}`,
    );
  }
}

/** Opens the files of a run, or none of them. */
export async function openSources(inputs: Inputs): Promise<Sources> {
  const opened: Named[] = [];
  try {
    for (const role of ["logits", "targets", "mask", "weights"] as const) {
      const spec = inputs[role];
      if (spec !== undefined) opened.push(await openSource(role, spec));
    }
    return new Sources(opened);
  } catch (error) {
    for (const { reader } of opened) await reader.close();
    throw error;
  }
}
