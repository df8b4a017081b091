import { at, CHUNK, views } from "../arena.ts";
import { array, describe, disjoint, length } from "../check.ts";
import { kernel, type PointwiseKernel } from "../wasm/kernel.ts";

/** One value for all elements, or one per class of a batch `[rows, classes]`. */
export type PerClass = number | Float32Array;

/** A loss with its parameters set: which kernel runs, and on what. */
export interface Form {
  readonly name: string;
  /** For chunks of hard targets. */
  readonly hard: PointwiseKernel;
  /**
   * For chunks with a soft target among them, one after the other; hard elements get the bits that `hard` gives.
   * None: soft targets are refused.
   */
  readonly soft: readonly PointwiseKernel[];
  /** The parameters behind the divisor, as 32-bit words in the order of the kernel's fields. */
  readonly fields: Int32Array;
  /** Weights of target 1 and of target 0. */
  readonly positive: PerClass;
  readonly negative: PerClass;
  readonly classes: number;
}

/** The arrays of one call, checked: same length, right kinds, no partial overlap. */
export interface Batch {
  readonly logits: Float32Array;
  readonly targets: Float32Array | Uint8Array;
  readonly mask: Uint8Array | undefined;
  readonly weights: Float32Array | undefined;
}

export interface Outputs {
  grad?: Float32Array | undefined;
  losses?: Float32Array | undefined;
}

export function checkBatch(
  task: string,
  logits: unknown,
  targets: unknown,
  mask: unknown,
  weights: unknown,
  classes: number,
  out: Outputs,
): Batch {
  array<Float32Array>(task, "logits", logits, ["Float32Array"]);
  array<Float32Array | Uint8Array>(task, "targets", targets, ["Float32Array", "Uint8Array"]);
  const n = logits.length;
  length(task, "targets", targets.length, n);
  if (mask !== undefined) {
    array<Uint8Array>(task, "mask", mask, ["Uint8Array"]);
    length(task, "mask bytes", mask.length, n);
  }
  if (weights !== undefined) {
    array<Float32Array>(task, "weights", weights, ["Float32Array"]);
    length(task, "weights", weights.length, n);
  }
  if (classes > 1 && n % classes !== 0) {
    throw new RangeError(`Cannot ${task}: expected a multiple of ${classes} classes, got ${n} logits`);
  }
  if (out.grad !== undefined) {
    array<Float32Array>(task, "grad", out.grad, ["Float32Array"]);
    length(task, "elements of grad", out.grad.length, n);
  }
  if (out.losses !== undefined) {
    array<Float32Array>(task, "losses", out.losses, ["Float32Array"]);
    length(task, "elements of losses", out.losses.length, n);
  }
  disjoint(
    task,
    [
      ["grad", out.grad],
      ["losses", out.losses],
      ["logits", logits],
      ["targets", targets],
      ["mask", mask],
      ["weights", weights],
    ],
    2,
  );
  return { logits, targets, mask, weights };
}

/** What one chunk turned out to hold. */
export interface Chunk {
  /** Index of its first element, and how many it has. */
  readonly from: number;
  readonly size: number;
  /** Elements that the mask leaves, and those of them with a target above 1/2. */
  readonly valid: number;
  readonly positives: number;
}

function copyIn(batch: Batch, from: number, size: number): void {
  const { f32, u8 } = views();
  const end = from + size;
  f32.set(batch.logits.subarray(from, end), at.x >> 2);
  copyTargets(batch, from, size);
  if (batch.weights) f32.set(batch.weights.subarray(from, end), at.w >> 2);
  else if (batch.mask) f32.fill(1, at.w >> 2, (at.w >> 2) + size);
  if (batch.mask) u8.set(batch.mask.subarray(from, end), at.mask);
}

function copyTargets(batch: Batch, from: number, size: number): void {
  const { f32, u8 } = views();
  const part = batch.targets.subarray(from, from + size);
  if (part.BYTES_PER_ELEMENT === 4) {
    f32.set(part, at.t >> 2);
  } else {
    u8.set(part, at.bytes);
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
      views().u8.set(batch.mask.subarray(from, from + size), at.mask);
      left = kernel.blank(size, at.mask, at.x, at.t, at.w);
    }
    kernel.surveySoft(size, at.t, at.report);
    valid += left;
    positives += views().i32[(at.report >> 2) + 1]!;
  }
  return { valid, positives };
}

const INFINITE = 0x7f800000;
const ONE = 0x3f800000;
const LARGEST = 0x7f7fffff;

