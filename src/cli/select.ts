/** `counterpoise select`: the hardest examples by their losses, from files. */
import { ohem } from "../mod.ts";
import type { Command, Io } from "./command.ts";
import { HEADER, readHeader } from "./header.ts";
import { type Given, type Options, readNumber } from "./options.ts";
import { checkOutputs, type Output, writeTogether } from "./outputs.ts";
import { BYTES_PER_EXAMPLE, type Numbers, type Selected, streamed, whole, writeMask } from "./selection.ts";
import { openSources } from "./sources.ts";
import { number, table } from "./text.ts";

const INPUTS = ["losses", "mask", "boxes", "groups", "positives"] as const;
const WRITTEN = ["out", "indices"] as const;

const options: Options = {
  losses: { takes: "FILE", help: "one for each example", required: true },
  budget: { takes: "N", help: "how many to select, at most 1e8", required: true },
  mask: { takes: "FILE", help: "0 where an example is left out" },
  boxes: { takes: "FILE", help: "[n, 4]: x1, y1, x2, y2; duplicates go first" },
  iou: { takes: "X", help: "overlap above which a box is a duplicate (0.7)" },
  groups: { takes: "FILE", help: "a whole number each: boxes of a group compete" },
  positives: { takes: "FILE", help: "not 0 for a positive example" },
  ratio: { takes: "X", help: "at most so many negatives for each positive" },
  header: HEADER,
  memory: { takes: "SIZE", help: "what boxes and positives may use (2GiB)" },
  out: { takes: "OUT.npy", help: "write a mask: uint8, 1 where selected" },
  indices: { takes: "OUT.npy", help: "write the indices: uint32, hardest first" },
  json: { help: "print one JSON object" },
};

/** Options that need others, by name. */
const NEEDS: [option: string, other: string][] = [
  ["iou", "boxes"],
  ["groups", "boxes"],
  ["ratio", "positives"],
  ["positives", "ratio"],
];

async function write(given: Given, { indices, examples }: Selected): Promise<void> {
  const kinds = WRITTEN.filter((kind) => given[kind] !== undefined);
  const outputs = kinds.map((kind): Output => {
    const isMask = kind === "out";
    return { path: given[kind]!, shape: [isMask ? examples : indices.length], descr: isMask ? "|u1" : "<u4" };
  });
  await writeTogether(outputs, async (writers) => {
    for (const [i, kind] of kinds.entries()) {
      if (kind === "indices") await writers[i].write(indices);
      else await writeMask((mask) => writers[i].write(mask), indices.slice().sort(), examples);
    }
  });
}

function report(given: Given, { indices, hardest, easiest, examples }: Selected): string {
  const written = Object.fromEntries(
    WRITTEN.filter((kind) => given[kind] !== undefined).map((kind) => [kind, given[kind]!]),
  );
  const count = indices.length;
  if (given.json !== undefined) {
    const range = count > 0 && { hardest, easiest };
    return `${JSON.stringify({ command: "select", examples, count, ...range, ...written })}\n`;
  }
  const rows: [string, string][] = [
    ["examples", number(examples)],
    ["selected", number(count)],
  ];
  if (count > 0) rows.push(["hardest loss", number(hardest)], ["easiest loss selected", number(easiest)]);
  if (written.out) rows.push(["mask", written.out]);
  if (written.indices) rows.push(["indices", written.indices]);
  return table(rows);
}

function readNumbers(task: string, given: Given): Numbers {
  for (const [option, other] of NEEDS) {
    if (given[option] !== undefined && given[other] === undefined)
      throw new TypeError(`Cannot ${task}: expected --${other} beside --${option}, got none`);
  }
  const read = (name: string): number | undefined =>
    given[name] === undefined ? undefined : readNumber(task, name, given[name]);
  const numbers = { budget: read("budget")!, iou: read("iou"), ratio: read("ratio") };
  // Checked here, so that a wrong option is refused before the files are read.
  const none = { boxes: new Float32Array(0), positives: new Uint8Array(0) };
  ohem(new Float32Array(0), { ...numbers, ...none });
  return numbers;
}

async function run(task: string, given: Given, io: Io): Promise<number> {
  const numbers = readNumbers(task, given);
  const inputs = Object.fromEntries(INPUTS.map((role) => [role, given[role]]));
  const sources = await openSources(inputs, readHeader(task, given));
  try {
    sources.align({ boxes: 4 });
    await checkOutputs(task, given, WRITTEN, sources.paths);
    const isWhole = given.boxes !== undefined || given.positives !== undefined;
    const selected = isWhole
      ? await whole(task, sources, numbers, given.memory ?? "2GiB", io)
      : await streamed(sources, numbers.budget, io);
    await write(given, selected);
    io.stdout.write(report(given, selected));
    return 0;
  } finally {
    await sources.close();
  }
}

export const selectCommand: Command = {
  name: "select",
  summary: "the hardest examples by their losses",
  options,
  run,
  notes: `Equal losses are taken by ascending index. Losses alone are streamed; with boxes
or positives everything has to be in memory, about ${BYTES_PER_EXAMPLE} bytes an example.
The mask that --out writes is what --mask of loss reads.

  counterpoise loss --logits l.npy --targets t.npy --loss bce --losses e.npy
  counterpoise select --losses e.npy --budget 512 --out hard.npy
  counterpoise select --losses e.npy --budget 512 --boxes d.csv:x1..y2 --iou 0.5
`,
};
