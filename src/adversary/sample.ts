import { views } from "../arena.ts";
import { options as checkOptions } from "../check.ts";
import { checkAlign } from "./affine.ts";
import { type Maps, Sampler } from "./sampler.ts";
import { checkCells, floats, placeFinite, refuseOverflow, sizes } from "./shape.ts";

export interface SampleOptions {
  /** Samples. */
  readonly n: number;
  readonly channels: number;
  /** Rows and columns of the features. */
  readonly height: number;
  readonly width: number;
  /** Rows and columns of the grid and the output; default those of the features. */
  readonly outHeight?: number | undefined;
  readonly outWidth?: number | undefined;
  /** Whether -1 and 1 are the centres of the outer cells (true) or their outer edges (false, the default). */
  readonly alignCorners?: boolean | undefined;
}

export interface SampleGradients {
  /** Shape [n, channels, height, width]. */
  gradFeatures: Float32Array<ArrayBuffer>;
  /** Shape [n, outHeight, outWidth, 2], x first. */
  gradGrid: Float32Array<ArrayBuffer>;
}

const KNOWN = ["n", "channels", "height", "width", "outHeight", "outWidth", "alignCorners"] as const;

function checkMaps(task: string, options: SampleOptions): Maps & { n: number } {
  checkOptions(task, options, KNOWN);
  const given = sizes(task, options, ["n", "channels", "height", "width"]);
  const { outHeight, outWidth } = sizes(
    task,
    { outHeight: options.outHeight ?? given.height, outWidth: options.outWidth ?? given.width },
    ["outHeight", "outWidth"],
  );
  checkCells(task, given.height, given.width);
  checkCells(task, outHeight, outWidth);
  return { ...given, outHeight, outWidth, alignCorners: checkAlign(task, options.alignCorners) };
}

/**
 * Bilinear sampling with zeros outside: each output cell is the weighted sum of the four cells around its grid point.
 *
 * @param features shape [n, channels, height, width], finite
 * @param grid shape [n, outHeight, outWidth, 2], finite, x first; [-1, 1] spans the features
 * @returns shape [n, channels, outHeight, outWidth]
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other shapes and the first value that is not finite
 *
 * Error: at most 4 x 2^-24 sum |w v| over the four corners; places and fractions are float64
 * (test/deformation.test.ts). A point whose corners are all outside gives exactly +0.
 * Source: Jaderberg et al. 2015 (arXiv 1506.02025), equation 5; both corner conventions of torch's grid_sample.
 */
export function sample(
  features: Float32Array,
  grid: Float32Array,
  options: SampleOptions,
): Float32Array<ArrayBuffer> {
  const task = "sample features";
  const maps = checkMaps(task, options);
  const { n, channels, height, width, outHeight, outWidth } = maps;
  floats(task, "features", features, [n, channels, height, width]);
  floats(task, "grid", grid, [n, outHeight, outWidth, 2]);
  const points = outHeight * outWidth * 2;
  const output = new Float32Array((n * channels * points) / 2);
  if (n === 0) return output;
  const sampler = new Sampler(task, maps);
  for (let s = 0; s < n; s++) {
    placeFinite(task, "grid", grid, s * points, points, sampler.grid);
    sampler.look();
    sampler.forward(s, features, output);
  }
  if (sampler.overflows) refuseOverflow(task, "samples", output);
  return output;
}

/**
 * The gradients of `sample`: what came from outside has none. Where a grid point lies on a row or column of centres the
 * slope has a jump, and is that of the side with the larger coordinate.
 *
 * @param gradOutput shape [n, channels, outHeight, outWidth], finite
 * @throws as `sample`, and a RangeError where a gradient exceeds float32
 *
 * Error: gradFeatures within (k + 2) 2^-24 sum |w dY|, k the output cells that a cell went to; gradGrid within
 * 2^-21 sum |dY| (|v00| + |v01| + |v10| + |v11|) times the scale of its axis (test/deformation.test.ts).
 * Method: output cells are scattered in rising order, so that the bits do not depend on anything else.
 */
export function sampleBackward(
  gradOutput: Float32Array,
  features: Float32Array,
  grid: Float32Array,
  options: SampleOptions,
): SampleGradients {
  const task = "take a sample's gradient";
  const maps = checkMaps(task, options);
  const { n, channels, height, width, outHeight, outWidth } = maps;
  floats(task, "gradOutput", gradOutput, [n, channels, outHeight, outWidth]);
  floats(task, "features", features, [n, channels, height, width]);
  floats(task, "grid", grid, [n, outHeight, outWidth, 2]);
  const points = outHeight * outWidth * 2;
  const gradFeatures = new Float32Array(features.length);
  const gradGrid = new Float32Array(grid.length);
  if (n === 0) return { gradFeatures, gradGrid };
  const sampler = new Sampler(task, maps);
  for (let s = 0; s < n; s++) {
    placeFinite(task, "grid", grid, s * points, points, sampler.grid);
    sampler.look();
    sampler.backward(s, gradOutput, features, gradFeatures);
    const start = sampler.gradGrid >>> 2;
    gradGrid.set(views().f32.subarray(start, start + points), s * points);
  }
  if (sampler.overflows) refuseOverflow(task, "gradients of the features", gradFeatures);
  refuseOverflow(task, "gradients of the grid", gradGrid);
  return { gradFeatures, gradGrid };
}
