import { at } from "../arena.ts";
import { options as checkOptions, outputs as checkOutputs } from "../check.ts";
import type { IntoResult, LossResult, Reduced } from "../define.ts";
import type { Outputs } from "../stream/batch.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { type Counts, LossStream, normalize, type Reduction } from "../stream/loss-stream.ts";
import { type Call, listed, type Reader, type ReductionOptions, readCall } from "../stream/options.ts";
import type { Row } from "../stream/rows.ts";
import { kernel } from "../wasm/kernel.ts";
import { rowCensus } from "./admit.ts";
import { checkClasses, checkRows, type Labels, type RowBatch, refuseRowOverflow } from "./batch.ts";
import type { RowForm } from "./form.ts";
import { checkRowGradients, copyRows, rowPass } from "./pass.ts";
import { roomsFor } from "./rooms.ts";

/** What every loss of rows must or may be told. */
export interface ClassOptions {
  /** Classes of a row. */
  readonly classes: number;
  /** The label of a row that does not exist; default -100. */
  readonly ignoreIndex?: number | undefined;
}

/** Options of a batch of rows. */
export interface RowBatchOptions {
  /** One byte per row; where it is 0 the row does not exist. */
  readonly mask?: Uint8Array | undefined;
  /** One factor per row, finite and >= 0; default 1. */
  readonly rowWeights?: Float32Array | undefined;
}

export interface RowOptions<R extends Reduction = Reduction>
  extends ClassOptions,
    ReductionOptions<R>,
    RowBatchOptions {}

/** A mergeable loss of rows that arrive in pieces; it counts rows. */
export type RowStream = LossStream<Labels, RowBatchOptions>;

/** A loss of rows `[rows, classes]` with one label each. `P` are its own parameters. */
export interface RowLoss<P> {
  <R extends Reduction = "mean">(
    logits: Float32Array,
    labels: Labels,
    options: P & RowOptions<R>,
  ): Reduced<R>;
  /** The same without allocation: gradients and row losses go to arrays of the caller. No `grad`: loss only. */
  into(
    out: { grad?: Float32Array | undefined; losses?: Float32Array | undefined },
    logits: Float32Array,
    labels: Labels,
    options: P & RowOptions,
  ): IntoResult;
  /** A mergeable loss over rows that arrive in pieces. */
  stream(options: P & ClassOptions & ReductionOptions): RowStream;
  /** A stream from the bytes of `save`. */
  load(bytes: Uint8Array): RowStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options: P & ClassOptions & ReductionOptions): RowStream;
}

/** What a loss of rows is made of: its parameters' defaults, and the form but for classes and ignored label. */
export interface RowDefinition<P> {
  readonly name: string;
  readonly defaults: Required<{ [K in keyof P]: unknown }>;
  form(
    task: string,
    parameters: Record<string, unknown>,
    classes: number,
  ): Omit<RowForm, "name" | "classes" | "ignoreIndex">;
}

function addLosses(task: string, batch: RowBatch, from: number, rows: number, losses: number): void {
  if (kernel.sum(rows, losses, at.words) >>> 0 >= 0x7f800000)
    refuseRowOverflow(task, batch, losses, from, rows);
}

/** How a stream of a loss of rows takes in a chunk. */
function adder(form: RowForm) {
  return (task: string, logits: Float32Array, labels: Labels, options?: RowBatchOptions): Counts => {
    checkOptions(task, options, ["mask", "rowWeights"]);
    const batch = checkRows(task, form.classes, logits, labels, options?.mask, options?.rowWeights, {});
    const counts = { count: 0, positives: 0 };
    clear(at.words, DIGITS);
    rowPass(
      task,
      form,
      batch,
      false,
      () => 1,
      (chunk) => {
        addLosses(task, batch, chunk.from, chunk.rows, chunk.losses);
        counts.count += chunk.valid;
        counts.positives += chunk.positives;
      },
    );
    return counts;
  };
}

