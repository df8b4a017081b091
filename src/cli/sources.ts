/** The inputs of a run, turned into what a loss takes, read in step. */
import { type Batch, CONVERT } from "./batch.ts";
import { type Origin, toMask, type Values } from "./convert.ts";
import { type Inputs, type Named, openSource, ROLES, type Role } from "./source.ts";

/** All files of a run, read in step. Files of different lengths are found out before or at the last batch. */
export class Sources {
  readonly files: readonly Named[];
  #first = 0;

  constructor(files: Named[]) {
    this.files = files;
  }

  /** Says of which files a row has more than one value, and checks the lengths that are known. */
  align(widths: Partial<Record<Role, number>>): void {
    for (const one of this.files) one.width = widths[one.role] ?? 1;
    const known = this.files.filter(({ reader }) => reader.length !== undefined);
    this.#requireEqual(known, (one) => one.reader.length!);
  }

  /** How many rows there are; unknown for `.csv` alone until it has been read to its end. */
  get rows(): number | undefined {
    const known = this.files.find(({ reader }) => reader.length !== undefined);
    return known && known.reader.length! / known.width;
  }

  /** The logits' last axis, where they have more than one, or their columns in a `.csv` file. */
  get lastAxis(): number | undefined {
    const { shape, columns } = this.files[0];
    if (shape && shape.length > 1) return shape.at(-1);
    return columns > 1 ? columns : undefined;
  }

  /** The shape of the logits as far as the file tells it; `[rows, classes]` of a flat file where it `isRows`. */
  shape(rows: number, isRows: boolean): readonly number[] {
    const { shape, columns, width } = this.files[0];
    if (shape && (shape.length > 1 || !isRows)) return shape;
    const values = rows * width;
    const last = isRows ? width : columns;
    return isRows || last > 1 ? [values / last, last] : [values];
  }

  get fraction(): number {
    return this.files[0].reader.fraction;
  }

  get paths(): string[] {
    return this.files.map(({ name }) => name);
  }

  /** The most values that a row has of one kind. */
  get width(): number {
    return Math.max(...this.files.map(({ width }) => width));
  }

  /** The batches from the first row on, each of `max` rows but the last. */
  async *batches(max: number): AsyncGenerator<Batch> {
    for (const { reader } of this.files) reader.rewind();
    for (this.#first = 0; ; ) {
      const batch = await this.#next(max);
      if (batch.rows === 0) return;
      yield batch;
      this.#first += batch.rows;
    }
  }

  async close(): Promise<void> {
    for (const { reader } of this.files) await reader.close();
  }

  async #next(max: number): Promise<Batch> {
    const values: Partial<Record<Role, Values>> = {};
    for (const { role, reader, width } of this.files) values[role] = await reader.next(max * width);
    await this.#requireStep(values, max);
    return this.#convert(values);
  }

  /** A batch of no rows. */
  empty(): Batch {
    return this.#convert(Object.fromEntries(this.files.map(({ role }) => [role, new Float32Array(0)])));
  }

  #convert(values: Partial<Record<Role, Values>>): Batch {
    const mask = values.mask && toMask(values.mask, this.#origin("mask"));
    const converted = this.files.map(({ role }) => [
      role,
      role === "mask" ? mask : CONVERT[role](values[role]!, this.#origin(role), mask),
    ]);
    const { role, width } = this.files[0];
    const rows = values[role]!.length / width;
    return { ...Object.fromEntries(converted), first: this.#first, rows } as Batch;
  }

  #origin(role: Role): Origin {
    const { name, width } = this.files.find((one) => one.role === role)!;
    return { role, name, first: this.#first * width };
  }

  async #requireStep(values: Partial<Record<Role, Values>>, max: number): Promise<void> {
    const rows = this.files.map(({ role, width }) => values[role]!.length / width);
    if (rows.every((count) => count === rows[0] && Number.isInteger(count))) return;
    const totals = new Map<Named, number>();
    for (const one of this.files) {
      const got = values[one.role]!.length;
      let total = this.#first * one.width + got;
      for (let more = got; more === max * one.width; total += more) {
        more = (await one.reader.next(max * one.width)).length;
      }
      totals.set(one, total);
    }
    this.#requireEqual(this.files, (one) => totals.get(one)!);
  }

  /** Throws unless the files hold whole rows, and as many of them. */
  #requireEqual(all: readonly Named[], lengthOf: (one: Named) => number): void {
    for (const one of all) {
      if (lengthOf(one) % one.width === 0) continue;
      throw new RangeError(
        `Cannot read ${one.role} from ${one.name}: expected a multiple of ${one.width}, got ${lengthOf(one)} values`,
      );
    }
    const show = (one: Named): string =>
      one.width === 1 ? `${lengthOf(one)}` : `${lengthOf(one) / one.width} rows of ${one.width}`;
    const [first] = all;
    const other = all.find((one) => lengthOf(one) / one.width !== lengthOf(first) / first.width);
    if (!other) return;
    throw new RangeError(
      `Cannot pair ${first.role} of ${first.name} with ${other.role} of ${other.name}: expected equal lengths, got ${show(first)} and ${show(other)}`,
    );
  }
}

/** Opens the files of a run, or none of them. */
export async function openSources(inputs: Inputs, header?: boolean): Promise<Sources> {
  const opened: Named[] = [];
  try {
    for (const role of ROLES) {
      const spec = inputs[role];
      if (spec !== undefined) opened.push(await openSource(role, spec, header));
    }
    return new Sources(opened);
  } catch (error) {
    for (const { reader } of opened) await reader.close();
    throw error;
  }
}
