import { options as checkOptions, integer, number } from "../check.ts";
import type { Header } from "../stream/state.ts";

export interface DrLossOptions {
  /** Classes of a row, at most 2^24. */
  readonly classes: number;
  /** Temperature of the positives, at least 1e-6; default 1. */
  readonly lambdaPos?: number | undefined;
  /** Temperature of the negatives, at least 1e-6; default 0.1 / ln 3.5. */
  readonly lambdaNeg?: number | undefined;
  /** Steepness of the outer logistic loss, in [1e-6, 1e6]; default 6. */
  readonly scale?: number | undefined;
  /** Factor of the loss, in [0, 1e6]; default 4. */
  readonly tau?: number | undefined;
  /** What the positives are to be ahead of the negatives, in [-1e6, 1e6]; default 0.5. */
  readonly margin?: number | undefined;
}

/** One of the two sides: the values of p on it weigh e^(p sign / lambda). */
export interface SideForm {
  readonly sign: 1 | -1;
  /** sign log2(e) / lambda: the weight of p is 2^(factor p). */
  readonly factor: number;
  /** sign / lambda. */
  readonly slope: number;
  /** P of a side without elements. */
  readonly empty: number;
}

/** The options of a call, checked. */
export interface DrForm {
  readonly header: Header;
  readonly classes: number;
  readonly scale: number;
  readonly tau: number;
  readonly margin: number;
  readonly positive: SideForm;
  readonly negative: SideForm;
}

export const NAME = "drLoss";
const KEYS = ["classes", "lambdaPos", "lambdaNeg", "scale", "tau", "margin"];

/** 0.1 / ln 3.5. */
const LAMBDA_NEG = 0.07982356001479281;

function sideForm(sign: 1 | -1, lambda: number, empty: number): SideForm {
  return { sign, factor: (sign * Math.LOG2E) / lambda, slope: sign / lambda, empty };
}

/** Checks the options of a call; `more` are names that belong to the batch. */
export function readForm(task: string, options: unknown, more: readonly string[] = []): DrForm {
  checkOptions(task, options, [...KEYS, ...more]);
  const given = (options ?? {}) as Partial<DrLossOptions>;
  const { lambdaPos = 1, lambdaNeg = LAMBDA_NEG, scale = 6, tau = 4, margin = 0.5 } = given;
  const classes = integer(task, "classes", given.classes, 1, 2 ** 24);
  const checked = {
    classes,
    lambdaPos: number(task, "lambdaPos", lambdaPos, 1e-6, Number.MAX_VALUE),
    lambdaNeg: number(task, "lambdaNeg", lambdaNeg, 1e-6, Number.MAX_VALUE),
    scale: number(task, "scale", scale, 1e-6, 1e6),
    tau: number(task, "tau", tau, 0, 1e6),
    margin: number(task, "margin", margin, -1e6, 1e6),
  };
  return {
    header: { kind: NAME, options: checked },
    ...checked,
    positive: sideForm(-1, checked.lambdaPos, 1),
    negative: sideForm(1, checked.lambdaNeg, 0),
  };
}
