import { reserve, views } from "../arena.ts";
import { options as checkOptions, number } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";
import { checkAlign, type GridRooms, gridBytes, layGrid, thetaGradient } from "./affine.ts";
import { type Maps, Sampler } from "./sampler.ts";
import { checkCells, floats, placeFinite, refuseOverflow, sizes } from "./shape.ts";

export interface RotateOptions {
  /** Samples. */
  readonly n: number;
  /** A multiple of `blocks`. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Groups of neighbouring channels, each with its own angle; default 4. */
  readonly blocks?: number | undefined;
  /** Angles beyond it are taken as it; from 0 to 180, default 10. */
  readonly maxDegrees?: number | undefined;
  /** Whether -1 and 1 are the centres of the outer cells (true) or their outer edges (false, the default). */
  readonly alignCorners?: boolean | undefined;
}

export interface RotationGradients {
  /** Shape [n, channels, height, width]. */
  gradFeatures: Float32Array<ArrayBuffer>;
  /** Shape [n, blocks]; 0 where the angle was beyond `maxDegrees`. */
  gradAngles: Float32Array<ArrayBuffer>;
}

export interface Rotation {
  /** Shape [n, channels, height, width]. */
  output: Float32Array<ArrayBuffer>;
  /** The gradients for one of `output`. The features must hold what they held: they are not copied. */
  backward(gradOutput: Float32Array): RotationGradients;
}

const KNOWN = ["n", "channels", "height", "width", "blocks", "maxDegrees", "alignCorners"] as const;

/** Every block of channels is a sample of its own with one angle. */
interface Blocks {
  readonly maps: Maps;
  readonly samples: number;
  readonly sines: Float32Array;
  readonly cosines: Float32Array;
  /** 1 where the angle is within its limits, 0 where it was brought back to them. */
  readonly free: Uint8Array;
}

/** Sines and cosines of the angles, limited; their bits are the module's, the same everywhere. */
function turn(task: string, angles: Float32Array, limit: number): Pick<Blocks, "sines" | "cosines" | "free"> {
  const count = angles.length;
  const free = new Uint8Array(count);
  const [at, sines, cosines] = reserve([count * 4, count * 4, count * 4]) as [number, number, number];
  placeFinite(task, "angles", angles, 0, count, at);
  const { f32 } = views();
  for (let i = 0, j = at >>> 2; i < count; i++, j++) {
    const angle = f32[j]!;
    if (angle >= -limit && angle <= limit) free[i] = 1;
    else f32[j] = angle < 0 ? -limit : limit;
  }
  kernel.turns(count, at, sines, cosines);
  const cut = (address: number) => f32.slice(address >>> 2, (address >>> 2) + count);
  return { sines: cut(sines), cosines: cut(cosines), free };
}

/** Rooms of one block: the sampler's, and its grid's. */
function rooms(task: string, maps: Maps): { sampler: Sampler; grid: GridRooms } {
  const { height, width } = maps;
  const sampler = new Sampler(task, maps, gridBytes(height, width));
  const grid = layGrid(height, width, maps.alignCorners, sampler.extra as [number, number, number, number]);
  return { sampler, grid };
}

/** Lays the grid of one block and finds its corners. */
function look({ sampler, grid }: { sampler: Sampler; grid: GridRooms }, sine: number, cosine: number): void {
  views().f32.set([cosine, -sine, 0, sine, cosine, 0], grid.theta >>> 2);
  kernel.affineGrid(grid.height, grid.width, grid.xs, grid.ys, grid.theta, sampler.grid);
  sampler.look();
}

function turnBack(gradOutput: Float32Array, features: Float32Array, blocks: Blocks): RotationGradients {
  const task = "take a rotation's gradient";
  const { maps, samples, sines, cosines, free } = blocks;
  const { channels, height, width } = maps;
  floats(task, "gradOutput", gradOutput, [samples, channels, height, width]);
  floats(task, "features", features, [samples, channels, height, width]);
  const gradFeatures = new Float32Array(features.length);
  const gradAngles = new Float32Array(samples);
  if (samples === 0) return { gradFeatures, gradAngles };
  const inside = rooms(task, maps);
  for (let b = 0; b < samples; b++) {
    const sine = sines[b]!;
    const cosine = cosines[b]!;
    look(inside, sine, cosine);
    inside.sampler.backward(b, gradOutput, features, gradFeatures);
    const theta = thetaGradient(inside.grid, inside.sampler.gradGrid);
    const slope = cosine * (theta[3] - theta[1]) - sine * (theta[0] + theta[4]);
    gradAngles[b] = free[b] ? slope : 0;
  }
  if (inside.sampler.overflows) refuseOverflow(task, "gradients of the features", gradFeatures);
  refuseOverflow(task, "gradients of the angles", gradAngles);
  return { gradFeatures, gradAngles };
}

/**
 * Rotates blocks of channels about the centre of the map, each by its own angle.
 *
 * @param features shape [n, channels, height, width], finite
 * @param angles shape [n, blocks], radians, finite; beyond `maxDegrees` they count as `maxDegrees`, with gradient 0
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other shapes, channels that are no multiple of blocks, the first value that is not finite
 *
 * Bit for bit `sample` with the grid of theta = [[cos, -sin, 0], [sin, cos, 0]] (test/deformation.test.ts): the
 * output at (x, y) is the input at (x cos - y sin, x sin + y cos), in normalised coordinates, so that a map that is
 * not square is sheared as well. Sine and cosine are within 0.501 ulp (test/turn.test.ts).
 * Source: Wang, Shrivastava, Gupta 2017 (arXiv 1704.03414), section 3.3: four blocks, ten degrees.
 */
export function rotate(features: Float32Array, angles: Float32Array, options: RotateOptions): Rotation {
  const task = "rotate features";
  checkOptions(task, options, KNOWN);
  const { n, channels, height, width } = sizes(task, options, ["n", "channels", "height", "width"]);
  const { blocks } = sizes(task, { blocks: options.blocks ?? 4 }, ["blocks"]);
  const degrees = number(task, "maxDegrees", options.maxDegrees ?? 10, 0, 180);
  const alignCorners = checkAlign(task, options.alignCorners);
  checkCells(task, height, width);
  if (channels % blocks !== 0) {
    throw new RangeError(`Cannot ${task}: expected a multiple of ${blocks} channels, got ${channels}`);
  }
  floats(task, "features", features, [n, channels, height, width]);
  floats(task, "angles", angles, [n, blocks]);
  const samples = n * blocks;
  const maps = {
    channels: channels / blocks,
    height,
    width,
    outHeight: height,
    outWidth: width,
    alignCorners,
  };
  const limit = Math.fround((degrees * Math.PI) / 180);
  const turned: Blocks = { maps, samples, ...turn(task, angles, limit) };
  const output = new Float32Array(features.length);
  if (samples > 0) {
    const inside = rooms(task, maps);
    for (let b = 0; b < samples; b++) {
      look(inside, turned.sines[b]!, turned.cosines[b]!);
      inside.sampler.forward(b, features, output);
    }
    if (inside.sampler.overflows) refuseOverflow(task, "samples", output);
  }
  return { output, backward: (gradOutput) => turnBack(gradOutput, features, turned) };
}
