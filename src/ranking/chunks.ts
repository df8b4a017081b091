import { reserve, views } from "../arena.ts";
import type { RowBatch } from "../rows/batch.ts";
import { kernel } from "../wasm/kernel.ts";
import type { DrForm } from "./form.ts";

/** Logits in the arena at a time, unless one row has more; and what a kernel adds up at a time. */
export const ELEMENTS = 16384;

export interface Rooms {
  readonly rows: number;
  /** Logits of negatives; -Infinity where there is none. Their gradients take their place. */
  readonly x: number;
  /** The same of positives. */
  readonly own: number;
  /** float64 scores of one side, and 2^(v - k) of each: see assembly/loss/dr.ts. */
  readonly p: number;
  readonly power: number;
  /** What a gradient is computed with on the way. */
  readonly local: number;
}

interface Chunk extends Rooms {
  /** Its first row and the one behind its last; how many of them are not ignored, and how many have a positive. */
  readonly from: number;
  readonly end: number;
  readonly valid: number;
  readonly positives: number;
}

function roomsFor(classes: number): Rooms {
  const rows = Math.max(Math.floor(ELEMENTS / classes), 1);
  const n = rows * classes + 16;
  const [x, own, p, power, local] = reserve([4 * n, 4 * rows + 64, 8 * n, 8 * n, 8 * n]);
  return { rows, x: x!, own: own!, p: p!, power: power!, local: local! };
}

export function isIgnored({ labels, mask }: RowBatch, row: number): boolean {
  return labels[row]! < 0 || mask?.[row] === 0;
}

/** Throws for the first value of some rows that the loss is not defined for. */
function refuse(task: string, { classes }: DrForm, batch: RowBatch, from: number, end: number): never {
  for (let r = from; r < end; r++) {
    const label = batch.labels[r]!;
    if (isIgnored(batch, r)) continue;
    if (label > classes) {
      throw new RangeError(`Cannot ${task}: expected labels up to ${classes}, got ${label} at row ${r}`);
    }
    for (let i = r * classes; i < (r + 1) * classes; i++) {
      const x = batch.logits[i]!;
      if (!Number.isFinite(x))
        throw new RangeError(`Cannot ${task}: expected finite logits, got ${x} at index ${i}`);
    }
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Whether the logits and labels of the rows in the arena may be used; the logits of ignored ones become 0. */
function isSound({ classes }: DrForm, batch: RowBatch, from: number, end: number, x: number): boolean {
  const { f32 } = views();
  let isWithin = true;
  for (let r = from, at = x >>> 2; r < end; r++, at += classes) {
    if (isIgnored(batch, r)) f32.fill(0, at, at + classes);
    else if (batch.labels[r]! > classes) isWithin = false;
  }
  const size = (end - from) * classes;
  f32.fill(0, (x >>> 2) + size, (x >>> 2) + size + 4);
  return isWithin && kernel.extent(size, x) >>> 0 < 0x7f800000;
}

/** Copies a batch in, chunk by chunk, and takes the positives and the ignored out of the negatives. */
export function chunks(task: string, form: DrForm, batch: RowBatch, each: (chunk: Chunk) => void): void {
  const { classes } = form;
  if (batch.labels.length === 0) return;
  const rooms = roomsFor(classes);
  for (let from = 0; from < batch.labels.length; from += rooms.rows) {
    const end = Math.min(from + rooms.rows, batch.labels.length);
    const { f32 } = views();
    f32.set(batch.logits.subarray(from * classes, end * classes), rooms.x >>> 2);
    if (!isSound(form, batch, from, end, rooms.x)) refuse(task, form, batch, from, end);
    let valid = 0;
    let positives = 0;
    for (let r = from, at = rooms.x >>> 2; r < end; r++, at += classes) {
      const label = batch.labels[r]!;
      if (isIgnored(batch, r)) {
        f32.fill(-Infinity, at, at + classes);
        continue;
      }
      valid++;
      if (label === 0) continue;
      f32[(rooms.own >>> 2) + positives++] = f32[at + label - 1]!;
      f32[at + label - 1] = -Infinity;
    }
    each({ ...rooms, from, end, valid, positives });
  }
}
