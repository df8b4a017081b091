/** What tests of the `.csv` reader share: a file of some text, read in pieces. */
import { type CsvReader, openCsv, type Reading } from "../src/cli/csv.ts";
import { temporary } from "./command-line.ts";

export async function* parts(reader: CsvReader, max: number): AsyncGenerator<Float32Array | Float64Array> {
  for (let part = await reader.next(max); part.length > 0; part = await reader.next(max)) yield part;
}

/** A file in a folder of its own, and what a reader finds of a text in it. */
export function csvFile(name: string) {
  const { inFolder, write } = temporary(name);
  const file = inFolder("a.csv");

  async function read(
    text: string,
    columns?: string,
    { max = 2, ...reading }: Reading & { max?: number } = {},
  ): Promise<number[]> {
    write("a.csv", text);
    const reader = await openCsv(columns === undefined ? file : `${file}:${columns}`, reading);
    try {
      const all: number[] = [];
      for await (const part of parts(reader, max)) for (const value of part) all.push(value);
      return all;
    } finally {
      await reader.close();
    }
  }

  return { file, inFolder, read };
}
