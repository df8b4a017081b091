/** Whole inputs in memory, for what cannot be streamed. */
import { walk } from "./batches.ts";
import type { Io } from "./command.ts";
import type { Sources } from "./sources.ts";

/** All elements of the inputs at once. */
export interface Collected {
  logits: Float32Array;
  targets: Float32Array | Uint8Array;
  mask: Uint8Array | undefined;
}

/** Joins the parts of a kind; a file gives the same kind of array for every chunk. */
function join<T extends Float32Array | Uint8Array>(parts: T[]): T {
  const whole = new (parts[0].constructor as new (length: number) => T)(
    parts.reduce((n, part) => n + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

class TooMany extends Error {}

/** All elements, or undefined if there are more than `most`. */
export async function collect(sources: Sources, most: number, io: Io): Promise<Collected | undefined> {
  if ((sources.rows ?? 0) > most) return undefined;
  const logits: Float32Array[] = [new Float32Array(0)];
  const targets: (Float32Array | Uint8Array)[] = [];
  const masks: Uint8Array[] = [];
  let held = 0;
  try {
    await walk(sources, "reading", io, (batch) => {
      held += batch.logits.length;
      if (held > most) throw new TooMany();
      logits.push(batch.logits.slice());
      targets.push(batch.targets.slice());
      if (batch.mask) masks.push(batch.mask.slice());
    });
  } catch (error) {
    if (error instanceof TooMany) return undefined;
    throw error;
  }
  return {
    logits: join(logits),
    targets: targets.length > 0 ? join(targets) : new Uint8Array(0),
    mask: masks.length > 0 ? join(masks) : undefined,
  };
}
