import { at, BOUNDS, CHUNK, PACKED, part, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import { type Batch, type Outputs, refuseOverflow } from "./batch.ts";
import type { Form, PerClass } from "./form.ts";
import { countPositives, inspect, inspectReal, isBeyond } from "./inspect.ts";

/** What one chunk turned out to hold, known before anything is computed from it. */
export interface Surveyed {
  /** Index of its first element, and how many it has. */
  readonly from: number;
  readonly size: number;
  /** Elements that the mask leaves. */
  readonly valid: number;
  /** Those of them with a target above 1/2. */
  positives(): number;
}

/** What to add up of a chunk: its losses that are not 0, and perhaps some that are, lie together at `addends`. */
interface Sums {
  readonly addends: number;
  readonly many: number;
  /** Where their range is, 0 if it is not known. */
  readonly bounds: number;
}

/** The same after its losses were computed. */
export interface Chunk extends Surveyed, Sums {
  /** Whether a gradient may be beyond float32. */
  readonly isSteep: boolean;
  /** Leaves the losses at `at.loss`, each in its place, if `pass` did not. */
  lay(): void;
}

function copyIn(batch: Batch, from: number, size: number): void {
  const { f32, u8 } = views();
  f32.set(part(batch.logits, from, size), at.x >>> 2);
  copyTargets(batch, from, size);
  if (batch.weights) f32.set(part(batch.weights, from, size), at.w >>> 2);
  else if (batch.mask) f32.fill(1, at.w >>> 2, (at.w >>> 2) + size);
  if (batch.mask) u8.set(part(batch.mask, from, size), at.mask);
}

function copyTargets(batch: Batch, from: number, size: number): void {
  const { f32, u8 } = views();
  const targets = part<Float32Array | Uint8Array>(batch.targets, from, size);
  if (targets.BYTES_PER_ELEMENT === 4) {
    f32.set(targets, at.t >>> 2);
  } else {
    u8.set(targets, at.bytes);
    kernel.widen(size, at.bytes, at.t);
  }
}

/**
 * Counts the valid elements and the valid positives of a batch before anything is computed from it: what a
 * mean divides by must be known before the first gradient is written.
 */
export function census(batch: Batch): { valid: number; positives: number } {
  let valid = 0;
  let positives = 0;
  const n = batch.logits.length;
  for (let from = 0; from < n; from += CHUNK) {
    const size = Math.min(CHUNK, n - from);
    copyTargets(batch, from, size);
    let left = size;
    if (batch.mask) {
      views().u8.set(part(batch.mask, from, size), at.mask);
      left = kernel.blank(size, at.mask, at.x, at.t, at.w);
    }
    valid += left;
    positives += countPositives(size);
  }
  return { valid, positives };
}

/** Lays class weights out over the chunk, one per element. */
function layPattern(value: PerClass, classes: number, phase: number, size: number, address: number): void {
  const { f32 } = views();
  const start = address >>> 2;
  if (typeof value === "number") {
    f32.fill(value, start, start + size);
    return;
  }
  for (let i = 0, c = phase; i < size; i++, c = c + 1 === classes ? 0 : c + 1) f32[start + i] = value[c]!;
}

/**
 * Lays out the weights of a chunk: class weights as two parameters where they are the same for all elements, for soft
 * targets as two vectors too, else one per element; weights per element and the mask at `at.w`.
 *
 * @returns -1 if there is one weight per element at `at.w`, 0 if one for all
 */
function layWeights(form: Form, batch: Batch, from: number, size: number, isSoft: boolean): number {
  const { f32 } = views();
  const { positive, negative, classes } = form;
  const op = at.op >>> 2;
  const each = batch.weights || batch.mask;
  if (typeof positive === "number" && typeof negative === "number") {
    f32[op + 1] = positive;
    f32[op + 2] = negative;
    if (isSoft) {
      f32.fill(positive, at.a1 >>> 2, (at.a1 >>> 2) + 4);
      f32.fill(negative, at.a0 >>> 2, (at.a0 >>> 2) + 4);
    }
    if (!each) f32.fill(1, at.w >>> 2, (at.w >>> 2) + 4);
    return each ? -1 : 0;
  }
  f32[op + 1] = 1;
  f32[op + 2] = 1;
  const phase = from % classes;
  // Where a row fits, chunks begin with one, and the pattern is laid out once.
  if (from === 0 || classes > CHUNK) {
    layPattern(positive, classes, phase, size, at.a1);
    layPattern(negative, classes, phase, size, at.a0);
  }
  if (!each) f32.fill(1, at.w >>> 2, (at.w >>> 2) + size);
  return -1;
}

/** Runs the kernels of a loss on the chunk in the arena, and says what to add up. `loss` is 0 or `at.loss`: see `Form`. */
function run(form: Form, stride: number, size: number, isSoft: boolean, loss: number): Sums {
  const { hard, soft, patches } = form;
  const perClass = typeof form.positive !== "number" || typeof form.negative !== "number";
  let packed = -1;
  if (isSoft && soft) {
    if (stride) kernel.weigh(size, at.w, at.a1, at.a0, perClass ? -1 : 0, at.w1, at.w0);
  }
  if (!isSoft || patches) {
    if (perClass) kernel.choose(size, at.t, at.a1, at.a0, at.w);
    packed = hard(size, at.x, at.t, at.w, stride, at.op, loss, at.grad) ?? -1;
  }
  if (isSoft && soft) {
    soft(size, at.x, at.t, stride ? at.w1 : at.a1, stride ? at.w0 : at.a0, stride, at.op, at.loss, at.grad);
    packed = -1;
  }
  return packed < 0
    ? { addends: at.loss, many: size, bounds: 0 }
    : { addends: at.op + PACKED, many: packed, bounds: 0 };
}

/**
 * Runs a loss of residuals on the chunk in the arena. The kernel that is tried first finds out whether values are
 * unusual: the chunk is looked at only then, and the first one that is not finite refused.
 */
function runReal(task: string, form: Form, batch: Batch, from: number, size: number, stride: number): Sums {
  if (form.near?.(size, at.x, at.t, at.w, stride, at.op, at.loss, at.grad) === 0)
    return { addends: at.loss, many: size, bounds: at.op + BOUNDS };
  inspectReal(task, form, batch, from, size);
  return run(form, stride, size, false, at.loss);
}

/** What a weight may be, over the divisor, before a gradient is looked at: no loss is steeper than 2^27. */
export const STEEP: number = 2 ** 100;

/** The largest class weight. */
function most(value: PerClass): number {
  return typeof value === "number" ? value : value.reduce((a, b) => Math.max(a, b), 0);
}

/**
 * Runs a loss over a batch, chunk by chunk. Each chunk is copied in, its mask applied, its values checked and
 * its losses and gradients left at `at.loss` and `at.grad`, where `each` takes them.
 *
 * @param divisor what gradients are divided by, known at the latest when the first chunk is
 * @param wantsLosses whether `each` reads losses at `at.loss`
 */
export function pass(
  task: string,
  form: Form,
  batch: Batch,
  divisor: (counts: Surveyed) => number,
  each: (chunk: Chunk) => void,
  wantsLosses = true,
): void {
  const n = batch.logits.length;
  const largest = Math.max(most(form.positive), most(form.negative));
  const step = form.classes > 1 && form.classes <= CHUNK ? CHUNK - (CHUNK % form.classes) : CHUNK;
  for (let from = 0; from < n; from += step) {
    const size = Math.min(step, n - from);
    copyIn(batch, from, size);
    const valid = batch.mask ? kernel.blank(size, at.mask, at.x, at.t, at.w) : size;
    const { isSoft, heaviest, positives: known } = inspect(task, form, batch, from, size);
    const { f32, i32 } = views();
    const positives = (): number => known ?? countPositives(size);
    const by = divisor({ from, size, valid, positives });
    const single = Math.fround(by) === by;
    f32[at.op >>> 2] = single ? by : 1;
    for (let i = 0; i < form.fields.length; i++) i32[(at.op >>> 2) + 3 + i] = form.fields[i]!;
    const stride = layWeights(form, batch, from, size, isSoft);
    const isLaid = wantsLosses || !form.packs;
    const { addends, many, bounds } = form.real
      ? runReal(task, form, batch, from, size, stride)
      : run(form, stride, size, isSoft, isLaid ? at.loss : 0);
    if (!single) kernel.divide(size, at.grad, by);
    const lay = (): void => {
      if (!isLaid) run(form, stride, size, isSoft, at.loss);
    };
    const isSteep = heaviest * largest > STEEP * by;
    each({ from, size, valid, positives, addends, many, bounds, isSteep, lay });
  }
}

/** Adds the losses of a chunk to the sum in the arena; not so where one is beyond float32: false, and they are laid out. */
export function addLosses({ addends, many, bounds, lay }: Chunk): boolean {
  if (kernel.sum(many, addends, at.words, bounds) >>> 0 < 0x7f800000) return true;
  lay();
  return false;
}

/** Throws for the first gradient of the chunk that is beyond float32. */
export function checkGradients(task: string, batch: Batch, { from, size, isSteep }: Chunk): void {
  if (isSteep && isBeyond(size, at.grad)) refuseOverflow(task, batch, from, size, "gradients", at.grad);
}

/** Copies the results of a chunk out of the arena. */
export function copyOut(out: Outputs, chunk: Pick<Chunk, "from" | "size">): void {
  const { f32 } = views();
  const { from, size } = chunk;
  out.grad?.set(f32.subarray(at.grad >>> 2, (at.grad >>> 2) + size), from);
  out.losses?.set(f32.subarray(at.loss >>> 2, (at.loss >>> 2) + size), from);
}
