/** The losses that the command line knows: one row each. */
import {
  asl1,
  asymmetric,
  bce,
  focal,
  focalStar,
  type Ghm,
  ghmc,
  ghmr,
  hardTruncation,
  smoothL1,
  softTruncation,
} from "../mod.ts";
import {
  type Given,
  orNone,
  type Read,
  readFlag,
  readNumber,
  readPerClass,
  readWord,
  readWordOrNumber,
} from "./options.ts";
import type { Batch } from "./source.ts";

/** A parameter of a loss as an option: its name there, and how its text is read. */
interface Parameter {
  key: string;
  takes: string;
  help: string;
  read: Read;
}

/** Everything that any loss takes, by option name. */
export const PARAMETERS: Record<string, Parameter> = {
  gamma: {
    key: "gamma",
    takes: "NUMBER",
    help: "exponent of focal, slope of focalStar (2)",
    read: readNumber,
  },
  alpha: {
    key: "alpha",
    takes: "A|A,B,..|none",
    help: "weight of positives in focal, focalStar",
    read: orNone(readPerClass),
  },
  "pos-weight": {
    key: "posWeight",
    takes: "W|W,V,..",
    help: "weight of positives in bce (1)",
    read: readPerClass,
  },
  beta: {
    key: "beta",
    takes: "NUMBER",
    help: "smoothL1: division point; focalStar: shift (1)",
    read: readNumber,
  },
  margin: { key: "margin", takes: "P", help: "where hardTruncation stops (0.5)", read: readNumber },
  k: { key: "k", takes: "NUMBER", help: "steepness of softTruncation (1)", read: readNumber },
  "gamma-pos": {
    key: "gammaPos",
    takes: "NUMBER",
    help: "exponent of positives, asymmetric (0)",
    read: readNumber,
  },
  "gamma-neg": {
    key: "gammaNeg",
    takes: "NUMBER",
    help: "exponent of negatives, asymmetric (4)",
    read: readNumber,
  },
  clip: {
    key: "clip",
    takes: "P",
    help: "what asymmetric takes off p (0.05)",
    read: readNumber,
  },
  "detach-focus": {
    key: "detachFocus",
    takes: "true|false",
    help: "asymmetric: constant factors (false)",
    read: readFlag,
  },
  mu: { key: "mu", takes: "NUMBER", help: "bend of asl1 and ghmr (0.02)", read: readNumber },
  classes: { key: "classes", takes: "N", help: "classes per row, for one value per class", read: readNumber },
  bins: { key: "bins", takes: "N", help: "unit regions of ghmc (30), ghmr (10)", read: readNumber },
  convention: { key: "convention", takes: "paper|mmdet", help: "form of ghmc, ghmr (paper)", read: readWord },
  reduction: { key: "reduction", takes: "mean|sum|none", help: "of the other losses (mean)", read: readWord },
  normalizer: {
    key: "normalizer",
    takes: "count|positives|X",
    help: "what mean divides by (count)",
    read: readWordOrNumber,
  },
};

/** What a run over all chunks came to. `loss` is what the gradient is the gradient of. */
export interface Totals {
  loss: number;
  count: number;
  positives: number;
  [more: string]: unknown;
}

/** A loss under way: all chunks once for the totals, then any chunk again for its gradient. */
export interface Run {
  update(batch: Batch): void;
  totals(): Totals;
  grad(batch: Batch): Float32Array;
}

interface Row {
  parameters: readonly string[];
  /** Whether it takes weights. */
  weighted: boolean;
  begin(options: Record<string, unknown>): Run;
}

/** What is common to the pointwise losses of the library. */
interface Pointwise {
  into(
    out: { grad: Float32Array },
    logits: Float32Array,
    targets: Batch["targets"],
    options: object,
  ): unknown;
  stream(options: object): {
    update(logits: Float32Array, targets: Batch["targets"], options: object): unknown;
    result(): { loss: number; sum: number; count: number; positives: number };
  };
}

function pointwise(loss: Pointwise, parameters: readonly string[]): Row {
  const begin = (options: Record<string, unknown>): Run => {
    const stream = loss.stream(options);
    // A chunk's own count is not what a mean divides by: the gradient needs the totals first.
    const normalizer = (): unknown => {
      if (typeof options.normalizer === "number") return options.normalizer;
      const { count, positives } = stream.result();
      return Math.max(1, options.normalizer === "positives" ? positives : count);
    };
    return {
      update: ({ logits, targets, mask, weights }) => stream.update(logits, targets, { mask, weights }),
      totals: () => {
        const { loss: value, sum, count, positives } = stream.result();
        return { loss: value, count, positives, sum, mean: count > 0 ? sum / count : 0 };
      },
      grad: ({ logits, targets, mask, weights }) => {
        const grad = new Float32Array(logits.length);
        loss.into({ grad }, logits, targets, { ...options, normalizer: normalizer(), mask, weights });
        return grad;
      },
    };
  };
  return { parameters: [...parameters, "reduction", "normalizer"], weighted: true, begin };
}

function harmonized(ghm: Pick<Ghm<object>, "stream">, parameters: readonly string[]): Row {
  const begin = (options: Record<string, unknown>): Run => {
    const stream = ghm.stream(options);
    let positives = 0;
    return {
      update: ({ logits, targets, mask }) => {
        stream.update(logits, targets, { mask });
        for (let i = 0; i < targets.length; i++) if (targets[i] > 0.5 && mask?.[i] !== 0) positives++;
      },
      totals: () => {
        const { loss, meanLoss, count, histogram } = stream.result();
        const { bins, counts, lossSums } = histogram;
        return {
          loss,
          count,
          positives,
          meanLoss,
          histogram: { bins, counts: Array.from(counts), lossSums: Array.from(lossSums) },
        };
      },
      grad: ({ logits, targets, mask }) => stream.grad(logits, targets, { mask }),
    };
  };
  return { parameters: [...parameters, "bins", "convention"], weighted: false, begin };
}

export const LOSSES: Record<string, Row> = {
  bce: pointwise(bce, ["pos-weight", "classes"]),
  focal: pointwise(focal, ["alpha", "gamma", "classes"]),
  focalStar: pointwise(focalStar, ["alpha", "gamma", "beta", "classes"]),
  hardTruncation: pointwise(hardTruncation, ["margin"]),
  softTruncation: pointwise(softTruncation, ["k"]),
  asymmetric: pointwise(asymmetric, ["gamma-pos", "gamma-neg", "clip", "detach-focus"]),
  ghmc: harmonized(ghmc, []),
  smoothL1: pointwise(smoothL1, ["beta"]),
  asl1: pointwise(asl1, ["mu"]),
  ghmr: harmonized(ghmr, ["mu"]),
};

/** The options of a loss from the command line's; a parameter that the loss does not have is refused. */
export function lossOptions(task: string, name: string, given: Given): Record<string, unknown> {
  const { parameters, weighted } = LOSSES[name];
  const options: Record<string, unknown> = {};
  for (const [option, text] of Object.entries(given)) {
    const parameter = PARAMETERS[option];
    if (option === "weights" ? !weighted : parameter && !parameters.includes(option)) {
      const known = parameters.map((one) => `--${one}`).join(", ");
      throw new TypeError(`Cannot ${task}: expected options of ${name} (${known}), got --${option}`);
    }
    if (parameter) options[parameter.key] = parameter.read(task, option, text!);
  }
  return options;
}
