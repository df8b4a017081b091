/** Makes a row of the table of losses, for each kind of them. */
import type { Labels } from "./convert.ts";
import { type Family, HARMONIZED, HARMONIZED_ROWS, type Parameters, POINTWISE, ROWS } from "./family.ts";
import type { Items } from "./pairs.ts";
import { type Feed, type Harmonizer, harmonized, type Run, type Streamed, streamed } from "./passes.ts";

export interface Row {
  /** What it is, in a few words. */
  about: string;
  family: Family;
  /** Its own parameters and those of its family, by option name. */
  parameters: Parameters;
  /** `items` are there for a loss of pairs. */
  begin(options: Record<string, unknown>, items?: Items): Run;
}

type Targets = Float32Array | Uint8Array;
interface PerElement {
  mask?: Uint8Array;
  weights?: Float32Array;
}
interface PerRow {
  mask?: Uint8Array;
  rowWeights?: Float32Array;
}

export const row = (about: string, family: Family, own: Parameters, begin: Row["begin"]): Row => ({
  about,
  family,
  parameters: { ...own, ...family.shared },
  begin,
});

export function pointwise(about: string, loss: Streamed<Targets, PerElement>, own: Parameters): Row {
  return row(about, POINTWISE, own, (options) =>
    streamed(loss, options, ({ logits, targets, mask, weights }) => [logits, targets, { mask, weights }]),
  );
}

export function rows(about: string, loss: Streamed<Labels, PerRow>, own: Parameters): Row {
  return row(about, ROWS, own, (options) =>
    streamed(loss, options, ({ logits, labels, mask, weights: rowWeights }) => [
      logits,
      labels,
      { mask, rowWeights },
    ]),
  );
}

export function density(about: string, ghm: Harmonizer<Targets, PerElement>, own: Parameters): Row {
  const isPositive = (target: number): boolean => target > 0.5;
  return row(about, HARMONIZED, own, (options) =>
    harmonized(ghm, options, ({ logits, targets, mask }) => [logits, targets, { mask }], isPositive),
  );
}

export const ofRows: Feed<Labels, { mask?: Uint8Array }> = ({ logits, labels, mask }) => [
  logits,
  labels,
  { mask },
];

export function rowDensity(about: string, ghm: Harmonizer<Labels, PerRow>, own: Parameters): Row {
  return row(about, HARMONIZED_ROWS, own, (options) => {
    const isPositive = (label: number): boolean => label > 0 && label !== (options.ignoreIndex ?? -100);
    return harmonized(ghm, options, ofRows, isPositive);
  });
}
