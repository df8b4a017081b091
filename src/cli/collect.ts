/** Whole inputs in memory, for what cannot be streamed. */

import type { Batch } from "./batch.ts";
import type { Io } from "./command.ts";
import { ROLES } from "./source.ts";
import type { Sources } from "./sources.ts";
import { walk } from "./walk.ts";

type Values = Float32Array | Uint8Array;

/** Joins the parts of a kind; a file gives the same kind of array for every chunk. */
function join(parts: readonly Values[]): Values {
  const length = parts.reduce((n, part) => n + part.length, 0);
  const last = parts[parts.length - 1];
  const whole = new (last.constructor as new (length: number) => Values)(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The roles of a batch that hold something. */
const given = (batch: Batch): (keyof Batch)[] => ROLES.filter((role) => batch[role] !== undefined);

class TooMany extends Error {}

/** All rows as one batch, or undefined if there are more than `most`. */
export async function collect(sources: Sources, most: number, io: Io): Promise<Batch | undefined> {
  if ((sources.rows ?? 0) > most) return undefined;
  const empty = sources.empty();
  const roles = given(empty);
  const parts = roles.map((role) => [empty[role] as Values]);
  let rows = 0;
  try {
    await walk(sources, "reading", io, (batch) => {
      rows += batch.rows;
      if (rows > most) throw new TooMany();
      for (const [i, role] of roles.entries()) parts[i].push((batch[role] as Values).slice());
    });
  } catch (error) {
    if (error instanceof TooMany) return undefined;
    throw error;
  }
  const whole = roles.map((role, i) => [role, join(parts[i])]);
  return { ...Object.fromEntries(whole), first: 0, rows } as Batch;
}
