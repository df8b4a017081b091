/** The kinds of losses: which files they read, and what all of a kind take. */
import { classes, type Domain, divisor, label, oneOf } from "./domains.ts";
import type { Role } from "./source.ts";

export type Parameters = Record<string, Domain>;

/** Losses with the same inputs. */
export interface Family {
  name: string;
  /** What stands over them in a list. */
  about: string;
  /** The files that are read; the first two have to be there. */
  inputs: readonly Role[];
  /** Of those, the ones with a value for each class of a row. */
  perClass: readonly Role[];
  /** What a loss is of. The classes of rows have to be known; the scores of pairs are in memory as a whole. */
  unit: "element" | "row" | "pair";
  /** What all of them take. */
  shared: Parameters;
}

const reduced = { reduction: oneOf("mean", "sum", "none"), normalizer: divisor };
const labelled = { classes: classes(2 ** 25), "ignore-index": label };
const counted = { convention: oneOf("paper", "mmdet") };
const ELEMENTS: readonly Role[] = ["logits", "targets", "mask", "weights"];

export const POINTWISE: Family = {
  name: "pointwise",
  about: "a target for each logit",
  inputs: ELEMENTS,
  perClass: ELEMENTS,
  unit: "element",
  shared: reduced,
};

export const ROWS: Family = {
  name: "rows",
  about: "a label for each row of logits",
  inputs: ["logits", "labels", "mask", "weights"],
  perClass: ["logits"],
  unit: "row",
  shared: { ...labelled, ...reduced },
};

export const HARMONIZED: Family = {
  name: "harmonized",
  about: "a target for each logit, weights from the density of gradient norms",
  inputs: ["logits", "targets", "mask"],
  perClass: [],
  unit: "element",
  shared: counted,
};

export const HARMONIZED_ROWS: Family = {
  name: "harmonized rows",
  about: "labels of rows, weights from the density of gradient norms",
  inputs: ["logits", "labels", "mask"],
  perClass: ["logits"],
  unit: "row",
  shared: { ...labelled, ...counted },
};

export const COUPLED: Family = {
  name: "batch-coupled",
  about: "labels of rows, one loss for all of them",
  inputs: ["logits", "labels", "mask"],
  perClass: ["logits"],
  unit: "row",
  shared: {},
};

export const PAIRS: Family = {
  name: "pairs",
  about: "pairs (preferred, other) of items with a score each",
  inputs: ["scores", "pairs", "mask", "weights", "groups"],
  perClass: [],
  unit: "pair",
  shared: {},
};
