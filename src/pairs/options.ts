import { choice, number } from "../check.ts";
import { readOptions } from "../ghm/options.ts";
import { kernelOf, powers } from "../losses/focal.ts";
import { type Call, readCall } from "../stream/options.ts";
import { kernel } from "../wasm/kernel.ts";
import type { GhmForm } from "./harmonize.ts";
import type { PairForm } from "./pass.ts";

/** Unit regions of harmonized pairs, where it is not said how many. */
export const BINS = 30;

/** Parameters of the losses and their defaults, in the order in which a saved state lists them. */
const OWN = { bpr: {}, focal: { gamma: 2 }, ghm: { bins: BINS, convention: "paper" } } as const;

type Name = keyof typeof OWN;
const LOSSES: readonly Name[] = ["bpr", "focal", "ghm"];

/** The loss that an option belongs to; all of them, where it is not listed. */
const OWNERS: Record<string, Name> = { gamma: "focal", bins: "ghm", convention: "ghm", groups: "ghm" };
const STREAM = ["loss", "gamma", "bins", "convention", "reduction", "normalizer"];

/** What comes with a piece of a stream, and with a batch. */
export const PER_PAIR: readonly string[] = ["mask", "weights"];
export const PER_BATCH: readonly string[] = ["mask", "weights", "groups"];

/** Which loss the options ask for. Options of another one are refused. */
function lossOf(task: string, options: object | undefined): Name {
  const given = (options ?? {}) as Record<string, unknown>;
  const loss = given.loss === undefined ? "bpr" : choice(task, "loss", given.loss, LOSSES);
  for (const key in OWNERS) {
    if (given[key] === undefined || OWNERS[key] === loss) continue;
    throw new TypeError(
      `Cannot ${task}: expected ${key} beside the loss "${OWNERS[key]}" alone, got it beside "${loss}"`,
    );
  }
  return loss;
}

function formOf(
  task: string,
  loss: Name,
  { gamma, bins, convention }: Record<string, unknown>,
): PairForm | GhmForm {
  if (loss === "bpr") return { margin: kernel.bceHard, fields: [] };
  if (loss === "focal") {
    const exponent = number(task, "gamma", gamma, 0, 1000);
    return { margin: kernelOf(exponent), fields: powers(exponent) };
  }
  const isAuto = bins === "auto";
  const given = { bins: isAuto ? undefined : bins, convention } as Parameters<typeof readOptions>[2];
  return { average: readOptions({ bins: BINS, momentum: 0 }, task, given, false), isAuto };
}

/** Reads the options of a call: names that are unknown or of another loss, and values out of range, are refused. */
export function readPairwise(
  task: string,
  options: object | undefined,
  known: readonly string[],
): Call<PairForm | GhmForm> {
  const loss = lossOf(task, options);
  const call = readCall(
    {
      name: "pairwise",
      defaults: { loss, ...OWN[loss] },
      form: (_, parameters) => formOf(task, loss, parameters),
    },
    task,
    options,
    [...STREAM, ...known],
  );
  if (call.normalizer === "positives") {
    throw new RangeError(`Cannot ${task}: expected normalizer as "count" or a number, got "positives"`);
  }
  return call;
}
