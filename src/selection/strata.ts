/** Strata of examples that have two losses each. */
import type { Hardest } from "./hardest.ts";
import type { Plan } from "./schedule.ts";

/** The stratum of an example that does not exist. */
const NONE = 255;

export interface Examples {
  readonly classification: Float32Array;
  readonly localization: Float32Array;
  readonly mask: Uint8Array | undefined;
  /** What the examples are grouped by, where the plan's key is given. */
  readonly key: Float32Array | undefined;
}

/** The stratum of a value: the number of cuts at or below it, so strata are half open, the last one closed. */
export function stratumOf(value: number, cuts: readonly number[]): number {
  let stratum = 0;
  for (const cut of cuts) if (value >= cut) stratum++;
  return stratum;
}

/** Those of the examples that a chunk of them holds. */
export function part(
  { classification, localization, mask, key }: Examples,
  from: number,
  to: number,
): Examples {
  return {
    classification: classification.subarray(from, to),
    localization: localization.subarray(from, to),
    mask: mask?.subarray(from, to),
    key: key?.subarray(from, to),
  };
}

/** The weighted losses of the examples; masked ones have 0. Messages count from `first`. */
export function combine(
  task: string,
  { classification, localization, mask }: Examples,
  { a, b }: Plan,
  first = 0,
): Float32Array {
  const combined = new Float32Array(classification.length);
  for (let i = 0; i < combined.length; i++) {
    if (mask && mask[i] === 0) continue;
    const [c, l] = [classification[i]!, localization[i]!];
    const loss = Math.fround(a * c + b * l);
    if (!(c >= 0 && l >= 0) || !(loss < Infinity)) {
      throw new RangeError(
        `Cannot ${task}: expected losses >= 0 whose weighted sum a float32 can hold, got ${c} and ${l} at index ${first + i}`,
      );
    }
    combined[i] = loss;
  }
  return combined;
}

/** The stratum of every example that the mask leaves. */
export function stratify(
  task: string,
  { classification, localization, mask, key }: Examples,
  combined: Float32Array,
  plan: Plan,
  first = 0,
): Uint8Array<ArrayBuffer> {
  const ratioAt = (i: number): number => {
    const sum = classification[i]! + localization[i]!;
    return sum > 0 ? localization[i]! / sum : 0;
  };
  const strata = new Uint8Array(combined.length).fill(NONE);
  for (let i = 0; i < strata.length; i++) {
    if (mask && mask[i] === 0) continue;
    const value = key ? key[i]! : plan.key === "ratio" ? ratioAt(i) : combined[i]!;
    if (Number.isNaN(value)) {
      throw new RangeError(`Cannot ${task}: expected key values, got NaN at index ${first + i}`);
    }
    strata[i] = stratumOf(value, plan.cuts);
  }
  return strata;
}

/** Adds every example, the first of which has the index `first`, to the list of its stratum. */
export function distribute(
  task: string,
  lists: readonly Hardest[],
  losses: Float32Array,
  strata: Uint8Array,
  first: number,
): void {
  lists.forEach((list, s) => {
    if (!strata.includes(s)) return;
    const own = strata.map((stratum) => (stratum === s ? 1 : 0));
    list.add(task, losses, own, first);
  });
}
