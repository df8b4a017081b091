/** Puts what the library refuses in a batch at its place in the file that holds it. */
import type { Batch } from "./batch.ts";
import type { Named } from "./source.ts";
import type { Sources } from "./sources.ts";

const PLACE = /(, got .*?\b)(index|row|pair) (\d+)/;

/** The file that a message is about; the first one where it names none. */
function fileOf(message: string, files: readonly Named[]): Named {
  return files.find(({ role }) => message.toLowerCase().includes(role)) ?? files[0];
}

/** The library counts from the start of the batch that it was given; the reader of the line, from that of the file. */
async function placed(error: unknown, { files }: Sources, first: number): Promise<unknown> {
  const match = error instanceof RangeError && PLACE.exec(error.message);
  if (!match) return error;
  const [found, before, unit, count] = match;
  const { role, name, width, reader } = fileOf(error.message, files);
  // An index is that of a value, but a box has four of them.
  const isValue = unit === "index" && role !== "boxes";
  const place = Number(count) + (isValue ? first * width : first);
  const line = await reader.lineOf?.(isValue ? place : place * width);
  const shown = `${unit} ${place} of ${name}${line === undefined ? "" : `, line ${line}`}`;
  error.message = error.message.replace(found, () => before + shown);
  return error;
}

/** Does something with a batch, and says where in the files it is that the library refuses something of it. */
export async function inPlace<T>(sources: Sources, batch: Batch, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await placed(error, sources, batch.first);
  }
}
