/** What `loss` found, for people to read. */
import type { Family } from "./family.ts";
import type { Totals } from "./passes.ts";
import { number, table } from "./text.ts";

const WORDS: Record<string, string> = {
  loss: "value",
  meanLoss: "mean unweighted loss",
  grad: "gradient",
  losses: "losses",
};

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

function showPositives(unit: Family["unit"], positives: number, count: number): [string, string] {
  const ratio = positives > 0 ? ` (1 : ${Math.round((count - positives) / positives)})` : "";
  return [unit === "row" ? "rows of label > 0" : "positives", `${number(positives)}${ratio}`];
}

export function render(
  name: string,
  family: Family,
  totals: Totals,
  written: Record<string, string>,
): string {
  const { histogram, positives, count, ...rest } = totals;
  const { unit } = family;
  const lines: [string, string][] = [
    ["loss", name],
    [`${unit}s`, number(count)],
    ...(positives === undefined ? [] : [showPositives(unit, positives, count)]),
    ...Object.entries(rest).map(([key, value]): [string, string] => [
      WORDS[key] ?? key,
      number(value as number),
    ]),
  ];
  for (const [kind, path] of Object.entries(written)) lines.push([WORDS[kind], path]);
  return table(lines) + (histogram ? renderHistogram(histogram as Histogram) : "");
}
