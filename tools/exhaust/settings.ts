/** The losses, with parameters, that `bun tools/exhaust.ts losses` runs over every number. */
import { type Params, type Row, rowOf } from "../../test/table.ts";

export interface Setting {
  name: string;
  row: Row;
  params: Params;
  /** Of the values that are judged; 0 for losses of residuals too. */
  target: 0 | 1;
  /** The target that has the same bits at the negated logit, but for the sign of the gradient; null if none has. */
  mirror: 0 | 1 | null;
}

const MARGIN = { target: 0, mirror: 1 } as const;
const RESIDUAL = { target: 0, mirror: 0 } as const;

/** A loss whose two targets have nothing in common: one run for each. */
function apart(name: string, params: Params): Setting[] {
  const row = rowOf("asymmetric");
  return [
    { name: `${name}-negatives`, row, params, target: 0, mirror: null },
    { name: `${name}-positives`, row, params, target: 1, mirror: null },
  ];
}

/** What can be asked for by name: losses without class weights. */
export const SETTINGS: Setting[] = [
  { name: "bce", row: rowOf("bce"), params: {}, ...MARGIN },
  ...[2, 0, 0.5, 1, 1.5, 2.5, 3, 1.7, 4].map((gamma) => ({
    name: `focal-${gamma}`,
    row: rowOf("focal"),
    params: { gamma, alpha: null },
    ...MARGIN,
  })),
  { name: "focalStar", row: rowOf("focalStar"), params: {}, ...MARGIN },
  { name: "hardTruncation", row: rowOf("hardTruncation"), params: {}, ...MARGIN },
  { name: "softTruncation-5", row: rowOf("softTruncation"), params: { k: 5 }, ...MARGIN },
  ...apart("asymmetric", {}),
  ...apart("asymmetric-1.7", { gammaPos: 1.7, gammaNeg: 1.7, clip: 0.2 }),
  // With beta 1, the default, hardly a step of it rounds.
  { name: "smoothL1-0.11", row: rowOf("smoothL1"), params: { beta: 0.11 }, ...RESIDUAL },
  { name: "asl1", row: rowOf("asl1"), params: {}, ...RESIDUAL },
];
