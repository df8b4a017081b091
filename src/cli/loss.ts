/** `counterpoise loss`: a loss, and its gradient, over files of any size. */
import { walk } from "./batches.ts";
import type { Command, Io } from "./command.ts";
import type { Run } from "./family.ts";
import { checkLoss, lossInputs, lossOptions } from "./loss-options.ts";
import { LOSSES, type Row } from "./losses.ts";
import type { Given, Options } from "./options.ts";
import { checkOutputs, writeTogether } from "./outputs.ts";
import { PARAMETERS } from "./parameters.ts";
import { render } from "./render.ts";
import type { Role } from "./source.ts";
import { openSources, type Sources } from "./sources.ts";
import { wrap } from "./text.ts";

/** What can be written. */
const WRITTEN = ["grad", "losses"] as const;

const options: Options = {
  logits: { takes: "FILE", help: "raw scores, or predictions: .npy or .csv" },
  targets: { takes: "FILE", help: "one for each logit, or its row: see below" },
  labels: { takes: "FILE", help: "another name of --targets" },
  mask: { takes: "FILE", help: "0 where an element, or row, is left out" },
  weights: { takes: "FILE", help: "a weight >= 0 for each element, or row" },
  loss: { takes: "NAME", help: "which loss: see below", required: true },
  ...Object.fromEntries(Object.entries(PARAMETERS).map(([name, { takes, help }]) => [name, { takes, help }])),
  grad: { takes: "OUT.npy", help: "write the gradient, as float32" },
  losses: { takes: "OUT.npy", help: "write the loss of each element, or row" },
  json: { help: "print one JSON object" },
};

/** Takes the classes from the files where they are needed and not given. */
function settleClasses(task: string, row: Row, parameters: Record<string, unknown>, sources: Sources): void {
  const listed = Object.values(parameters).some(ArrayBuffer.isView);
  if (parameters.classes !== undefined || !(row.family.rows || listed)) return;
  parameters.classes = sources.lastAxis;
  if (parameters.classes === undefined) {
    throw new TypeError(`Cannot ${task}: expected --classes N beside logits of one axis, got none`);
  }
}

/** How many values of each file make a row. */
function widthsOf({ family }: Row, { classes }: Record<string, unknown>): Partial<Record<Role, number>> {
  return Object.fromEntries(family.perClass.map((role) => [role, (classes as number | undefined) ?? 1]));
}

/** Writes what was asked for, in one more pass, and tells where. */
async function write(
  loss: Run,
  { family }: Row,
  given: Given,
  rows: number,
  sources: Sources,
  io: Io,
): Promise<Record<string, string>> {
  const kinds = WRITTEN.filter((kind) => given[kind] !== undefined);
  if (kinds.length === 0) return {};
  const shape = sources.shape(rows, family.rows);
  const outputs = kinds.map((kind) => ({
    path: given[kind]!,
    shape: kind === "losses" && family.rows ? [rows] : shape,
  }));
  await writeTogether(outputs, (writers) =>
    walk(sources, kinds.join(", "), io, async (batch) => {
      for (const [i, kind] of kinds.entries()) await writers[i].write(loss[kind]!(batch));
    }),
  );
  return Object.fromEntries(kinds.map((kind) => [kind, given[kind]!]));
}

/** Options as they are written to JSON. */
function shown(parameters: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [
      key,
      ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
    ]),
  );
}

async function run(task: string, given: Given, io: Io): Promise<number> {
  const name = given.loss!;
  checkLoss(task, name);
  const row = LOSSES[name];
  const parameters = lossOptions(task, name, given);
  const sources = await openSources(lossInputs(task, row.family, given));
  try {
    settleClasses(task, row, parameters, sources);
    const loss = row.begin(parameters);
    sources.align(widthsOf(row, parameters));
    if (given.losses !== undefined && !loss.losses) {
      throw new TypeError(`Cannot ${task}: expected --losses with a loss of single elements, got ${name}`);
    }
    await checkOutputs(task, given, WRITTEN, sources.paths);
    if (loss.survey) await walk(sources, "bins", io, (batch) => loss.survey!(batch));
    let rows = 0;
    await walk(sources, name, io, (batch) => {
      loss.update(batch);
      rows += batch.rows;
    });
    const totals = loss.totals();
    const written = await write(loss, row, given, rows, sources, io);
    const { loss: value, ...more } = totals;
    const object = { command: "loss", name, options: shown(parameters), loss: value, ...more, ...written };
    io.stdout.write(
      given.json === undefined ? render(name, row.family, totals, written) : `${JSON.stringify(object)}\n`,
    );
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
predictions (smoothL1, asl1, ghmr), the class from 0 for the losses of rows.
A column of a .csv file is a name of its header or a number that counts from 1;
the first one where none is given. Several are a,b,c or x0..x9: values of a row.
Classes are the last axis of the logits, or their columns, unless --classes says
otherwise. float64 and integers are rounded to float32; labels are whole numbers
of any type. With --grad or --losses the files are read twice, with --bins auto
once more.

  counterpoise loss --logits l.npy --targets t.npy --loss focal --grad g.npy
  counterpoise loss --logits d.csv:logit --targets d.csv:label --loss ghmc
  counterpoise loss --logits d.csv:x0..x9 --labels d.csv:y --loss softmaxFocal
`,
};
