/** Some rows of the inputs, as a loss takes them. */
import {
  type Labels,
  type Origin,
  toFloats,
  toIndices,
  toLabels,
  toMask,
  toTargets,
  type Values,
} from "./convert.ts";
import type { Role } from "./source.ts";

/** What the values of a file become. Of the roles, those that were opened. */
interface Kinds {
  logits: Float32Array;
  scores: Float32Array;
  pairs: Uint32Array;
  losses: Float32Array;
  targets: Float32Array | Uint8Array;
  labels: Labels;
  mask?: Uint8Array;
  weights?: Float32Array;
  boxes?: Float32Array;
  groups?: Labels;
  positives?: Uint8Array;
}

/** Rows that belong together; `first` is the place of the first one in the files. */
export interface Batch extends Kinds {
  first: number;
  rows: number;
}

type Convert = (
  values: Values,
  origin: Origin,
  mask: Uint8Array | undefined,
) => Float32Array | Uint32Array | Labels;

export const CONVERT: Record<Role, Convert> = {
  logits: toFloats,
  scores: toFloats,
  pairs: toIndices,
  losses: toFloats,
  targets: toTargets,
  labels: toLabels,
  mask: toMask,
  weights: toFloats,
  boxes: toFloats,
  groups: toLabels,
  positives: toMask,
};
