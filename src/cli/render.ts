/** What `loss` found, for people to read. */
import type { Family, Totals } from "./family.ts";
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

export function render(
  name: string,
  family: Family,
  totals: Totals,
  written: Record<string, string>,
): string {
  const { histogram, positives, count, ...rest } = totals;
  const negatives = count - positives;
  const ratio = positives > 0 ? ` (1 : ${Math.round(negatives / positives)})` : "";
  const lines: [string, string][] = [
    ["loss", name],
    [family.rows ? "rows" : "elements", number(count)],
    [family.rows ? "rows of label > 0" : "positives", `${number(positives)}${ratio}`],
    ...Object.entries(rest).map(([key, value]): [string, string] => [
      WORDS[key] ?? key,
      number(value as number),
    ]),
  ];
  for (const [kind, path] of Object.entries(written)) lines.push([WORDS[kind], path]);
  return table(lines) + (histogram ? renderHistogram(histogram as Histogram) : "");
}
