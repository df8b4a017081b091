/** The losses that the command line knows: one row each. */
import {
  asl1,
  asymmetric,
  asymmetricSingleLabel,
  bce,
  drLoss,
  focal,
  focalStar,
  ghmc,
  ghmcSoftmax,
  ghmr,
  hardTruncation,
  pairwise,
  smoothL1,
  softmaxCrossEntropy,
  softmaxFocal,
  softmaxFocalStar,
  softmaxHardTruncation,
  softmaxSoftTruncation,
  softTruncation,
} from "../mod.ts";
import {
  balance,
  bend,
  between,
  classes,
  divisor,
  exponent,
  flag,
  noWeight,
  oneOf,
  regions,
  share,
  size,
  steepness,
  weight,
} from "./domains.ts";
import { COUPLED, PAIRS } from "./family.ts";
import { density, ofRows, pointwise, type Row, row, rowDensity, rows } from "./kinds.ts";
import { type Items, paired } from "./pairs.ts";
import { coupled } from "./passes.ts";

const NO_ITEMS: Items = { scores: new Float32Array(0), grouped: false };
const columns = classes(2 ** 31 - 1);

export const LOSSES: Record<string, Row> = {
  bce: pointwise("cross-entropy", bce, { "pos-weight": weight(1), classes: columns }),
  focal: pointwise("cross-entropy that fades as a prediction becomes easy", focal, {
    alpha: balance(0.25),
    gamma: exponent(2),
    classes: columns,
  }),
  focalStar: pointwise("cross-entropy of a steeper, shifted logit", focalStar, {
    alpha: balance(null),
    gamma: between(2, 0.001, 1000),
    beta: between(1, -1000, 1000),
    classes: columns,
  }),
  hardTruncation: pointwise("cross-entropy that stops at a probability", hardTruncation, {
    margin: { ...share(0.5), minExcluded: true },
  }),
  softTruncation: pointwise("cross-entropy that stops softly", softTruncation, { k: steepness }),
  asymmetric: pointwise("positives and negatives fade by exponents of their own", asymmetric, {
    "gamma-pos": exponent(0),
    "gamma-neg": exponent(4),
    clip: { default: 0.05, also: 0, min: 1e-30, max: 1, maxExcluded: true },
    "detach-focus": flag,
  }),
  smoothL1: pointwise("of predictions: a parabola, then lines", smoothL1, { beta: size(1) }),
  asl1: pointwise("of predictions: smooth everywhere", asl1, { mu: bend }),
  softmaxCrossEntropy: rows("cross-entropy of a row", softmaxCrossEntropy, { "label-smoothing": share(0) }),
  softmaxFocal: rows("focal of a row, weighted by its label", softmaxFocal, {
    alpha: noWeight,
    gamma: exponent(2),
  }),
  softmaxFocalStar: rows("cross-entropy of a steeper, shifted margin", softmaxFocalStar, {
    alpha: noWeight,
    gamma: between(2, 0.001, 1000),
    beta: between(1, -1000, 1000),
  }),
  softmaxHardTruncation: rows("cross-entropy of the rows that are not learnt", softmaxHardTruncation, {
    margin: { ...share(0.5), minExcluded: true },
  }),
  softmaxSoftTruncation: rows("cross-entropy that stops where the label has won", softmaxSoftTruncation, {
    k: steepness,
    form: oneOf("margin", "rival"),
  }),
  asymmetricSingleLabel: rows("label and other classes fade by their own exponents", asymmetricSingleLabel, {
    "gamma-pos": exponent(0),
    "gamma-neg": exponent(4),
    "label-smoothing": share(0.1),
  }),
  ghmc: density("cross-entropy", ghmc, { bins: regions(30) }),
  ghmcSoftmax: rowDensity("cross-entropy of a row", ghmcSoftmax, { bins: regions(30) }),
  ghmr: density("of predictions: asl1", ghmr, { mu: bend, bins: regions(10) }),
  drLoss: row(
    "the hardest negatives stay below the hardest positives",
    COUPLED,
    {
      classes: classes(2 ** 24),
      "lambda-pos": between(1, 1e-6, Number.MAX_VALUE),
      "lambda-neg": between(0.07982356001479281, 1e-6, Number.MAX_VALUE),
      scale: between(6, 1e-6, 1e6),
      tau: between(4, 0, 1e6),
      margin: between(0.5, -1e6, 1e6),
    },
    (options) => coupled(drLoss, options, ofRows),
  ),
  pairwise: row(
    "the preferred item is to have the higher score",
    PAIRS,
    {
      kind: oneOf("bpr", "focal", "ghm"),
      gamma: { ...exponent(2), beside: { kind: "focal" } },
      bins: { ...regions(30), beside: { kind: "ghm" } },
      convention: { ...oneOf("paper", "mmdet"), beside: { kind: "ghm" } },
      reduction: oneOf("mean", "sum", "none"),
      normalizer: { ...divisor, words: ["count"] },
    },
    (options, items = NO_ITEMS) => paired(pairwise, options, items),
  ),
};
