/** `counterpoise loss`: a loss, and its gradient, over files of any size. */
import { resolve } from "node:path";
import { CHUNK, walk } from "./batches.ts";
import type { Command, Io } from "./command.ts";
import { LOSSES, lossOptions, PARAMETERS, type Run, type Totals } from "./losses.ts";
import { createNpy, requireTarget } from "./npy-writer.ts";
import { type Given, nearest, type Options } from "./options.ts";
import { openSources, type Sources } from "./source.ts";
import { number, table, wrap } from "./text.ts";

/** The options that name the inputs, the same for every command. */
export const INPUTS: Options = {
  logits: { takes: "FILE", help: "raw scores: .npy, or .csv[:column]", required: true },
  targets: {
    takes: "FILE",
    help: "0 or 1 for each logit (bce, focal: 0 to 1)",
    required: true,
  },
  mask: { takes: "FILE", help: "0 where an element is to be left out" },
};

const options: Options = {
  ...INPUTS,
  weights: { takes: "FILE", help: "a weight >= 0 for each element" },
  loss: { takes: "NAME", help: "which loss: see below", required: true },
  ...Object.fromEntries(Object.entries(PARAMETERS).map(([name, { takes, help }]) => [name, { takes, help }])),
  grad: { takes: "OUT.npy", help: "write the gradient, as float32" },
  json: { help: "print one JSON object" },
};

function checkLoss(task: string, name: string): void {
  if (Object.hasOwn(LOSSES, name)) return;
  const names = Object.keys(LOSSES);
  const near = nearest(name, names);
  const hint = near ? ` (did you mean ${near}?)` : "";
  throw new TypeError(
    `Cannot ${task}: expected --loss ${names.join("|")}, got ${JSON.stringify(name)}${hint}`,
  );
}

async function checkGrad(task: string, path: string, sources: Sources): Promise<void> {
  if (!/\.npy$/i.test(path))
    throw new TypeError(`Cannot ${task}: expected --grad as a .npy file, got ${path}`);
  if (sources.paths.some((input) => resolve(input) === resolve(path))) {
    throw new TypeError(`Cannot ${task}: expected --grad as a file of its own, got the input ${path}`);
  }
  await requireTarget(path);
}

async function writeGrad(
  path: string,
  run: Run,
  count: number,
  sources: Sources,
  step: number,
  io: Io,
): Promise<void> {
  const writer = await createNpy(path, sources.shape ?? [count]);
  try {
    await walk(sources, step, "gradient", io, (batch) => writer.write(run.grad(batch)));
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

const WORDS: Record<string, string> = { loss: "value", meanLoss: "mean unweighted loss" };

function render(name: string, totals: Totals, grad: string | undefined): string {
  const { histogram, positives, count, ...rest } = totals;
  const negatives = count - positives;
  const ratio = positives > 0 ? ` (1 : ${Math.round(negatives / positives)})` : "";
  const lines: [string, string][] = [
    ["loss", name],
    ["elements", number(count)],
    ["positives", `${number(positives)}${ratio}`],
    ...Object.entries(rest).map(([key, value]): [string, string] => [
      WORDS[key] ?? key,
      number(value as number),
    ]),
  ];
  if (grad) lines.push(["gradient", grad]);
  return table(lines) + (histogram ? renderHistogram(histogram as Histogram) : "");
}

interface Histogram {
  bins: number;
  counts: number[];
  lossSums: number[];
}

function renderHistogram({ bins, counts, lossSums }: Histogram): string {
  const row = (range: string, count: string, mean: string): string =>
    `  ${range.padEnd(16)}${count.padStart(14)}${mean.padStart(14)}\n`;
  let text = `\n${row("gradient norm", "elements", "mean loss")}`;
  for (let j = 0; j < bins; j++) {
    if (counts[j] === 0) continue;
    const range = `${(j / bins).toFixed(3)} - ${((j + 1) / bins).toFixed(3)}`;
    text += row(range, number(counts[j]), number(lossSums[j] / counts[j]));
  }
  return text;
}

async function run(task: string, given: Given, io: Io): Promise<number> {
  const name = given.loss!;
  checkLoss(task, name);
  const parameters = lossOptions(task, name, given);
  const loss = LOSSES[name].begin(parameters);
  const sources = await openSources({
    logits: given.logits!,
    targets: given.targets!,
    mask: given.mask,
    weights: given.weights,
  });
  try {
    if (given.grad) await checkGrad(task, given.grad, sources);
    const classes = typeof parameters.classes === "number" ? parameters.classes : 1;
    if (sources.length !== undefined && sources.length % classes !== 0) {
      throw new RangeError(
        `Cannot ${task}: expected a multiple of ${classes} classes, got ${sources.length} logits`,
      );
    }
    const step = Math.max(classes, CHUNK - (CHUNK % classes));
    let elements = 0;
    await walk(sources, step, name, io, (batch) => {
      loss.update(batch);
      elements += batch.logits.length;
    });
    const totals = loss.totals();
    if (given.grad) await writeGrad(given.grad, loss, elements, sources, step, io);
    const shown = Object.fromEntries(
      Object.entries(parameters).map(([key, value]) => [
        key,
        ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
      ]),
    );
    const { loss: value, ...more } = totals;
    const object = {
      command: "loss",
      name,
      options: shown,
      loss: value,
      ...more,
      ...(given.grad && { grad: given.grad }),
    };
    io.stdout.write(
      given.json === undefined ? render(name, totals, given.grad) : `${JSON.stringify(object)}\n`,
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

The column of a .csv file is a name of its header or a number that counts
from 1; the first one where none is given. float64 is rounded to float32.
With --grad the files are read twice. The losses of residuals (smoothL1,
asl1, ghmr) take predictions as --logits, and any finite targets.

  counterpoise loss --logits l.npy --targets t.npy --loss focal --grad g.npy
  counterpoise loss --logits d.csv:logit --targets d.csv:label --loss ghmc
`,
};
