import { at, CHUNK, views } from "../arena.ts";
import { array, options as checkOptions, integer } from "../check.ts";
import { checkBytes, checkLength, checkLosses } from "../selection/arguments.ts";
import { clear, DIGITS } from "../stream/exact-sum.ts";
import { kernel } from "../wasm/kernel.ts";

export interface BreakdownOptions {
  /** Classes of a batch [rows, classes], row by row, at most 2^25; default 1. */
  readonly classes?: number | undefined;
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

/** The elements of one sign, by class. */
export interface Side {
  counts: Float64Array<ArrayBuffer>;
  /** Sums of their losses: exact, rounded once. */
  lossSums: Float64Array<ArrayBuffer>;
}

export interface Breakdown {
  classes: number;
  /** Elements with a target above 1/2, and the others. */
  positives: Side;
  negatives: Side;
}

type Targets = Float32Array | Uint8Array;

/** Throws for the first element that has no loss or no target. */
function checkValues(
  task: string,
  losses: Float32Array,
  targets: Targets,
  mask: Uint8Array | undefined,
): void {
  for (let i = 0; i < losses.length; i++) {
    if (mask && mask[i] === 0) continue;
    if (!Number.isFinite(losses[i]!)) {
      throw new RangeError(`Cannot ${task}: expected finite losses, got ${losses[i]} at index ${i}`);
    }
    if (!(targets[i]! >= 0 && targets[i]! <= 1)) {
      throw new RangeError(`Cannot ${task}: expected targets in [0, 1], got ${targets[i]} at index ${i}`);
    }
  }
}

/** The elements of one class and sign, moved to the arena chunk by chunk and summed there. */
function sumOf(
  losses: Float32Array,
  belongs: (index: number) => boolean,
  first: number,
  step: number,
): { count: number; sum: number } {
  const room = views().f32.subarray(at.loss >>> 2, (at.loss >>> 2) + CHUNK);
  let held = 0;
  let count = 0;
  clear(at.words, DIGITS);
  for (let i = first; i < losses.length; i += step) {
    if (!belongs(i)) continue;
    room[held++] = losses[i]!;
    count++;
    if (held === CHUNK) {
      kernel.sum(held, at.loss, at.words);
      held = 0;
    }
  }
  kernel.sum(held, at.loss, at.words);
  return { count, sum: kernel.total(at.words) };
}

/**
 * Counts and losses by class and sign: which classes, and which side of them, the loss of a batch comes from.
 *
 * @param losses shape [rows, classes], finite: what `reduction: "none"` of a loss returns
 * @param targets shape [rows, classes], in [0, 1]; positive above 1/2
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths and the first value outside the domain
 *
 * Error: counts exact; sums exact, rounded once.
 */
export function breakdown(losses: Float32Array, targets: Targets, options?: BreakdownOptions): Breakdown {
  const task = "break a loss down";
  checkLosses(task, "losses", losses);
  array<Targets>(task, "targets", targets, ["Float32Array", "Uint8Array"]);
  checkOptions(task, options, ["classes", "mask"]);
  const n = losses.length;
  checkLength(task, "targets", targets.length, n);
  const mask = options?.mask;
  checkBytes(task, "mask", mask, n);
  const classes = options?.classes === undefined ? 1 : integer(task, "classes", options.classes, 1, 2 ** 25);
  if (n % classes !== 0) {
    throw new RangeError(`Cannot ${task}: expected a multiple of ${classes} classes, got ${n} losses`);
  }
  checkValues(task, losses, targets, mask);
  const side = (isPositive: boolean): Side => {
    const counts = new Float64Array(classes);
    const lossSums = new Float64Array(classes);
    const belongs = (i: number): boolean => mask?.[i] !== 0 && targets[i]! > 0.5 === isPositive;
    for (let c = 0; c < Math.min(classes, n); c++) {
      const { count, sum } = sumOf(losses, belongs, c, classes);
      counts[c] = count;
      lossSums[c] = sum;
    }
    return { counts, lossSums };
  };
  return { classes, positives: side(true), negatives: side(false) };
}
