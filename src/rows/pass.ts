import { at as fixed, part, views } from "../arena.ts";
import type { Outputs } from "../stream/batch.ts";
import { single } from "../stream/form.ts";
import { isBeyond } from "../stream/inspect.ts";
import { STEEP } from "../stream/pass.ts";
import { kernel } from "../wasm/kernel.ts";
import { admit } from "./admit.ts";
import { type RowBatch, refuseRowOverflow, refuseRows } from "./batch.ts";
import { isLong, type RowForm, type Second } from "./form.ts";
import { type Rooms, roomsFor } from "./rooms.ts";

/** What one chunk of rows turned out to hold. */
export interface RowChunk {
  /** Index of its first row, and how many it has. */
  readonly from: number;
  readonly rows: number;
  /** Rows that are not ignored, and those of them with a label above 0. */
  readonly valid: number;
  readonly positives: number;
  /** Whether a gradient may be beyond float32. */
  readonly isSteep: boolean;
  /** Where the losses of the rows and the gradients of their logits lie. */
  readonly losses: number;
  readonly grad: number;
}

/** Parameters of the binary loss, which sees every row as a target 0 with the logit v, and weights of the classes. */
function setUp({ at }: Rooms, { fields, share, alpha, second }: RowForm, rows: number): void {
  const { f32, i32 } = views();
  const op = fixed.op >>> 2;
  f32[op] = 1;
  f32[op + 1] = 1;
  // One of the two is 1.
  f32[op + 2] = typeof alpha === "number" ? share * alpha : share;
  for (let i = 0; i < fields.length; i++) i32[op + 3 + i] = fields[i]!;
  if (typeof alpha !== "number") f32.set(alpha, at.alpha >>> 2);
  f32.fill(0, at.zeros >>> 2, (at.zeros >>> 2) + rows);
  if (second) f32.fill(1, at.ones >>> 2, (at.ones >>> 2) + rows);
}

/** The margins and their exponentials, one copy where the binary loss expects it: see `marginRows`. */
function marginOf({ at }: Rooms, rows: number, k: number, sums: number, copy: number): number {
  const { peaks, own, near, decay, logs } = at;
  return kernel.marginRows(rows, k, peaks, sums, own, near, decay, copy, logs);
}

/** Logits from their array to margins: 1 or 3 if one of them is outside the domain, 2 if a margin is beyond float32. */
function enter(
  rooms: Rooms,
  form: RowForm,
  batch: RowBatch,
  from: number,
  rows: number,
  hasIgnored: boolean,
): number {
  const { at } = rooms;
  const { classes, alpha, second } = form;
  const logits = part(batch.logits, from * classes, rows * classes);
  views().f32.set(logits, at.x >>> 2);
  if (hasIgnored) kernel.blankRows(rows, classes, at.x, at.labels);
  if (typeof alpha !== "number") kernel.weighLabels(rows, at.labels, at.alpha, at.w);
  const isBad = kernel.enterRows(rows, classes, at.x, at.labels, at.own);
  if (isLong(form)) kernel.liftLongRows(rows, classes, at.x, at.e, at.peaks, at.sums);
  else kernel.liftRows(rows, classes, at.x, second ? at.h : at.e, at.e, at.peaks, at.sums);
  return isBad | marginOf(rooms, rows, 1, at.sums, at.loss);
}

/** The binary loss of the margins, and how its slope spreads over the classes. */
function lift({ at }: Rooms, form: RowForm, rows: number, isFar: boolean): void {
  const { margin } = form;
  margin(rows, at.near, at.zeros, at.w, -1, fixed.op, at.loss, at.slope, 1);
  if (isFar) kernel.exceed(rows, at.peaks, at.own, at.slope, at.loss);
  kernel.settleRows(rows, at.sums, at.slope, at.scale);
}

