import { number } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";
import { type Form, float } from "./form.ts";

/** The power of two that brings mu into [1, 2), and mu times it. */
function scale(mu: number): [unit: number, scaled: number] {
  let scaled = Math.fround(mu);
  let unit = 1;
  for (; scaled < 1; scaled *= 2) unit *= 2;
  for (; scaled >= 2; scaled /= 2) unit /= 2;
  return [unit, scaled];
}

/** Authentic smooth L1: its gradient is the signed gradient norm g of gradient harmonizing for regression. */
export function asl1Form(name: string, task: string, mu: unknown): Form {
  const checked = number(task, "mu", mu, 1.1754943508222875e-38, 3.4028234663852886e38);
  return {
    name,
    hard: kernel.asl1Far,
    near: kernel.asl1,
    real: true,
    fields: scale(checked).map(float),
    positive: 1,
    negative: 1,
    classes: 1,
  };
}
