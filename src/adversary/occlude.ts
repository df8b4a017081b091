import { CHUNK, reserve, views } from "../arena.ts";
import { options as checkOptions } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";
import { bytes, floats, isFinitePattern, placeFinite, refuseAt, refuseOverflow, sizes } from "./shape.ts";

export interface OcclusionShape {
  /** Samples. */
  readonly n: number;
  readonly channels: number;
  /** Rows and columns of each map. */
  readonly size: number;
}

const SHAPE = ["n", "channels", "size"] as const;

/** Channels of one sample that are in the arena at a time. */
function channelStep(channels: number, cells: number): number {
  return Math.min(channels, Math.max(1, Math.floor(CHUNK / cells)));
}

function hide(
  task: string,
  name: string,
  values: Float32Array,
  mask: Uint8Array,
  options: OcclusionShape,
): Float32Array<ArrayBuffer> {
  checkOptions(task, options, SHAPE);
  const { n, channels, size } = sizes(task, options, SHAPE);
  const cells = size * size;
  floats(task, name, values, [n, channels, size, size]);
  bytes(task, "mask", mask, [n, size, size]);
  const out = new Float32Array(values.length);
  const step = channelStep(channels, cells);
  const [bits, keep, x] = reserve([cells, cells * 16, step * cells * 4]) as [number, number, number];
  for (let s = 0; s < n; s++) {
    views().u8.set(mask.subarray(s * cells, (s + 1) * cells), bits);
    kernel.keepLanes(cells, bits, keep);
    for (let c = 0; c < channels; c += step) {
      const from = (s * channels + c) * cells;
      const count = Math.min(step, channels - c) * cells;
      const { f32 } = views();
      const start = x >>> 2;
      f32.set(values.subarray(from, from + count), start);
      f32.fill(0, start + count, start + count + 3);
      if (!isFinitePattern(kernel.occlude(count, cells, x, keep, x))) {
        const seen = (i: number) => mask[s * cells + ((i - from) % cells)] === 0;
        refuseAt(task, name, values, from, seen);
      }
      out.set(f32.subarray(start, start + count), from);
    }
  }
  return out;
}

/**
 * Features with the dropped cells set to 0 in all channels: Y = X (1 - M).
 *
 * @param features shape [n, channels, size, size]; finite wherever the mask leaves them
 * @param mask shape [n, size, size]: any byte but 0 drops the cell, whatever its features hold
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other shapes, and for the first feature that is seen and not finite
 *
 * Error: none; a kept feature keeps its bits, a dropped one is +0 (test/occlusion.test.ts).
 * Source: Wang, Shrivastava, Gupta 2017 (arXiv 1704.03414), section 3.2.
 */
export function apply(
  features: Float32Array,
  mask: Uint8Array,
  options: OcclusionShape,
): Float32Array<ArrayBuffer> {
  return hide("apply an occlusion mask", "features", features, mask, options);
}

/** The gradient with respect to the features: dX = dY (1 - M). As `apply`, which is its own transpose. */
export function applyBackward(
  gradOutput: Float32Array,
  mask: Uint8Array,
  options: OcclusionShape,
): Float32Array<ArrayBuffer> {
  return hide("take an occlusion's gradient", "gradOutput", gradOutput, mask, options);
}

/**
 * The gradient with respect to the mask, were it real-valued: with K = 1 - M the factor that keeps a cell,
 * dK_ij = sum over channels of dY_cij X_cij, shape [n, size, size]. That with respect to M is its negative.
 *
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other shapes, the first value that is not finite, a sum that float32 cannot hold
 *
 * Error: within 0.5 ulp + channels 2^-53 sum |dY X|: products are exact, sums float64, rounded once at the end
 * (test/occlusion.test.ts).
 */
export function maskBackward(
  gradOutput: Float32Array,
  features: Float32Array,
  options: OcclusionShape,
): Float32Array<ArrayBuffer> {
  const task = "take a mask's gradient";
  checkOptions(task, options, SHAPE);
  const { n, channels, size } = sizes(task, options, SHAPE);
  const cells = size * size;
  floats(task, "gradOutput", gradOutput, [n, channels, size, size]);
  floats(task, "features", features, [n, channels, size, size]);
  const out = new Float32Array(n * cells);
  const step = channelStep(channels, cells);
  const [x, y, sums] = reserve([step * cells * 4, step * cells * 4, cells * 8]) as [number, number, number];
  for (let s = 0; s < n; s++) {
    views().f64.fill(0, sums >>> 3, (sums >>> 3) + cells);
    for (let c = 0; c < channels; c += step) {
      const from = (s * channels + c) * cells;
      const some = Math.min(step, channels - c);
      placeFinite(task, "gradOutput", gradOutput, from, some * cells, x);
      placeFinite(task, "features", features, from, some * cells, y);
      kernel.addProducts(some, cells, x, y, sums);
    }
    out.set(views().f64.subarray(sums >>> 3, (sums >>> 3) + cells), s * cells);
  }
  refuseOverflow(task, "mask gradients", out);
  return out;
}
