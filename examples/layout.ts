/** The report as text for a terminal of 80 columns. */
import type { Finding } from "./study.ts";

const LINE = "─".repeat(80);
const BAR = 7;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

const INTRO = `Imbalanced data, and what four losses make of it

g is how wrong a prediction is: 0 an easy sample, 1 a certain mistake. It is the
size of the sample's cross-entropy gradient too. Easy negatives are so many that
their small gradients drown the rest. Focal loss fades them; gradient
harmonizing (GHM-C) weighs a sample by how few others are about as hard: counted
in 30 fixed bins as usual, or exactly, in a window around each sample.
`;

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, " ");
const digits = (value: number, count = 3): string => String(Number(value.toPrecision(count)));
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A bar of up to `BAR` cells, in eighths of a cell. Whatever is not zero is seen. */
function bar(share: number): string {
  const parts = share > 0 ? Math.max(1, Math.round(share * BAR * 8)) : 0;
  return ("█".repeat(parts >> 3) + EIGHTHS[parts & 7]).padEnd(BAR);
}

const cell = (share: number): string =>
  share === 0 ? `     · ${"".padEnd(BAR)}` : `${(share * 100).toFixed(1).padStart(6)} ${bar(share)}`;

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
  const harmonized = `GHM-C ${digits(loss.ghmc)} (exact ${digits(loss.ghmcExact)})`;
  return `Mean loss  cross-entropy ${digits(loss.crossEntropy)}, focal ${digits(loss.focal)}, ${harmonized}\n`;
}

function densityRows({ density }: Finding): string {
  const { loss, rho, bracket } = density;
  const sign = loss.relativeError > 0 ? "+" : "";
  return (
    "The density in 30 bins against the exact one, which sets the weights of GHM-C\n" +
    `  worst sample  relative error ${digits(density.maxRelativeError)}; weights from ${digits(rho.min)} to ${digits(rho.max)} times the exact\n` +
    `  all samples   weights off by ${percent(density.betaL1)} in sum; median ${digits(rho.median)} times the exact\n` +
    `  the loss      ${digits(loss.histogram, 4)} for ${digits(loss.exact, 4)} (${sign}${percent(loss.relativeError)})\n` +
    `  certificate   without a sort, exact loss in [${digits(bracket.lossLower, 4)}, ${digits(bracket.lossUpper, 4)}]: ` +
    `${bracket.holds ? "holds" : "FAILS"}\n` +
    `                a count of neighbours is known to within ${digits(bracket.meanGap)} on average\n`
  );
}

function block(finding: Finding): string {
  const { name, about, positives, negatives } = finding;
  const ratio = `1 : ${Math.round(negatives / positives)}`;
  return (
    `${LINE}\n${name}: ${about}\n\n` +
    `Samples    ${grouped(positives)} positive, ${grouped(negatives)} negative: ${ratio}\n${lossRow(finding)}\n` +
    `Share of the gradient that comes from each tenth of g, in percent\n${tenthRows(finding)}\n${densityRows(finding)}`
  );
}

function overview(findings: readonly Finding[]): string {
  const columns = [15, 6, 10, 11, 7, 7, 6, 6, 6, 6];
  const line = (cells: readonly string[]): string =>
    cells.map((text, i) => (i === 0 ? text.padEnd(columns[0]) : text.padStart(columns[i]))).join("");
  const rows = findings.map(({ name, positives, negatives, loss, tenths }) => {
    const easy = [tenths.crossEntropy, tenths.focal, tenths.ghmc, tenths.ghmcExact];
    return line([
      name,
      String(Math.round(negatives / positives)),
      digits(loss.crossEntropy),
      digits(loss.focal),
      loss.ghmc.toFixed(3),
      loss.ghmcExact.toFixed(3),
      ...easy.map((shares) => (shares[0] * 100).toFixed(1)),
    ]);
  });
  const heads = ["data", "1 : N", "CE", "focal", "GHM-C", "exact", "CE", "focal", "GHM-C", "exact"];
  const above = `${"".padEnd(21)}${"mean loss".padStart(35)}${"% of gradient, g < 0.1".padStart(24)}`;
  return `${LINE}\nAt a glance\n\n${above}\n${line(heads)}\n${rows.join("\n")}\n`;
}

const OUTRO = `
Read the cross-entropy to see progress: GHM-C is near 1 once all bins are held.
The same on your files: counterpoise loss --help, counterpoise verify --help
`;

export function print(findings: readonly Finding[]): string {
  return `${INTRO}${findings.map(block).join("")}${overview(findings)}${OUTRO}`;
}