/** One batch, reduced. */
function run(task: string, call: Call<RowForm>, batch: RowBatch, out: Outputs): IntoResult {
  const { form, reduction, normalizer } = call;
  // Rooms are laid out for a row at least, however many classes it has.
  if (batch.labels.length === 0) return { loss: 0, count: 0 };
  let by = reduction === "mean" ? 0 : 1;
  if (reduction === "mean" && typeof normalizer === "number") by = normalizer;
  else if (
    reduction === "mean" &&
    batch.labels.length > roomsFor(form.classes, form.second !== undefined).rows
  ) {
    const { valid, positives } = rowCensus(form, batch);
    by = normalize(normalizer, valid, positives);
  }
  let count = 0;
  clear(at.words, DIGITS);
  rowPass(
    task,
    form,
    batch,
    out.grad !== undefined,
    (valid, positives) => {
      if (by === 0) by = normalize(normalizer, valid, positives);
      return by;
    },
    (chunk) => {
      addLosses(task, batch, chunk.from, chunk.rows, chunk.losses);
      if (out.grad) checkRowGradients(task, batch, form, chunk);
      count += chunk.valid;
      copyRows(out, form.classes, chunk);
    },
  );
  return { loss: kernel.total(at.words) / (by || 1), count };
}

/** Options in the order in which a saved state lists them, and how they become a form. */
function reader<P extends object>(definition: RowDefinition<P>): Reader<RowForm> {
  return {
    name: definition.name,
    defaults: { ...definition.defaults, classes: undefined, ignoreIndex: -100 },
    form(task, parameters) {
      const { classes, ignoreIndex } = checkClasses(task, parameters);
      const { margin, fields, share, second, alpha } = definition.form(task, parameters, classes);
      return { name: definition.name, margin, fields, share, second, alpha, classes, ignoreIndex };
    },
  };
}

/** Makes a loss of rows out of its definition: the one-shot function, `into`, `stream`, `load` and `fromRows`. */
export function defineRows<P extends object>(definition: RowDefinition<P>): RowLoss<P> {
  const { name } = definition;
  const compute = `compute ${name}`;
  const read = reader(definition);
  const streamKeys = [...Object.keys(read.defaults), "reduction", "normalizer"];
  const callKeys = [...streamKeys, "mask", "rowWeights"];

  function makeStream(task: string, options: object | undefined): RowStream {
    const { form, header, reduction, normalizer } = readCall(read, task, options, streamKeys);
    const intake = { name, add: adder(form) };
    return new LossStream(intake, header(), reduction, normalizer);
  }

  const loss = (logits: Float32Array, labels: Labels, options: P & RowOptions): LossResult => {
    const call = readCall(read, compute, options, callKeys);
    const { mask, rowWeights } = options;
    const batch = checkRows(compute, call.form.classes, logits, labels, mask, rowWeights, {});
    const grad = new Float32Array(logits.length);
    const losses = call.reduction === "none" ? new Float32Array(labels.length) : undefined;
    const result = run(compute, call, batch, { grad, losses });
    return { loss: result.loss, grad, count: result.count, ...(losses && { losses }) };
  };
  const facets: object = {
    into(out, logits, labels, options) {
      checkOutputs(compute, out, ["grad", "losses"]);
      const call = readCall(read, compute, options, callKeys);
      const { mask, rowWeights } = options;
      return run(
        compute,
        call,
        checkRows(compute, call.form.classes, logits, labels, mask, rowWeights, out),
        out,
      );
    },
    stream: (options) => makeStream(`stream ${name}`, options),
    load: (bytes) =>
      LossStream.restore(`load a ${name} stream`, name, bytes, (saved) =>
        makeStream(`load a ${name} stream`, listed(saved)),
      ),
    fromRows: (rows, options) =>
      LossStream.fill(makeStream(`read rows of ${name}`, options), `read rows of ${name}`, rows),
  } as RowLoss<P>;
  return Object.defineProperty(Object.assign(loss, facets), "name", { value: name }) as RowLoss<P>;
}

export { choice, number } from "../check.ts";
export { float, type PerClass, perClass } from "../stream/form.ts";
export { kernel } from "../wasm/kernel.ts";
