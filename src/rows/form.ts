import type { PerClass } from "../stream/form.ts";
import type { HardKernel } from "../wasm/kernel.ts";

/** What a row loses through the classes that are not its label, beside their sum. */
export type Second =
  /** part * sum of -log p over them, behind cross-entropy of the label. */
  | { readonly kind: "smooth"; readonly part: number }
  /** part * sum of p^gamma (-log p) over them. */
  | { readonly kind: "tail"; readonly gamma: number; readonly part: number }
  /** A factor softmax(-k x) of the label. */
  | { readonly kind: "rival"; readonly k: number };

/** A loss of rows with its parameters set: a binary loss of the margin, and what comes on top. */
export interface RowForm {
  readonly name: string;
  /** The binary loss, for targets 0 and 1. */
  readonly margin: HardKernel;
  /** Its parameters behind divisor and class weights. */
  readonly fields: readonly number[];
  /** The label's share of the target: below 1 where labels are smoothed. */
  readonly share: number;
  readonly second?: Second | undefined;
  /** Weight of a row, for all or by its label. */
  readonly alpha: PerClass;
  readonly classes: number;
  readonly ignoreIndex: number;
}

/** From so many classes on a row is worked on as it lies: what is done once a row counts little then. */
const LONG = 64;

/** Whether rows stay as they are; else four go side by side, which is what a second term per class expects. */
export function isLong({ classes, second }: RowForm): boolean {
  return classes >= LONG && second === undefined;
}
