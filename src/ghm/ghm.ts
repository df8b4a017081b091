import { options as checkOptions, picked } from "../check.ts";
import type { Row } from "../stream/rows.ts";
import { binsOf } from "./auto.ts";
import { Average } from "./average.ts";
import { type Base, setUp } from "./base.ts";
import type { Targets } from "./elements.ts";
import { exact, type GhmExactOptions, type GhmExactResult } from "./exact.ts";
import type { GhmBatchOptions, GhmOptions, GhmStateOptions } from "./options.ts";
import { type GhmResult, GhmState, step } from "./state.ts";
import { GhmStream } from "./stream.ts";

/** Options that may be left out, unless the loss's own, `P`, have one that may not. */
export type Given<P, O> = Record<never, never> extends P ? [options?: P & O] : [options: P & O];

/**
 * A gradient harmonizing mechanism: a function with facets. `P` are the parameters of the loss that it harmonizes, `T`
 * is what its inputs are held against.
 */
export interface Ghm<P, T = Targets> {
  (inputs: Float32Array, targets: T, ...options: Given<P, GhmBatchOptions>): GhmResult;
  /** A training run's state: an average of the batches' histograms. */
  create(...options: Given<P, GhmStateOptions>): GhmState<T>;
  /** A state from the bytes of its `save`. */
  loadState(bytes: Uint8Array): GhmState<T>;
  /** By the exact, sorted window density. */
  exact(inputs: Float32Array, targets: T, ...options: Given<P, GhmExactOptions>): GhmExactResult;
  /** A mergeable histogram over data that arrives in pieces. */
  stream(...options: Given<P, GhmOptions>): GhmStream<T>;
  /** A stream from the bytes of its `save`. */
  load(bytes: Uint8Array): GhmStream<T>;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], ...options: Given<P, GhmOptions>): GhmStream<T>;
}

/** Makes the one-shot function and its facets out of what is harmonized. */
export function harmonizer<P, T>(base: Base<T>): Ghm<P, T> {
  const { name } = base;
  const task = `compute ${name}`;
  const keys = [...Object.keys(base.defaults), "bins", "convention", "mask"];
  const once = (inputs: Float32Array, targets: T, options?: GhmBatchOptions): GhmResult => {
    checkOptions(task, options, keys);
    const { mask, bins, ...rest } = picked(options, keys) as GhmBatchOptions;
    const isAuto = bins === "auto";
    const { sampler, average } = setUp(base, task, isAuto ? rest : { ...rest, bins }, ["bins", "convention"]);
    const samples = sampler(task, inputs, targets, mask, {});
    const fixed = isAuto ? { ...average, bins: binsOf(task, samples) } : average;
    const grad = new Float32Array(samples.length);
    const { loss, meanLoss, count, histogram } = step(task, new Average(fixed), samples, grad);
    return { loss, grad, meanLoss, count, histogram };
  };
  const facets: Pick<Ghm<P, T>, keyof Ghm<P, T>> = {
    create: (...[options]) => GhmState.create(base, `create a ${name} state`, options as object),
    loadState: (bytes) => GhmState.load(base, bytes),
    exact: (inputs, targets, ...[options]) => exact(base, inputs, targets, options as GhmExactOptions),
    stream: (...[options]) => GhmStream.create(base, `stream ${name}`, options as object),
    load: (bytes) => GhmStream.load(base, bytes),
    fromRows: (rows, ...[options]) => GhmStream.fromRows(base, rows, options as object),
  };
  return Object.assign(Object.defineProperty(once, "name", { value: name }), facets) as Ghm<P, T>;
}
