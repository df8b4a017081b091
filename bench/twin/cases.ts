/** Kernels that have a twin in C, each over one chunk of a usual batch: what lies in memory, and the arguments. */
import { type Batch, detectorBatch, residualBatch } from "../data.ts";

export const N = 32768;
const SIZE = N * 4 + 1024;

export interface Case {
  readonly name: string;
  readonly kernel: string;
  /** Lays out memory from an address and returns the arguments. */
  lay(memory: ArrayBuffer, start: number): number[];
}

const float = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!;
const pair = (value: number): number[] => [float(value), float(value - Math.fround(value))];

/** N elements of target 0 that are all alike. */
function equal(logit: number): Batch {
  return { logits: new Float32Array(N).fill(logit), targets: new Float32Array(N) };
}

/**
 * @param words the fields of the kernel behind divisor and class weights
 * @param more arguments behind the usual ones
 */
function lossCase(
  name: string,
  kernel: string,
  words: readonly number[],
  more: readonly number[],
  batch: () => Batch = () => detectorBatch(N),
): Case {
  return {
    name,
    kernel,
    lay(memory, start) {
      const f32 = new Float32Array(memory);
      const { logits, targets } = batch();
      // Parameters and rooms of a block, then the arrays.
      const [x, t, w, loss, grad] = [0, 1, 2, 3, 4].map((k) => start + 2 * SIZE + k * SIZE) as [
        ...[number, number, number, number, number],
      ];
      new Int32Array(memory).set([float(N), float(1), float(1), ...words], start >> 2);
      f32.set(logits, x >> 2);
      f32.set(targets, t >> 2);
      f32.fill(1, w >> 2, (w >> 2) + 4);
      return [N, x, t, w, 0, start, loss, grad, ...more];
    },
  };
}

const edge = Math.log(0.05 / 0.95);
/** Whether there is a clip, the clip, one less it, its logit, both exponents, and the parts that those are made of. */
const asymmetric = [-1, float(0.05), float(0.95), ...pair(edge), float(0), float(4), 0, 1 << 28];

/** As in a call that wants no losses of elements: they stay together. */
function clippedCase(name: string, batch?: () => Batch): Case {
  const { kernel, lay } = lossCase(name, "asymmetricParts", asymmetric, [], batch);
  return { name, kernel, lay: (memory, start) => lay(memory, start).with(6, 0) };
}

export const CASES: readonly Case[] = [
  lossCase("bce", "bceHard", [], [0]),
  lossCase("focal, gamma 2", "focalSquare", [], [0]),
  lossCase("focal, gamma 1.7", "focalReal", pair(1.7), [0]),
  clippedCase("asymmetric"),
  clippedCase("  all clipped", () => equal(-8)),
  clippedCase("  none clipped", () => equal(2)),
  lossCase("asl1, mu 0.02", "asl1", [float(64), float(1.28)], [], () => residualBatch(N)),
];
