import { at, views } from "../arena.ts";
import { array, options as checkOptions, integer, length } from "../check.ts";
import { clearCells, readCells } from "../ghm/histogram.ts";
import { checkBatch } from "../stream/batch.ts";
import { signedNorms } from "../stream/cross-entropy.ts";
import { kernel } from "../wasm/kernel.ts";

export interface GradientMassOptions {
  /** Equal parts of the difficulty g in [0, 1]: a whole number from 1 to 256; default 10. */
  readonly bins?: number | undefined;
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

export interface GradientMass {
  /** Elements of each part. */
  counts: Float64Array;
  /** The sum of their absolute gradients: exact, rounded once. */
  mass: Float64Array;
  /** Their share of the sum of all; 0 everywhere where that is 0. */
  share: Float64Array;
}

/**
 * Where a loss takes its gradient from: the sum of |grad| by difficulty g = |sigmoid(x) - t|, the gradient norm of
 * plain cross-entropy. Part j holds g in [j / bins, (j + 1) / bins), the last one 1 too.
 *
 * @param logits shape [n], finite
 * @param targets shape [n], each 0 or 1
 * @param grad shape [n], finite: the gradient of any loss with respect to these logits
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths and the first value outside the domain
 *
 * Error: counts and sums are exact for the float32 g and gradients; sums are rounded once.
 */
export function gradientMass(
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  grad: Float32Array,
  options?: GradientMassOptions,
): GradientMass {
  const task = "compute the gradient mass";
  checkOptions(task, options, ["bins", "mask"]);
  const mask = options?.mask;
  const bins = options?.bins === undefined ? 10 : integer(task, "bins", options.bins, 1, 256);
  const batch = checkBatch(task, logits, targets, mask, undefined, 1, {});
  array<Float32Array>(task, "grad", grad, ["Float32Array"]);
  length(task, "gradients", grad.length, logits.length);
  let masked = 0;
  clearCells(bins);
  signedNorms(task, batch, ({ from, size, valid }) => {
    const { f32 } = views();
    f32.set(grad.subarray(from, from + size), at.x >>> 2);
    if (batch.mask) kernel.blank(size, at.mask, at.x, at.t, at.w);
    kernel.magnitudes(size, at.x, 0, at.loss);
    const most = kernel.tallyFloor(size, at.grad, at.loss, bins, at.tables, at.bytes, at.cells) >>> 0;
    if (most >= 0x7f800000) {
      const i = f32.subarray(at.loss >>> 2, (at.loss >>> 2) + size).findIndex((v) => !Number.isFinite(v));
      throw new RangeError(
        `Cannot ${task}: expected finite gradients, got ${grad[from + i]} at index ${from + i}`,
      );
    }
    masked += size - valid;
  });
  const { histogram, lossSum } = readCells(bins, masked);
  const { counts, lossSums: mass } = histogram;
  return { counts, mass, share: mass.map((sum) => (lossSum > 0 ? sum / lossSum : 0)) };
}
