import { views } from "../arena.ts";
import { array, disjoint, integer } from "../check.ts";
import type { Outputs } from "../stream/batch.ts";
import type { RowForm } from "./form.ts";

/** Class indices, one per row. */
export type Labels = Int32Array | Uint8Array | Uint16Array;

/** What every loss of rows must or may be told, checked. */
export function checkClasses(
  task: string,
  parameters: Record<string, unknown>,
): Pick<RowForm, "classes" | "ignoreIndex"> {
  return {
    classes: integer(task, "classes", parameters.classes, 1, 2 ** 25),
    ignoreIndex: integer(task, "ignoreIndex", parameters.ignoreIndex, -(2 ** 31), 2 ** 31 - 1),
  };
}

/** The arrays of one call, checked: lengths that fit, right kinds, no partial overlap. */
export interface RowBatch {
  readonly logits: Float32Array;
  readonly labels: Labels;
  readonly mask: Uint8Array | undefined;
  readonly weights: Float32Array | undefined;
}

function rowCount(task: string, name: string, got: number, rows: number): void {
  if (got !== rows)
    throw new RangeError(`Cannot ${task}: expected ${rows} ${name}, one for each row, got ${got}`);
}

export function checkRows(
  task: string,
  classes: number,
  logits: unknown,
  labels: unknown,
  mask: unknown,
  weights: unknown,
  out: Outputs,
): RowBatch {
  array<Float32Array>(task, "logits", logits, ["Float32Array"]);
  array<Labels>(task, "labels", labels, ["Int32Array", "Uint8Array", "Uint16Array"]);
  const n = logits.length;
  if (n % classes !== 0) {
    throw new RangeError(`Cannot ${task}: expected a multiple of ${classes} classes, got ${n} logits`);
  }
  const rows = n / classes;
  rowCount(task, "labels", labels.length, rows);
  if (mask !== undefined) {
    array<Uint8Array>(task, "mask", mask, ["Uint8Array"]);
    rowCount(task, "mask bytes", mask.length, rows);
  }
  if (weights !== undefined) {
    array<Float32Array>(task, "rowWeights", weights, ["Float32Array"]);
    rowCount(task, "rowWeights", weights.length, rows);
  }
  if (out.grad !== undefined) {
    array<Float32Array>(task, "grad", out.grad, ["Float32Array"]);
    if (out.grad.length !== n) {
      throw new RangeError(
        `Cannot ${task}: expected ${n} elements of grad, one for each logit, got ${out.grad.length}`,
      );
    }
  }
  if (out.losses !== undefined) {
    array<Float32Array>(task, "losses", out.losses, ["Float32Array"]);
    rowCount(task, "elements of losses", out.losses.length, rows);
  }
  disjoint(
    task,
    [
      ["grad", out.grad],
      ["losses", out.losses],
      ["logits", logits],
      ["labels", labels],
      ["mask", mask],
      ["rowWeights", weights],
    ],
    2,
  );
  return { logits, labels, mask, weights };
}

/** Whether a row does not exist. */
export function isIgnored(batch: RowBatch, ignoreIndex: number, row: number): boolean {
  return batch.labels[row] === ignoreIndex || batch.mask?.[row] === 0;
}

/** Throws for the first value of some rows that no loss is defined for. */
export function refuseRows(task: string, form: RowForm, batch: RowBatch, from: number, rows: number): never {
  const { classes, ignoreIndex } = form;
  for (let r = from; r < from + rows; r++) {
    if (isIgnored(batch, ignoreIndex, r)) continue;
    const label = batch.labels[r]!;
    if (!(label >= 0 && label < classes)) {
      throw new RangeError(
        `Cannot ${task}: expected labels in [0, ${classes - 1}] or ignoreIndex ${ignoreIndex}, got ${label} at row ${r}`,
      );
    }
    const w = batch.weights?.[r] ?? 1;
    if (!(w >= 0 && w < Infinity)) {
      throw new RangeError(`Cannot ${task}: expected finite rowWeights >= 0, got ${w} at index ${r}`);
    }
    for (let i = r * classes; i < (r + 1) * classes; i++) {
      const x = batch.logits[i]!;
      if (Number.isFinite(x) || (x === -Infinity && i !== r * classes + label)) continue;
      const excluded = x === -Infinity ? " for a label" : " (or -Infinity for a class that is not the label)";
      throw new RangeError(`Cannot ${task}: expected finite logits${excluded}, got ${x} at index ${i}`);
    }
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Throws for the first row of a chunk whose loss at `address`, or one of whose `each` gradients there, is not finite. */
export function refuseRowOverflow(
  task: string,
  batch: RowBatch,
  address: number,
  from: number,
  rows: number,
  what = "weighted losses",
  each = 1,
): never {
  const results = views().f32.subarray(address >>> 2, (address >>> 2) + rows * each);
  const row = from + Math.floor(results.findIndex((result) => !Number.isFinite(result)) / each);
  throw new RangeError(
    `Cannot ${task}: expected ${what} that a float32 can hold, got an overflow at row ${row} ` +
      `(label ${batch.labels[row]}, weight ${batch.weights?.[row] ?? 1})`,
  );
}
