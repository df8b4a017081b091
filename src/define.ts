import { at, CHUNK } from "./arena.ts";
import { options as checkOptions, outputs as checkOutputs, integer } from "./check.ts";
import { type Batch, checkBatch, inputsOf, type Outputs, refuseOverflow } from "./stream/batch.ts";
import { clear, DIGITS } from "./stream/exact-sum.ts";
import type { Form } from "./stream/form.ts";
import {
  type BatchOptions,
  type Counts,
  LossStream,
  normalize,
  type Reduction,
} from "./stream/loss-stream.ts";
import { type Call, listed, type ReductionOptions, readCall } from "./stream/options.ts";
import { addLosses, census, checkGradients, copyOut, pass } from "./stream/pass.ts";
import type { Row } from "./stream/rows.ts";
import { kernel } from "./wasm/kernel.ts";

/** Options of every loss. */
export interface SharedOptions<R extends Reduction = Reduction> extends ReductionOptions<R>, BatchOptions {}

export interface LossResult {
  /** The reduced loss. */
  loss: number;
  /** d loss / d logits, one float32 per logit. */
  grad: Float32Array;
  /** Valid elements. */
  count: number;
  /** The weighted element losses, for `reduction: "none"`. */
  losses?: Float32Array;
}

/**
 * What a call returns, `R` being its reduction. Not overloads: a union of losses, such as `easy ? bce : focal`, could
 * not be called then.
 */
export type Reduced<R, Result = LossResult> = [R] extends ["none"]
  ? Result & { losses: Float32Array }
  : Result;

export interface IntoResult {
  loss: number;
  count: number;
}

/** A pointwise loss: a function with facets. `P` are its own parameters. */
export interface PointwiseLoss<P> {
  <R extends Reduction = "mean">(
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: P & SharedOptions<R>,
  ): Reduced<R>;
  /**
   * The same without allocation: gradients and element losses go to arrays of the caller. No `grad`: loss only.
   * Outputs may be the very arrays of the inputs; a partial overlap is refused.
   */
  into(
    out: { grad?: Float32Array | undefined; losses?: Float32Array | undefined },
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: P & SharedOptions,
  ): IntoResult;
  /** A mergeable loss over data that arrives in pieces. */
  stream(options?: P & ReductionOptions): LossStream;
  /** A stream from the bytes of `save`. */
  load(bytes: Uint8Array): LossStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options?: P & ReductionOptions): LossStream;
}

/** What a loss is made of. */
export interface Definition<P> {
  readonly name: string;
  /** The parameters' names and defaults, in the order in which a saved state lists them. */
  readonly defaults: Required<{ [K in keyof P]: unknown }>;
  /** Checks the parameters and sets up the kernel. */
  form(task: string, parameters: Record<string, unknown>): Form;
}

/** How a stream of a pointwise loss takes in a chunk. */
function adder(form: Form) {
  return (
    task: string,
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: BatchOptions,
  ): Counts => {
    checkOptions(task, options, ["mask", "weights"]);
    const batch = checkBatch(
      task,
      logits,
      targets,
      options?.mask,
      options?.weights,
      form.classes,
      {},
      inputsOf(form),
    );
    const counts = { count: 0, positives: 0 };
    clear(at.words, DIGITS);
    pass(
      task,
      form,
      batch,
      () => 1,
      (chunk) => {
        if (!addLosses(chunk)) refuseOverflow(task, batch, chunk.from, chunk.size);
        counts.count += chunk.valid;
        counts.positives += chunk.positives();
      },
      false,
    );
    return counts;
  };
}

/** Makes a loss out of its definition: the one-shot function, `into`, `stream`, `load` and `fromRows`. */
export function defineLoss<P extends object>(definition: Definition<P>): PointwiseLoss<P> {
  const { name, defaults } = definition;
  const compute = `compute ${name}`;
  const own = Object.keys(defaults);
  const streamKeys = [...own, "reduction", "normalizer"];
  const callKeys = [...streamKeys, "mask", "weights"];

  const read = (task: string, options: object | undefined, known: readonly string[]): Call<Form> =>
    readCall(definition, task, options, known);

  function run(call: Call<Form>, batch: Batch, out: Outputs): IntoResult {
    const { form, reduction, normalizer } = call;
    const many = batch.logits.length > CHUNK;
    const mean = reduction === "mean";
    let by = mean && typeof normalizer === "number" ? normalizer : 0;
    if (mean && many && typeof normalizer !== "number") {
      const unmasked = !batch.mask && normalizer === "count";
      const { valid, positives } = unmasked ? { valid: batch.logits.length, positives: 0 } : census(batch);
      by = normalize(normalizer, valid, positives);
    } else if (!mean) {
      by = 1;
    }
    let count = 0;
    clear(at.words, DIGITS);
    pass(
      compute,
      form,
      batch,
      (chunk) => {
        if (by === 0)
          by = normalize(normalizer, chunk.valid, normalizer === "positives" ? chunk.positives() : 0);
        return by;
      },
      (chunk) => {
        if (!addLosses(chunk)) refuseOverflow(compute, batch, chunk.from, chunk.size);
        if (out.grad) checkGradients(compute, batch, chunk);
        count += chunk.valid;
        copyOut(out, chunk);
      },
      out.losses !== undefined,
    );
    return { loss: kernel.total(at.words) / (by || 1), count };
  }

  function makeStream(task: string, options: object | undefined): LossStream {
    const { form, header, reduction, normalizer } = read(task, options, streamKeys);
    const intake = { name, add: adder(form) };
    return new LossStream(intake, header(), reduction, normalizer);
  }

  const loss = (
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: P & SharedOptions,
  ): LossResult => {
    const call = read(compute, options, callKeys);
    const batch = checkBatch(
      compute,
      logits,
      targets,
      options?.mask,
      options?.weights,
      call.form.classes,
      {},
      inputsOf(call.form),
    );
    const grad = new Float32Array(logits.length);
    const losses = call.reduction === "none" ? new Float32Array(logits.length) : undefined;
    const result = run(call, batch, { grad, losses });
    return { loss: result.loss, grad, count: result.count, ...(losses && { losses }) };
  };
  const facets: object = {
    into(out, logits, targets, options) {
      checkOutputs(compute, out, ["grad", "losses"]);
      const call = read(compute, options, callKeys);
      const batch = checkBatch(
        compute,
        logits,
        targets,
        options?.mask,
        options?.weights,
        call.form.classes,
        out,
        inputsOf(call.form),
      );
      return run(call, batch, out);
    },
    stream: (options) => makeStream(`stream ${name}`, options),
    load: (bytes) =>
      LossStream.restore(`load a ${name} stream`, name, bytes, (saved) =>
        makeStream(`load a ${name} stream`, listed(saved)),
      ),
    fromRows: (rows, options) =>
      LossStream.fill(makeStream(`read rows of ${name}`, options), `read rows of ${name}`, rows),
  } as PointwiseLoss<P>;
  return Object.defineProperty(Object.assign(loss, facets), "name", { value: name }) as PointwiseLoss<P>;
}

export { flag, number } from "./check.ts";
export { asl1Form } from "./stream/asl1.ts";
export { type Form, float, type PerClass, perClass } from "./stream/form.ts";
export type { ReductionOptions } from "./stream/options.ts";
export { kernel } from "./wasm/kernel.ts";

/** The `classes` option: how many classes a row of a multi-label batch has; 1 where it is not given. */
export function classesOf(task: string, value: unknown): number {
  return value === undefined ? 1 : integer(task, "classes", value, 1, 2 ** 31 - 1);
}
