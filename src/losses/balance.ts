import { type Form, type PerClass, perClass } from "../define.ts";

/** 1 - alpha, subtracted in float64. */
function complement(alpha: PerClass): PerClass {
  return typeof alpha === "number" ? 1 - alpha : alpha.map((a) => 1 - a);
}

/** The weights of target 1 and of target 0 under `alpha`, which is null for none, a number or one per class. */
export function balance(task: string, alpha: unknown, classes: unknown): Pick<Form, "positive" | "negative"> {
  if (alpha === null) return { positive: 1, negative: 1 };
  const positive = perClass(task, "alpha", alpha, classes, 0, 1);
  return { positive, negative: complement(positive) };
}

/** The weight of a row by its label under `alpha`: null for none, a number for all or one per class. */
export function byLabel(task: string, alpha: unknown, classes: number): PerClass {
  return alpha === null ? 1 : perClass(task, "alpha", alpha, classes, 0, 3.4028234663852886e38);
}