/** What the other classes add. */
function addSecond(rooms: Rooms, second: Second, { classes, share }: RowForm, rows: number): void {
  const { at } = rooms;
  if (second.kind === "smooth") {
    const { e, h, peaks, own, levels, w, loss, slope } = at;
    kernel.levelRows(rows, at.near, at.decay, at.logs, levels);
    kernel.smoothRows(rows, classes, e, h, peaks, own, levels, share, second.part, w, loss, slope);
    return;
  }
  if (second.kind === "tail") {
    kernel.levelRows(rows, at.near, at.decay, at.logs, at.levels);
    kernel.tailRows(rows, classes, at.h, second.gamma, at.peaks, at.levels, at.terms, at.turns);
    kernel.settleTail(
      rows,
      second.part,
      at.w,
      at.near,
      at.decay,
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
  kernel.rivalRows(rows, classes, at.h, k, at.peaks, at.turns);
  marginOf(rooms, rows, -k, at.turns, at.levels);
  kernel.settleRival(rows, k, at.near, at.decay, at.turns, at.loss, at.slope, at.scale, at.second);
}

/** The largest weight of the rows in the arena, times how much steeper than a binary loss they may be. */
function steepest({ at }: Rooms, { alpha, second }: RowForm, { weights }: RowBatch, rows: number): number {
  const isOne = typeof alpha === "number";
  const heaviest = (isOne ? alpha : 1) * (weights || !isOne ? single(kernel.gauge(rows, at.w)) : 1);
  if (second?.kind !== "rival") return heaviest;
  // Cross-entropy times a factor whose derivative is k at most.
  return heaviest * (1 + second.k * single(kernel.surveyReal(rows, at.near, at.near)));
}

/** Gradients of the chunk's logits, divided, in their place. */
function spread({ at }: Rooms, form: RowForm, rows: number, by: number): void {
  const { classes, second } = form;
  const single = Math.fround(by) === by;
  const divisor = single ? by : 1;
  if (second && second.kind !== "smooth") kernel.joinRows(rows, classes, at.e, at.h, at.scale, at.second);
  const spreadRows = isLong(form) ? kernel.spreadLongRows : kernel.spreadRows;
  spreadRows(rows, classes, at.e, second ? at.ones : at.scale, at.slope, at.labels, divisor, at.x);
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
  divisor: (valid: number, positives: number) => number,
  each: (chunk: RowChunk) => void,
): void {
  const { classes, second } = form;
  const total = batch.labels.length;
  if (total === 0) return;
  const rooms = roomsFor(classes, second !== undefined);
  const { at } = rooms;
  setUp(rooms, form, Math.min(rooms.rows, total));
  for (let from = 0; from < total; from += rooms.rows) {
    const rows = Math.min(rooms.rows, total - from);
    const { isBad, valid, positives } = admit(rooms, form, batch, from, rows);
    const entered = isBad ? 1 : enter(rooms, form, batch, from, rows, valid < rows);
    if (entered & 1) refuseRows(task, form, batch, from, rows);
    const by = divisor(valid, positives);
    const isSteep = steepest(rooms, form, batch, rows) > STEEP * by;
    const chunk = { from, rows, valid, positives, isSteep, losses: at.loss, grad: at.x };
    lift(rooms, form, rows, entered !== 0);
    if (second) addSecond(rooms, second, form, rows);
    if (wantsGrad) spread(rooms, form, rows, by);
    each(chunk);
  }
}

/** Throws for the first row of the chunk with a gradient that is beyond float32. */
export function checkRowGradients(
  task: string,
  batch: RowBatch,
  { classes }: RowForm,
  { from, rows, grad, isSteep }: RowChunk,
): void {
  if (isSteep && isBeyond(rows * classes, grad))
    refuseRowOverflow(task, batch, grad, from, rows, "gradients", classes);
}

/** Copies the results of a chunk out of the arena. */
export function copyRows(out: Outputs, classes: number, chunk: RowChunk): void {
  const { f32 } = views();
  const { from, rows, losses, grad } = chunk;
  out.grad?.set(f32.subarray(grad >>> 2, (grad >>> 2) + rows * classes), from * classes);
  out.losses?.set(f32.subarray(losses >>> 2, (losses >>> 2) + rows), from);
}
