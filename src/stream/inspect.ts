import { at, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import { type Batch, refuse } from "./batch.ts";
import { type Form, single } from "./form.ts";

const INFINITE = 0x7f800000;
const ONE = 0x3f800000;
const LARGEST = 0x7f7fffff;

/** Targets above 1/2 of the chunk in the arena. */
export function countPositives(size: number): number {
  kernel.surveySoft(size, at.t, at.report);
  return views().i32[(at.report >>> 2) + 1]!;
}

/** Whether one of the values in the arena is not finite. */
export function isBeyond(size: number, address: number): boolean {
  return kernel.surveyReal(size, address, address) >>> 0 >= INFINITE;
}

/**
 * What the chunk in the arena holds; `heaviest` is its largest weight. Throws for the first value that the loss is not defined for; predictions and
 * real-valued targets are looked at by `inspectReal`, later.
 */
export function inspect(
  task: string,
  form: Form,
  batch: Batch,
  from: number,
  size: number,
): { isSoft: boolean; heaviest: number; positives: number | undefined } {
  const { f32, u32 } = views();
  const report = at.report >>> 2;
  let isSoft = false;
  let positives: number | undefined;
  let refused = false;
  if (!form.real) {
    kernel.survey(size, at.x, at.t, at.report);
    isSoft = u32[report + 1] !== 0;
    positives = f32[report + 2]!;
    refused = u32[report]! >= INFINITE || (isSoft && !form.soft);
  }
  if (isSoft && !refused) {
    positives = countPositives(size);
    refused = u32[report]! > ONE;
  }
  let heaviest = 1;
  if (batch.weights) {
    const most = kernel.gauge(size, at.w) >>> 0;
    refused ||= most > LARGEST;
    heaviest = single(most);
  }
  if (refused) refuse(task, form, batch, from, size);
  return { isSoft, heaviest, positives };
}

/** Throws for the first prediction or target in the arena that is not finite. */
export function inspectReal(task: string, form: Form, batch: Batch, from: number, size: number): void {
  if (kernel.surveyReal(size, at.x, at.t) >>> 0 >= INFINITE) refuse(task, form, batch, from, size);
}
