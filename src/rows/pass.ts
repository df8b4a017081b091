import { at as fixed, views } from "../arena.ts";
import type { Outputs } from "../stream/batch.ts";
import { kernel } from "../wasm/kernel.ts";
import { isIgnored, type RowBatch, refuseRows } from "./batch.ts";
import type { RowForm, Second } from "./form.ts";
import { type Rooms, roomsFor } from "./rooms.ts";

/** What one chunk of rows turned out to hold. */
export interface RowChunk {
  /** Index of its first row, and how many it has. */
  readonly from: number;
  readonly rows: number;
  /** Rows that are not ignored, and those of them with a label above 0. */
  readonly valid: number;
  readonly positives: number;
  /** Where the losses of the rows and the gradients of their logits lie. */
  readonly losses: number;
  readonly grad: number;
}

/** Counts the rows of a batch before anything is computed from it. */
export function rowCensus(form: RowForm, batch: RowBatch): { valid: number; positives: number } {
  const counts = { valid: 0, positives: 0 };
  for (let r = 0; r < batch.labels.length; r++) {
    if (isIgnored(batch, form.ignoreIndex, r)) continue;
    counts.valid++;
    if (batch.labels[r]! > 0) counts.positives++;
  }
  return counts;
}

function copyIn({ at }: Rooms, { classes }: RowForm, batch: RowBatch, from: number, rows: number): void {
  const { f32, i32, u8 } = views();
  const end = from + rows;
  f32.set(batch.logits.subarray(from * classes, end * classes), at.x >> 2);
  i32.set(batch.labels.subarray(from, end), at.labels >> 2);
  if (batch.weights) f32.set(batch.weights.subarray(from, end), at.w >> 2);
  else f32.fill(1, at.w >> 2, (at.w >> 2) + rows);
  if (batch.mask) u8.set(batch.mask.subarray(from, end), at.mask);
}

/** Class weights and the parameters of the binary loss, which sees every row as a target 0 with the logit v. */
function setUp({ at, rows }: Rooms, form: RowForm): void {
  const { f32, i32 } = views();
  const op = fixed.op >> 2;
  f32.fill(1, op, op + 2);
  f32[op + 2] = form.share;
  i32.set(form.fields, op + 3);
  if (typeof form.alpha === "number") f32[at.alpha >> 2] = form.alpha;
  else f32.set(form.alpha, at.alpha >> 2);
  f32.fill(0, at.zeros >> 2, (at.zeros >> 2) + rows);
}

/** The binary loss of the margins, and how its slope spreads over the classes. */
function lift({ at }: Rooms, form: RowForm, rows: number): void {
  const { margin } = form;
  margin(rows, at.near, at.zeros, at.w, -1, fixed.op, at.loss, at.slope);
  margin(rows, at.ahead, at.zeros, at.w, -1, fixed.op, at.lossAhead, at.slopeAhead);
  kernel.settleRows(rows, at.rest, at.sums, at.loss, at.slope, at.slopeAhead, at.scale);
}

/** What the other classes add. */
function addSecond({ at }: Rooms, second: Second, classes: number, rows: number): void {
  if (second.kind === "tail") {
    kernel.levelRows(rows, at.near, at.logs, at.levels);
    kernel.tailRows(rows, classes, at.x, at.h, second.gamma, at.peaks, at.levels, at.terms, at.turns);
    kernel.settleTail(
      rows,
      second.part,
      at.w,
      at.near,
      at.rest,
      at.sums,
      at.terms,
      at.turns,
      at.loss,
      at.slope,
      at.scale,
      at.second,
    );
    return;
  }
  const { k } = second;
  kernel.rivalRows(rows, classes, at.x, at.h, k, at.peaks, at.turns);
  kernel.marginRows(rows, -k, at.peaks, at.turns, at.own, at.near, at.ahead, at.rest, at.logs);
  kernel.settleRival(rows, k, at.near, at.turns, at.loss, at.slope, at.scale, at.second);
}

/** Gradients of the chunk's logits, divided, in their place. */
function spread({ at }: Rooms, form: RowForm, rows: number, by: number): void {
  const { classes, second } = form;
  const single = Math.fround(by) === by;
  const divisor = single ? by : 1;
  if (second) {
    const { e, h, x } = at;
    kernel.spreadBoth(rows, classes, e, h, at.scale, at.second, at.slope, at.labels, divisor, x);
  } else {
    kernel.spreadRows(rows, classes, at.e, at.scale, at.slope, at.labels, divisor, at.x);
  }
  if (!single) kernel.divide(rows * classes, at.x, by);
}

/**
 * Runs a loss over a batch, some rows at a time. Losses and gradients of a chunk are left where `each` takes them.
 *
 * @param wantsGrad whether gradients are computed: the losses have the same bits either way
 * @param divisor what gradients are divided by, known at the latest when the first chunk is
 */
export function rowPass(
  task: string,
  form: RowForm,
  batch: RowBatch,
  wantsGrad: boolean,
  divisor: (chunk: RowChunk) => number,
  each: (chunk: RowChunk) => void,
): void {
  const { classes, ignoreIndex, second } = form;
  const total = batch.labels.length;
  if (total === 0) return;
  const rooms = roomsFor(classes, second !== undefined);
  const { at } = rooms;
  const stride = typeof form.alpha === "number" ? 0 : -1;
  setUp(rooms, form);
  for (let from = 0; from < total; from += rooms.rows) {
    const rows = Math.min(rooms.rows, total - from);
    copyIn(rooms, form, batch, from, rows);
    const mask = batch.mask ? at.mask : 0;
    kernel.enterRows(
      rows,
      classes,
      at.x,
      at.labels,
      ignoreIndex,
      mask,
      at.w,
      at.alpha,
      stride,
      at.own,
      fixed.report,
    );
    kernel.liftRows(rows, classes, at.x, at.e, at.peaks, at.sums);
    const foreign = kernel.marginRows(
      rows,
      1,
      at.peaks,
      at.sums,
      at.own,
      at.near,
      at.ahead,
      at.rest,
      at.logs,
    );
    const { i32 } = views();
    const report = fixed.report >> 2;
    if (foreign || i32[report]) refuseRows(task, form, batch, from, rows);
    const chunk = {
      from,
      rows,
      valid: i32[report + 1]!,
      positives: i32[report + 2]!,
      losses: at.loss,
      grad: at.x,
    };
    const by = divisor(chunk);
    lift(rooms, form, rows);
    if (second) addSecond(rooms, second, classes, rows);
    if (wantsGrad) spread(rooms, form, rows, by);
    each(chunk);
  }
}

/** Copies the results of a chunk out of the arena. */
export function copyRows(out: Outputs, classes: number, chunk: RowChunk): void {
  const { f32 } = views();
  const { from, rows, losses, grad } = chunk;
  out.grad?.set(f32.subarray(grad >> 2, (grad >> 2) + rows * classes), from * classes);
  out.losses?.set(f32.subarray(losses >> 2, (losses >> 2) + rows), from);
}
