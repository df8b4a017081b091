/** `counterpoise verify`: how far the histogram density is from the exact one, with a certified bracket. */
import { density, type Report } from "../mod.ts";
import { type BracketReport, bracketAlone, type Choice } from "./bracket.ts";
import { collect } from "./collect.ts";
import type { Command, Io } from "./command.ts";
import { HEADER, readHeader } from "./header.ts";
import { type Given, type Options, readBytes, readNumber } from "./options.ts";
import { inPlace } from "./place.ts";
import { openSources, type Sources } from "./sources.ts";
import { number, table } from "./text.ts";

const options: Options = {
  logits: { takes: "FILE", help: "raw scores: .npy, or .csv[:column]", required: true },
  targets: { takes: "FILE", help: "0 or 1 for each logit", required: true },
  mask: { takes: "FILE", help: "0 where an element is to be left out" },
  bins: { takes: "N", help: "unit regions of the histogram (30)" },
  width: { takes: "W", help: "width of the exact window (1 / bins)" },
  refine: { takes: "N", help: "fine bins per half window of the bracket (8)" },
  "max-error": { takes: "X", help: "exit with 1 if the relative error of a density is above X" },
  header: HEADER,
  memory: { takes: "SIZE", help: "what the exact density may use (2GiB)" },
  json: { help: "print one JSON object" },
};

/** Peak memory of the exact density for one element, measured: 95 in Node 20, 175 in Bun 1.4. */
const BYTES_PER_ELEMENT = 176;

/** What was found; `error` is the largest relative error, or the most it can be where only the bracket is known. */
type Verdict = { error: number; holds: boolean } & (
  | { exact: true; report: Report }
  | { exact: false; report: BracketReport }
);

async function judge(sources: Sources, choice: Choice, memory: number, io: Io): Promise<Verdict> {
  // Checked here too, so that a wrong option is refused before the files are read.
  density.verify(new Float32Array(0), new Uint8Array(0), choice);
  const all = await collect(sources, Math.floor(memory / BYTES_PER_ELEMENT), io);
  if (all) {
    const { logits, targets, mask } = all;
    const report = await inPlace(sources, all, () => density.verify(logits, targets, { ...choice, mask }));
    return {
      exact: true,
      report,
      error: report.maxRelativeError,
      holds: report.bracket.holds,
    };
  }
  const report = await bracketAlone(sources, choice, io);
  return { exact: false, report, error: report.maxRelativeError.upper, holds: true };
}

/** A share in percent, signed where it is a difference. */
const percent = (share: number, sign = ""): string =>
  `${share > 0 ? sign : ""}${number(Number((share * 100).toPrecision(3)))} %`;

function exactRows(report: Report): [string, string][] {
  const { loss, rho, bracket } = report;
  return [
    ["share within half a window of 0 or 1", percent(report.borderFraction)],
    ["largest relative error of a density", number(report.maxRelativeError)],
    ["exact / histogram density", `${number(rho.min)} to ${number(rho.max)}, median ${number(rho.median)}`],
    ["difference of the weights (L1)", percent(report.betaL1)],
    ["GHM-C loss, exact", number(loss.exact)],
    ["GHM-C loss, histogram", `${number(loss.histogram)} (${percent(loss.relativeError, "+")})`],
    ["GHM-C loss, certified", `${number(bracket.lossLower)} to ${number(bracket.lossUpper)}`],
    ["bracket holds for every element", bracket.holds ? "yes" : "NO"],
    ["bracket, mean width", `${number(bracket.meanGap)} elements`],
  ];
}

function bracketRows({ maxRelativeError, loss, bracket }: BracketReport): [string, string][] {
  return [
    [
      "largest relative error of a density",
      `${number(maxRelativeError.lower)} to ${number(maxRelativeError.upper)}`,
    ],
    ["GHM-C loss, histogram", number(loss.histogram)],
    ["GHM-C loss, certified", `${number(bracket.lossLower)} to ${number(bracket.lossUpper)}`],
    ["bracket, mean width", `${number(bracket.meanGap)} elements`],
  ];
}

function render(verdict: Verdict, check: Check | undefined, memory: string): string {
  const { report } = verdict;
  const lines: [string, string][] = [
    ["elements", number(report.count)],
    ["regions of the histogram", `${report.bins}, ${report.occupied} of them occupied`],
    ["window of the exact density", number(report.width)],
    ...(verdict.exact ? exactRows(verdict.report) : bracketRows(verdict.report)),
  ];
  if (check) {
    const no = verdict.exact ? "no" : "not certain";
    lines.push([`relative error at most ${check.maxError}`, check.passed ? "yes" : no]);
  }
  const head = `The exact density needs more than ${memory}: this is the certified bracket alone.\n\n`;
  return (verdict.exact ? "" : head) + table(lines);
}

interface Check {
  maxError: number;
  passed: boolean;
}

async function run(task: string, given: Given, io: Io): Promise<number> {
  const choice: Choice = {};
  for (const name of ["bins", "width", "refine"] as const) {
    if (given[name] !== undefined) choice[name] = readNumber(task, name, given[name]);
  }
  const limit =
    given["max-error"] === undefined ? undefined : readNumber(task, "max-error", given["max-error"]);
  if (limit !== undefined && limit < 0)
    throw new RangeError(`Cannot ${task}: expected --max-error as a number >= 0, got ${limit}`);
  const memoryText = given.memory ?? "2GiB";
  const memory = readBytes(task, "memory", memoryText);
  const inputs = { logits: given.logits!, targets: given.targets!, mask: given.mask };
  const sources = await openSources(inputs, readHeader(task, given));
  try {
    sources.align({});
    const verdict = await judge(sources, choice, memory, io);
    const check = limit === undefined ? undefined : { maxError: limit, passed: verdict.error <= limit };
    const { exact, report } = verdict;
    const text =
      given.json === undefined
        ? render(verdict, check, memoryText)
        : `${JSON.stringify({ command: "verify", exact, ...report, ...(check && { check }) })}\n`;
    io.stdout.write(text);
    return verdict.holds && check?.passed !== false ? 0 : 1;
  } finally {
    await sources.close();
  }
}

export const verifyCommand: Command = {
  name: "verify",
  summary: "the histogram density against the exact one, with a certified bracket",
  options,
  run,
  notes: `Exit code 1 if the error of some element's density is above --max-error, or if
the bracket does not hold. The exact density needs all elements at once, about
${BYTES_PER_ELEMENT} bytes each. Where that is more than --memory, the files are streamed twice
and the bracket stands alone: the check then passes only if it is certain.

  counterpoise verify --logits l.npy --targets t.npy --mask m.npy --max-error 4
`,
};
