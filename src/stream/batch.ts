import { at, views } from "../arena.ts";
import { array, disjoint, length } from "../check.ts";
import type { Form } from "./form.ts";

/** The arrays of one call, checked: same length, right kinds, no partial overlap. */
export interface Batch {
  readonly logits: Float32Array;
  readonly targets: Float32Array | Uint8Array;
  readonly mask: Uint8Array | undefined;
  readonly weights: Float32Array | undefined;
  /** What `logits` are called towards the caller. */
  readonly inputs: Inputs;
}

/** What a loss computes from: predictions of real-valued targets are not logits. */
export type Inputs = "logits" | "predictions";

export function inputsOf(form: Form): Inputs {
  return form.real ? "predictions" : "logits";
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
  inputs: Inputs = "logits",
): Batch {
  array<Float32Array>(task, inputs, logits, ["Float32Array"]);
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
    throw new RangeError(`Cannot ${task}: expected a multiple of ${classes} classes, got ${n} ${inputs}`);
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
      [inputs, logits],
      ["targets", targets],
      ["mask", mask],
      ["weights", weights],
    ],
    2,
  );
  return { logits, targets, mask, weights, inputs };
}

function isTarget({ real, soft }: Form, t: number): boolean {
  if (real) return Number.isFinite(t);
  return soft ? t >= 0 && t <= 1 : t === 0 || t === 1;
}

/** Throws for the first value of a chunk that no loss is defined for; the mask hides what it covers. */
export function refuse(task: string, form: Form, batch: Batch, from: number, size: number): never {
  const { logits, targets, mask, weights, inputs } = batch;
  for (let i = from; i < from + size; i++) {
    if (mask && mask[i] === 0) continue;
    const x = logits[i]!;
    if (!Number.isFinite(x)) {
      throw new RangeError(`Cannot ${task}: expected finite ${inputs}, got ${x} at index ${i}`);
    }
    const t = targets[i]!;
    if (!isTarget(form, t)) {
      const domain = form.real ? "finite targets" : form.soft ? "targets in [0, 1]" : "targets of 0 or 1";
      const hint = t < 0 && !form.real ? " (leave ignored elements out with mask)" : "";
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

/** Throws for the first result of the chunk in the arena that is not finite: a loss, or a gradient at another address. */
export function refuseOverflow(
  task: string,
  batch: Batch,
  from: number,
  size: number,
  what = "weighted losses",
  address: number = at.loss,
): never {
  const results = views().f32.subarray(address >>> 2, (address >>> 2) + size);
  const i = from + results.findIndex((result) => !Number.isFinite(result));
  throw new RangeError(
    `Cannot ${task}: expected ${what} that a float32 can hold, got an overflow at index ${i} ` +
      `(${batch.inputs.slice(0, -1)} ${batch.logits[i]}, target ${batch.targets[i]}, weight ${batch.weights?.[i] ?? 1})`,
  );
}
