/** Files with the results of public peers, as `test/golden/README.md` describes them. */
import assert from "node:assert/strict";
import { json, npy } from "./project.ts";
import { MIN_NORMAL } from "./reference/float32.ts";

export type Cell = number | string;
export type Input = Partial<Record<string, Cell[]>> & { npy?: Record<string, string> };

export interface Expected {
  loss: Cell;
  grad?: Cell[];
  gradNpy?: string;
  lossEach?: Cell[];
  extra?: { lossEach?: Cell[]; minEdgeGap?: number; accSum?: Cell[]; counts?: number[] };
}

export interface Case {
  name: string;
  params: Record<string, Cell | boolean | null>;
  input: Input;
  expected: Expected;
  exact?: Expected;
  /** The right value without the peer's clamp, where that acts. */
  exactNoClamp?: Expected;
  clampActive?: boolean;
  binsDifferF32?: boolean;
  binsDifferExact?: boolean;
  peerOverflowsF32?: boolean;
  steps?: Case[];
}

export function load(file: string): Case[] {
  return json<{ cases: Case[] }>("test", "golden", `${file}.json`).cases;
}

export function values(c: Case, name: string): Float32Array<ArrayBuffer> | undefined {
  const file = c.input.npy?.[name];
  if (file) return Float32Array.from(npy("test", "golden", file).values);
  const list = c.input[name];
  return list && Float32Array.from(list, Number);
}

/**
 * What the peer computed from: logits and targets, or predictions and what they should be. Labels of rows become one
 * target for each class.
 */
export function inputs(c: Case): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  const [x, y] = [values(c, "logits") ?? values(c, "pred"), values(c, "targets") ?? values(c, "target")];
  assert.ok(x && y, c.name);
  const classes = x.length / y.length;
  if (classes === 1) return [x, y];
  return [x, Float32Array.from(x, (_, i) => (i % classes === y[Math.floor(i / classes)] ? 1 : 0))];
}

export function gradOf({ grad, gradNpy }: Expected): Float64Array {
  if (gradNpy) return Float64Array.from(npy("test", "golden", "npy", gradNpy.replace("npy/", "")).values);
  return Float64Array.from(grad ?? [], Number);
}

export function close(got: number, want: number, bound: number, what: string): void {
  assert.ok(Math.abs(got - want) <= bound + MIN_NORMAL, `${what}: got ${got}, want ${want}`);
}

/** Targets that are neither 0 nor 1. */
export function hasSoftTargets(c: Case): boolean {
  return values(c, "targets") !== undefined && inputs(c)[1].some((y) => y !== 0 && y !== 1);
}
