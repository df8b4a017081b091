import { choice, flag, integer, number } from "../check.ts";
import type { AverageOptions, Convention } from "./average.ts";

export interface GhmOptions {
  /** Unit regions of [0, 1]: a whole number from 1 to 256; default 30 for classification, 10 for regression. */
  readonly bins?: number | undefined;
  /** `"paper"` (default) or `"mmdet"`, see docs/losses.md. */
  readonly convention?: Convention | undefined;
}

/** Options of a single batch. */
export interface GhmBatchOptions extends Omit<GhmOptions, "bins"> {
  /** As in `GhmOptions`, or `"auto"`: as many as balance bias and noise of the density, see docs/density.md. */
  readonly bins?: number | "auto" | undefined;
  /** One byte per sample; where it is 0 the sample does not exist. */
  readonly mask?: Uint8Array | undefined;
}

export interface GhmStateOptions extends GhmOptions {
  /** How much of the average a batch keeps, in [0, 1); default 0.75, for regression 0.7. */
  readonly momentum?: number | undefined;
  /** Divides the average by 1 - momentum^t; default true for `"paper"`, false for `"mmdet"`. */
  readonly biasCorrection?: boolean | undefined;
  /** Largest weight beta of a sample, > 0; default none. */
  readonly maxWeight?: number | undefined;
}

const CONVENTIONS = ["paper", "mmdet"] as const;

function given<T>(value: T | undefined, otherwise: T): T {
  return value === undefined ? otherwise : value;
}

/** Checks the values of the options of a histogram; without an average nothing is kept of earlier batches. */
export function readOptions(
  defaults: { readonly bins: number; readonly momentum: number },
  task: string,
  options: GhmStateOptions,
  averaged: boolean,
): AverageOptions {
  const { bins, momentum, convention, biasCorrection, maxWeight } = options;
  const checked = choice(task, "convention", given(convention, "paper"), CONVENTIONS);
  const keep = number(task, "momentum", given(momentum, averaged ? defaults.momentum : 0), 0, 1);
  if (keep === 1) throw new RangeError(`Cannot ${task}: expected momentum in [0, 1), got 1`);
  return {
    bins: integer(task, "bins", given(bins, defaults.bins), 1, 256),
    momentum: keep,
    convention: checked,
    biasCorrection: flag(task, "biasCorrection", given(biasCorrection, checked === "paper")),
    maxWeight: number(task, "maxWeight", given(maxWeight, Infinity), 0, Infinity, true),
  };
}
