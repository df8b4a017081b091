import { reserve, views } from "../arena.ts";
import { options as checkOptions, flag } from "../check.ts";
import { kernel } from "../wasm/kernel.ts";
import { checkCells, floats, isFinitePattern, placeFinite, refuseOverflow, sizes } from "./shape.ts";

export interface GridOptions {
  /** Samples. */
  readonly n: number;
  /** Rows and columns of the grid: those of the output that is sampled with it. */
  readonly height: number;
  readonly width: number;
  /** Whether -1 and 1 are the centres of the outer cells (true) or their outer edges (false, the default). */
  readonly alignCorners?: boolean | undefined;
}

const KNOWN = ["n", "height", "width", "alignCorners"] as const;
const SIZES = ["n", "height", "width"] as const;

export function checkAlign(task: string, value: unknown): boolean {
  return value === undefined ? false : flag(task, "alignCorners", value);
}

/** Rooms for one grid at a time. */
export interface GridRooms {
  readonly height: number;
  readonly width: number;
  /** Centres of columns and rows, float64. */
  readonly xs: number;
  readonly ys: number;
  /** One [2, 3] matrix of float32, and six float64 sums. */
  readonly theta: number;
  readonly sums: number;
}

/** Bytes that `layGrid` asks for: centres of columns and rows, a matrix, its sums. */
export function gridBytes(height: number, width: number): [number, number, number, number] {
  return [width * 8, height * 8, 6 * 4, 6 * 8];
}

/** Normalised centres of `size` cells; one cell alone is at 0. */
function centres(size: number, align: boolean, address: number): void {
  const { f64 } = views();
  const start = address >>> 3;
  const divisor = align ? Math.max(size - 1, 1) : size;
  for (let i = 0; i < size; i++) f64[start + i] = (2 * i - (size - 1)) / divisor;
}

export function layGrid(
  height: number,
  width: number,
  align: boolean,
  rooms: readonly [number, number, number, number],
): GridRooms {
  const [xs, ys, theta, sums] = rooms;
  centres(width, align, xs);
  centres(height, align, ys);
  return { height, width, xs, ys, theta, sums };
}

/** Adds up the gradient of one grid, in the arena, to that of its matrix. */
export function thetaGradient(
  rooms: GridRooms,
  grad: number,
): [number, number, number, number, number, number] {
  const { height, width, xs, ys, sums } = rooms;
  kernel.affineGridBackward(height, width, xs, ys, grad, sums);
  const { f64 } = views();
  const at = sums >>> 3;
  return [f64[at]!, f64[at + 2]!, f64[at + 4]!, f64[at + 1]!, f64[at + 3]!, f64[at + 5]!];
}

/**
 * The sampling grid of an affine map: (x, y) = theta (x_j, y_i, 1) for the centre of each output cell.
 *
 * @param theta shape [n, 2, 3], finite
 * @returns shape [n, height, width, 2], x first; [-1, 1] spans the map that is sampled
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for other shapes, the first value that is not finite, a point that float32 cannot hold
 *
 * Error: float64, rounded once: 0.501 ulp plus 2^-51 of the largest of the three terms (test/deformation.test.ts).
 * Centres: (2j - (W - 1)) / W, or / (W - 1) with aligned corners; one cell alone is at 0.
 * Source: Jaderberg et al. 2015 (arXiv 1506.02025), equation 1; both corner conventions of torch's affine_grid.
 */
export function affineGrid(theta: Float32Array, options: GridOptions): Float32Array<ArrayBuffer> {
  const task = "lay an affine grid";
  checkOptions(task, options, KNOWN);
  const { n, height, width } = sizes(task, options, SIZES);
  const align = checkAlign(task, options.alignCorners);
  checkCells(task, height, width);
  floats(task, "theta", theta, [n, 2, 3]);
  const points = height * width * 2;
  const [grid, ...rest] = reserve([points * 4, ...gridBytes(height, width)]) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const rooms = layGrid(height, width, align, rest);
  const out = new Float32Array(n * points);
  for (let s = 0; s < n; s++) {
    placeFinite(task, "theta", theta, s * 6, 6, rooms.theta);
    kernel.affineGrid(height, width, rooms.xs, rooms.ys, rooms.theta, grid);
    const { f32 } = views();
    const start = grid >>> 2;
    f32.fill(0, start + points, start + points + 3);
    const holds = isFinitePattern(kernel.extent(points, grid));
    out.set(f32.subarray(start, start + points), s * points);
    if (!holds) refuseOverflow(task, "grid points", out);
  }
  return out;
}

/**
 * The gradient of a grid's matrix: sum over the grid of dG (x_j, y_i, 1)^T, shape [n, 2, 3].
 *
 * @param gradGrid shape [n, height, width, 2], finite
 * @throws as `affineGrid`
 *
 * Error: float64 sums, rounded once: 0.5 ulp plus (height + width) 2^-52 sum |dG x| (test/deformation.test.ts).
 */
export function affineGridBackward(gradGrid: Float32Array, options: GridOptions): Float32Array<ArrayBuffer> {
  const task = "take an affine grid's gradient";
  checkOptions(task, options, KNOWN);
  const { n, height, width } = sizes(task, options, SIZES);
  const align = checkAlign(task, options.alignCorners);
  checkCells(task, height, width);
  floats(task, "gradGrid", gradGrid, [n, height, width, 2]);
  const points = height * width * 2;
  const [grad, ...rest] = reserve([points * 4, ...gridBytes(height, width)]) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const rooms = layGrid(height, width, align, rest);
  const out = new Float32Array(n * 6);
  for (let s = 0; s < n; s++) {
    placeFinite(task, "gradGrid", gradGrid, s * points, points, grad);
    out.set(thetaGradient(rooms, grad), s * 6);
  }
  refuseOverflow(task, "gradients of theta", out);
  return out;
}
