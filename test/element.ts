/** One element of a focal loss, for the theorems. */
import assert from "node:assert/strict";
import { focal } from "../src/mod.ts";

/** The reduction that gives element losses. */
export const none = "none" as const;

/** Element losses; present for reduction "none". */
export function lossesOf(result: { losses?: Float32Array }): Float32Array {
  assert.ok(result.losses);
  return result.losses;
}

/** Loss and gradient of one element under focal. */
export function at(
  x: number,
  y: number,
  gamma: number,
  alpha: number | null = null,
): { loss: number; grad: number } {
  const { loss, grad } = focal(Float32Array.of(x), Float32Array.of(y), { gamma, alpha, reduction: "sum" });
  return { loss, grad: grad[0] };
}

export function logit(p: number): number {
  return Math.log(p / (1 - p));
}
