/** `counterpoise loss`: a loss, and its gradient, over files of any size. */

import type { Batch } from "./batch.ts";
import type { Command, Io } from "./command.ts";
import { HEADER, readHeader } from "./header.ts";
import { type Held, holdPairs, holdScores } from "./held.ts";
import type { Row } from "./kinds.ts";
import { checkLoss, lossInputs, lossOptions, settleClasses, shown, widthsOf } from "./loss-options.ts";
import { LOSSES } from "./losses.ts";
import type { Given, Options } from "./options.ts";
import { checkOutputs, writeTogether } from "./outputs.ts";
import { PARAMETERS } from "./parameters.ts";
import type { Run } from "./passes.ts";
import { inPlace } from "./place.ts";
import { render } from "./render.ts";
import type { Inputs } from "./source.ts";
import { openSources, type Sources } from "./sources.ts";
import { wrap } from "./text.ts";
import { walk } from "./walk.ts";

/** What can be written. */
const WRITTEN = ["grad", "losses"] as const;

const options: Options = {
  logits: { takes: "FILE", help: "raw scores, or predictions: .npy or .csv" },
  targets: { takes: "FILE", help: "one for each logit, or its row: see below" },
  labels: { takes: "FILE", help: "another name of --targets" },
  scores: { takes: "FILE", help: "one for each item of pairs" },
  pairs: { takes: "FILE", help: "[n, 2]: preferred and other item, from 0" },
  mask: { takes: "FILE", help: "0 where an element, row or pair is left out" },
  weights: { takes: "FILE", help: "a weight >= 0 for each element, row or pair" },
  groups: { takes: "FILE", help: "a whole number each: pairs of a group, for ghm" },
  loss: { takes: "NAME", help: "which loss: see below", required: true },
  ...Object.fromEntries(Object.entries(PARAMETERS).map(([name, { takes, help }]) => [name, { takes, help }])),
  grad: { takes: "OUT.npy", help: "write the gradient, as float32" },
  losses: { takes: "OUT.npy", help: "write the loss of each element, row or pair" },
  header: HEADER,
  memory: { takes: "SIZE", help: "what scores and pairs may use (2GiB)" },
  json: { help: "print one JSON object" },
};

const memoryOf = (given: Given): string => given.memory ?? "2GiB";

/** One look at everything; returns how many rows there are. */
type Pass = (label: string, each: (batch: Batch) => void | Promise<void>) => Promise<number>;

/** A loss under way and what it is over. */
interface Work {
  task: string;
  name: string;
  row: Row;
  parameters: Record<string, unknown>;
  loss: Run;
  sources: Sources;
  held: Held | undefined;
}

const outputsOf = (given: Given): (typeof WRITTEN)[number][] =>
  WRITTEN.filter((kind) => given[kind] !== undefined);

/** Passes read the files in chunks, but for pairs of which more than the loss is asked. */
async function passesOf({ task, loss, sources, held }: Work, given: Given, io: Io): Promise<Pass> {
  if (held && (loss.whole || outputsOf(given).length > 0)) {
    const all = await holdPairs(task, sources, memoryOf(given), io);
    return async (_, each) => {
      await inPlace(sources, all, () => each(all));
      return all.rows;
    };
  }
  // Each chunk of pairs costs a look at all scores.
  return (label, each) => walk(sources, label, io, each, held?.scores.length);
}

/** Writes what was asked for, and tells where. */
async function write(work: Work, pass: Pass, rows: number, given: Given): Promise<Record<string, string>> {
  const { row, loss, sources, held } = work;
  const { unit } = row.family;
  const kinds = outputsOf(given);
  if (kinds.length === 0) return {};
  const shape = held?.shape ?? sources.shape(rows, unit === "row");
  const outputs = kinds.map((kind) => ({
    path: given[kind]!,
    shape: kind === "losses" && unit !== "element" ? [rows] : shape,
  }));
  await writeTogether(outputs, async (writers) => {
    await pass(kinds.join(", "), async (batch) => {
      for (const [i, kind] of kinds.entries()) await writers[i].write(loss[kind]!(batch));
    });
  });
  return Object.fromEntries(kinds.map((kind) => [kind, given[kind]!]));
}

/** All passes, and what is printed after them. */
async function compute(work: Work, given: Given, io: Io): Promise<string> {
  const { name, row, parameters, loss } = work;
  const pass = await passesOf(work, given, io);
  if (loss.survey) await pass("bins", (batch) => loss.survey!(batch));
  const rows = await pass(name, (batch) => loss.update(batch));
  const totals = loss.totals();
  const written = await write(work, pass, rows, given);
  if (given.json === undefined) return render(name, row.family, totals, written);
  const { loss: value, ...more } = totals;
  const object = { command: "loss", name, options: shown(parameters), loss: value, ...more, ...written };
  return `${JSON.stringify(object)}\n`;
}

async function run(task: string, given: Given, io: Io): Promise<number> {
  const name = given.loss!;
  checkLoss(task, name);
  const row = LOSSES[name];
  const parameters = lossOptions(task, name, given);
  const { scores, ...inputs } = lossInputs(task, row.family, given);
  const open = (files: Inputs): Promise<Sources> => openSources(files, readHeader(task, given));
  const held = scores ? await holdScores(task, await open({ scores }), memoryOf(given), io) : undefined;
  const sources = await open(inputs);
  try {
    settleClasses(task, row, parameters, sources);
    const grouped = given.groups !== undefined;
    const loss = row.begin(parameters, held && { scores: held.scores, grouped });
    sources.align(widthsOf(row, parameters));
    if (given.losses !== undefined && !loss.losses) {
      throw new TypeError(`Cannot ${task}: expected --losses with a loss of single elements, got ${name}`);
    }
    await checkOutputs(task, given, WRITTEN, [...(held?.paths ?? []), ...sources.paths]);
    io.stdout.write(await compute({ task, name, row, parameters, loss, sources, held }, given, io));
    return 0;
  } finally {
    await sources.close();
  }
}

export const lossCommand: Command = {
  name: "loss",
  summary: "a loss and its gradient over files of any size",
  options,
  run,
  notes: `${wrap(["Losses:", ...Object.keys(LOSSES)], 76)}
What each takes, with defaults and ranges: counterpoise losses.

Targets are 0 or 1 (0 to 1 for bce and focal), any number for the losses of
predictions (smoothL1, asl1, ghmr), the class from 0 for the losses of rows, for
drLoss from 1, 0 being background.
A column of a .csv file is a name of its header or a number that counts from 1;
the first one where none is given. Several are a,b,c or x0..x9: values of a row.
A first line without numbers is a header, one of numbers alone is not; another,
or 0, 1, 2 and so on, needs --header yes or no, which goes for all .csv files.
Classes are the last axis of the logits, or their columns, unless --classes says
otherwise. float64 and integers are rounded to float32; labels are whole numbers
of any type. With --grad or --losses the files are read twice, with --bins auto
once more.

  counterpoise loss --logits l.npy --targets t.npy --loss focal --grad g.npy
  counterpoise loss --logits d.csv:logit --targets d.csv:label --loss ghmc
  counterpoise loss --logits d.csv:x0..x9 --labels d.csv:y --loss softmaxFocal
`,
};
