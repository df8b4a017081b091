import { choice, number } from "../check.ts";
import { kernelOf, powers } from "../losses/focal.ts";
import { type Call, readCall } from "../stream/options.ts";
import { kernel } from "../wasm/kernel.ts";
import type { PairForm } from "./pass.ts";

/** The options that belong to one of the losses, with their defaults, in the order in which a saved state lists them. */
const OWN = { bpr: {}, focal: { gamma: 2 } } as const;

type PairLoss = keyof typeof OWN;
const LOSSES = Object.keys(OWN) as PairLoss[];
const ALL = LOSSES.flatMap((loss) => Object.keys(OWN[loss]));
const SHARED = ["loss", "reduction", "normalizer"];

function formOf(task: string, loss: PairLoss, gamma: unknown): PairForm {
  if (loss === "bpr") return { margin: kernel.bceHard, fields: [] };
  const exponent = number(task, "gamma", gamma, 0, 1000);
  return { margin: kernelOf(exponent), fields: powers(exponent) };
}

/** Which loss the options ask for. Options of another one are refused. */
function lossOf(task: string, options: object | undefined): PairLoss {
  const given = (options ?? {}) as Record<string, unknown>;
  const loss = given.loss === undefined ? "bpr" : choice(task, "loss", given.loss, LOSSES);
  for (const key of ALL) {
    if (given[key] === undefined || key in OWN[loss]) continue;
    const whose = LOSSES.filter((other) => key in OWN[other]).map((other) => JSON.stringify(other));
    throw new TypeError(
      `Cannot ${task}: expected ${key} beside the loss ${whose.join(" or ")} alone, got it beside "${loss}"`,
    );
  }
  return loss;
}

/** Reads the options of a call: names that are unknown or of another loss, and values out of range, are refused. */
export function readPairwise(
  task: string,
  options: object | undefined,
  known: readonly string[],
): Call<PairForm> {
  const loss = lossOf(task, options);
  const call = readCall(
    {
      name: "pairwise",
      defaults: { loss, ...OWN[loss] },
      form: (_, { gamma }) => formOf(task, loss, gamma),
    },
    task,
    options,
    [...SHARED, ...ALL, ...known],
  );
  if (call.normalizer === "positives") {
    throw new RangeError(`Cannot ${task}: expected normalizer as "count" or a number, got "positives"`);
  }
  return call;
}