/** Throws for the first value of a chunk that no loss is defined for; the mask hides what it covers. */
function refuse(task: string, form: Form, batch: Batch, from: number, size: number): never {
  const { logits, targets, mask, weights } = batch;
  for (let i = from; i < from + size; i++) {
    if (mask && mask[i] === 0) continue;
    const x = logits[i]!;
    if (!Number.isFinite(x)) {
      throw new RangeError(`Cannot ${task}: expected finite logits, got ${x} at index ${i}`);
    }
    const t = targets[i]!;
    if (form.soft.length === 0 ? t !== 0 && t !== 1 : !(t >= 0 && t <= 1)) {
      const domain = form.soft.length === 0 ? "targets of 0 or 1" : "targets in [0, 1]";
      const hint = t < 0 ? " (leave ignored elements out with mask)" : "";
      throw new RangeError(`Cannot ${task}: expected ${domain}, got ${t} at index ${i}${hint}`);
    }
    const w = weights?.[i] ?? 1;
    if (!(w >= 0 && w < Infinity)) {
      throw new RangeError(`Cannot ${task}: expected finite weights >= 0, got ${w} at index ${i}`);
    }
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Throws for the first loss of the chunk in the arena that is not finite. */
export function refuseOverflow(task: string, batch: Batch, from: number, size: number): never {
  const losses = views().f32.subarray(at.loss >> 2, (at.loss >> 2) + size);
  const i = from + losses.findIndex((loss) => !Number.isFinite(loss));
  throw new RangeError(
    `Cannot ${task}: expected weighted losses that a float32 can hold, got an overflow at index ${i} ` +
      `(logit ${batch.logits[i]}, weight ${batch.weights?.[i] ?? 1})`,
  );
}

/** Weights of a chunk: one vector for all its elements (stride 0), or an array. Returns the stride. */
function weigh(form: Form, batch: Batch, from: number, size: number): number {
  const { f32 } = views();
  const { positive, negative, classes } = form;
  const perClass = typeof positive !== "number" || typeof negative !== "number";
  if (perClass) {
    // Chunks begin at a multiple of the classes whenever a row fits, so the pattern is laid out once.
    const phase = from % classes;
    if (from === 0 || phase !== 0 || classes > CHUNK) {
      for (let i = 0, c = phase; i < size; i++, c = c + 1 === classes ? 0 : c + 1) {
        f32[(at.a1 >> 2) + i] = typeof positive === "number" ? positive : positive[c]!;
        f32[(at.a0 >> 2) + i] = typeof negative === "number" ? negative : negative[c]!;
      }
    }
  } else {
    f32.fill(positive, at.a1 >> 2, (at.a1 >> 2) + 4);
    f32.fill(negative, at.a0 >> 2, (at.a0 >> 2) + 4);
  }
  const stride = perClass ? -1 : 0;
  if (!batch.weights && !batch.mask) {
    if (!perClass) return 0;
    f32.fill(1, at.w >> 2, (at.w >> 2) + size);
  }
  kernel.weigh(size, at.w, at.a1, at.a0, stride, at.w1, at.w0);
  return -1;
}

/**
 * Runs a loss over a batch, chunk by chunk. Each chunk is copied in, its mask applied, its values checked and
 * its losses and gradients left at `at.loss` and `at.grad`, where `each` takes them.
 *
 * @param divisor what gradients are divided by, known at the latest when the first chunk is
 */
export function pass(
  task: string,
  form: Form,
  batch: Batch,
  divisor: (chunk: Chunk) => number,
  each: (chunk: Chunk) => void,
): void {
  const n = batch.logits.length;
  const step = form.classes > 1 && form.classes <= CHUNK ? CHUNK - (CHUNK % form.classes) : CHUNK;
  for (let from = 0; from < n; from += step) {
    const size = Math.min(step, n - from);
    copyIn(batch, from, size);
    const valid = batch.mask ? kernel.blank(size, at.mask, at.x, at.t, at.w) : size;
    kernel.survey(size, at.x, at.t, at.report);
    const { f32, i32, u32 } = views();
    const report = at.report >> 2;
    const isSoft = u32[report + 1] !== 0;
    let positives = f32[report + 2]!;
    let refused = u32[report]! >= INFINITE || (isSoft && form.soft.length === 0);
    if (isSoft && !refused) {
      kernel.surveySoft(size, at.t, at.report);
      refused = u32[report]! > ONE;
      positives = i32[report + 1]!;
    }
    if (batch.weights && kernel.gauge(size, at.w) >>> 0 > LARGEST) refused = true;
    if (refused) refuse(task, form, batch, from, size);
    const chunk = { from, size, valid, positives };
    const by = divisor(chunk);
    const single = Math.fround(by) === by;
    f32[at.op >> 2] = single ? by : 1;
    i32.set(form.fields, (at.op >> 2) + 1);
    const stride = weigh(form, batch, from, size);
    const uniform = stride === 0;
    const w1 = uniform ? at.a1 : at.w1;
    const w0 = uniform ? at.a0 : at.w0;
    for (const run of isSoft ? form.soft : [form.hard]) {
      run(size, at.x, at.t, w1, w0, stride, at.op, at.loss, at.grad);
    }
    if (!single) kernel.divide(size, at.grad, by);
    each(chunk);
  }
}

/** Copies the results of a chunk out of the arena. */
export function copyOut(out: Outputs, chunk: Pick<Chunk, "from" | "size">): void {
  const { f32 } = views();
  const { from, size } = chunk;
  out.grad?.set(f32.subarray(at.grad >> 2, (at.grad >> 2) + size), from);
  out.losses?.set(f32.subarray(at.loss >> 2, (at.loss >> 2) + size), from);
}

/** The parameter words of a kernel from float32 values. */
export function floats(...values: number[]): Int32Array {
  return new Int32Array(Float32Array.from(values).buffer);
}

/** A loss parameter that may be given per class, checked. */
export function perClass(
  task: string,
  name: string,
  value: unknown,
  classes: unknown,
  min: number,
  max: number,
): PerClass {
  if (typeof value === "number") {
    if (!(value >= min && value <= max)) {
      throw new RangeError(`Cannot ${task}: expected ${name} in [${min}, ${max}], got ${value}`);
    }
    return value;
  }
  if (!ArrayBuffer.isView(value)) {
    throw new TypeError(
      `Cannot ${task}: expected ${name} as a number or a Float32Array, got ${describe(value)}`,
    );
  }
  array<Float32Array>(task, name, value, ["Float32Array"]);
  if (classes === undefined) {
    throw new TypeError(`Cannot ${task}: expected classes beside a ${name} per class, got undefined`);
  }
  if (value.length !== classes) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} for ${classes} classes, got ${value.length} values`,
    );
  }
  const bad = value.findIndex((v) => !(v >= min && v <= max));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot ${task}: expected ${name} in [${min}, ${max}], got ${value[bad]} at index ${bad}`,
    );
  }
  return value.slice();
}
