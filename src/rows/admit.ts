import { at as fixed, part, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import type { RowBatch } from "./batch.ts";
import type { RowForm } from "./form.ts";
import { type Rooms, roomsFor } from "./rooms.ts";

/** What the labels of a chunk, their mask and their weights say. */
interface Admission {
  readonly isBad: boolean;
  readonly valid: number;
  readonly positives: number;
}

/** Copies labels, mask and weights of some rows in and looks them over. */
export function admit({ at }: Rooms, form: RowForm, batch: RowBatch, from: number, rows: number): Admission {
  const { f32, i32, u8 } = views();
  const { classes, ignoreIndex } = form;
  const { labels, mask, weights } = batch;
  i32.set(part(labels, from, rows), at.labels >>> 2);
  if (weights) f32.set(part(weights, from, rows), at.w >>> 2);
  else f32.fill(1, at.w >>> 2, (at.w >>> 2) + rows);
  const all = mask || weights ? -1 : kernel.countLabels(rows, classes, at.labels, ignoreIndex);
  if (all >= 0) return { isBad: false, valid: rows, positives: all };
  if (mask) u8.set(part(mask, from, rows), at.mask);
  else u8.fill(1, at.mask, at.mask + rows);
  kernel.admitRows(rows, classes, at.labels, ignoreIndex, at.mask, at.w, fixed.report);
  const report = fixed.report >>> 2;
  return { isBad: i32[report] !== 0, valid: i32[report + 1]!, positives: i32[report + 2]! };
}

/** Counts the rows of a batch before anything is computed from it. */
export function rowCensus(form: RowForm, batch: RowBatch): { valid: number; positives: number } {
  const rooms = roomsFor(form.classes, form.second !== undefined);
  const total = batch.labels.length;
  const counts = { valid: 0, positives: 0 };
  for (let from = 0; from < total; from += rooms.rows) {
    const { valid, positives } = admit(rooms, form, batch, from, Math.min(rooms.rows, total - from));
    counts.valid += valid;
    counts.positives += positives;
  }
  return counts;
}
