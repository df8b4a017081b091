/** The report as text for a terminal of 80 columns. */
import type { Finding } from "./report.ts";

const LINE = "─".repeat(80);
const BAR = 7;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

const INTRO = `Imbalanced data, and what four losses make of it

g is how wrong a prediction is: 0 an easy sample, 1 a certain mistake. It is also the
size of the cross-entropy gradient. Easy negatives are many, so their small gradients
add up and drown the rest. Focal loss fades them; gradient harmonizing (GHM-C) weighs
each sample by how few others are as hard as it is.
`;

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, " ");
const digits = (value: number, count = 3): string => String(Number(value.toPrecision(count)));
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A bar of up to `BAR` cells, in eighths of a cell. Whatever is not zero is seen. */
function bar(share: number): string {
  const parts = share > 0 ? Math.max(1, Math.round(share * BAR * 8)) : 0;
  return ("█".repeat(parts >> 3) + EIGHTHS[parts & 7]).padEnd(BAR);
}

const cell = (share: number): string => `${(share * 100).toFixed(1).padStart(6)} ${bar(share)}`;

function tenthRows({ tenths }: Finding): string {
  const columns = [tenths.crossEntropy, tenths.focal, tenths.ghmc, tenths.ghmcExact];
  const head = ["cross-entropy", "focal", "GHM-C 30 bins", "GHM-C exact"]
    .map((name) => name.padEnd(15))
    .join("");
  const rows = tenths.samples.map((samples, k) => {
    const range = `${(k / 10).toFixed(1)}-${((k + 1) / 10).toFixed(1)}`;
    return `${range}${grouped(samples).padStart(10)}  ${columns.map((shares) => cell(shares[k])).join(" ")}`.trimEnd();
  });
  return `g         samples  ${head.trimEnd()}\n${rows.join("\n")}\n`;
}

function lossRow({ loss }: Finding): string {
  const values: [string, number][] = [
    ["cross-entropy", loss.crossEntropy],
    ["focal", loss.focal],
    ["GHM-C 30 bins", loss.ghmc],
    ["exact", loss.ghmcExact],
  ];
  return `Mean loss         ${values.map(([name, value]) => `${name} ${digits(value)}`).join("   ")}\n`;
}

function densityRows({ density }: Finding): string {
  const { loss, rho, bracket } = density;
  const sign = loss.relativeError > 0 ? "+" : "";
  return (
    `30 bins against the exact density: how far the weights of GHM-C are off\n` +
    `  a sample's density     off by up to ${percent(density.maxRelativeError)}; exact / 30 bins from ${digits(rho.min)} to ${digits(rho.max)}\n` +
    `  all weights together   off by ${percent(density.betaL1)} (L1); median of exact / 30 bins ${digits(rho.median)}\n` +
    `  the loss hides it      ${digits(loss.histogram, 4)} for ${digits(loss.exact, 4)}, ${sign}${percent(loss.relativeError)}\n` +
    `  certified, no sort     exact loss in [${digits(bracket.lossLower, 4)}, ${digits(bracket.lossUpper, 4)}]; ` +
    `bracket ${bracket.holds ? "holds" : "FAILS"}, mean gap ${digits(bracket.meanGap)}\n`
  );
}

function block(finding: Finding): string {
  const { name, about, positives, negatives } = finding;
  const ratio = `1 : ${Math.round(negatives / positives)}`;
  return (
    `${LINE}\n${name}: ${about}\n\n` +
    `Samples           ${grouped(positives)} positive, ${grouped(negatives)} negative: ${ratio}\n${lossRow(finding)}\n` +
    `Share of the gradient that comes from each tenth of g, in percent\n${tenthRows(finding)}\n${densityRows(finding)}`
  );
}

function overview(findings: readonly Finding[]): string {
  const head =
    `${"".padEnd(16)}${"".padStart(7)}  mean loss${"".padEnd(24)}gradient from g < 0.1\n` +
    `${"".padEnd(16)}${"1 : N".padStart(7)}  cross-entr.     focal  GHM-C  exact    CE  focal  GHM-C  exact\n`;
  const rows = findings.map(({ name, positives, negatives, loss, tenths }) => {
    const easy = [tenths.crossEntropy, tenths.focal, tenths.ghmc, tenths.ghmcExact];
    return (
      name.padEnd(16) +
      String(Math.round(negatives / positives)).padStart(7) +
      digits(loss.crossEntropy).padStart(13) +
      digits(loss.focal).padStart(10) +
      loss.ghmc.toFixed(3).padStart(7) +
      loss.ghmcExact.toFixed(3).padStart(7) +
      easy.map((shares, i) => `${Math.round(shares[0] * 100)} %`.padStart(i === 0 ? 6 : 7)).join("")
    );
  });
  return `${LINE}\nAt a glance\n\n${head}${rows.join("\n")}\n`;
}

const OUTRO = `
Read the cross-entropy to see progress: GHM-C is near constant by construction.
The same on your files: counterpoise loss --help, counterpoise verify --help
`;

export function print(findings: readonly Finding[]): string {
  return `${INTRO}${findings.map(block).join("")}${overview(findings)}${OUTRO}`;
}
