import { CHUNK, reserve, views } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import { isFinitePattern, placeFinite } from "./shape.ts";

/** The sizes of one sample: maps in, maps out. */
export interface Maps {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly alignCorners: boolean;
}

/** Bytes of one entry of the table that `corners` writes. */
const ENTRY = 48;

/**
 * Bilinear sampling of one sample at a time, in rooms whose size does not depend on how many samples there are.
 * Channels are taken in groups, transposed so that those of a cell are neighbours.
 */
export class Sampler {
  /** One grid [outHeight, outWidth, 2] of float32, to be filled before `look`; and its gradient. */
  readonly grid: number;
  readonly gradGrid: number;
  /** Whether a result was beyond float32. */
  overflows = false;
  /** Rooms behind those of the sampler, for the caller. */
  readonly extra: number[];
  readonly #task: string;
  readonly #maps: Maps;
  readonly #step: number;
  readonly #cells: number;
  readonly #outCells: number;
  readonly #scale: readonly [number, number];
  readonly #table: number;
  readonly #sums: number;
  readonly #planes: number;
  readonly #from: number;
  readonly #to: number;
  readonly #grad: number;

  constructor(task: string, maps: Maps, extra: readonly number[] = []) {
    const { channels, height, width, outHeight, outWidth, alignCorners } = maps;
    this.#task = task;
    this.#maps = maps;
    this.#cells = height * width;
    this.#outCells = outHeight * outWidth;
    const most = Math.max(this.#cells, this.#outCells);
    const whole = Math.ceil(channels / 4) * 4;
    this.#step = Math.min(whole, Math.max(4, Math.floor(CHUNK / most) & ~3));
    this.#scale = alignCorners ? [(width - 1) / 2, (height - 1) / 2] : [width / 2, height / 2];
    // Four cells more than there are: the one of zeros, and what whole tiles write behind it.
    const row = this.#step * 4;
    const points = this.#outCells;
    const stack = (cells: number) => (cells + 4) * row;
    const [grid, gradGrid, table, sums, planes, from, to, grad, ...rest] = reserve([
      points * 8,
      points * 8,
      points * ENTRY,
      points * 16,
      stack(most),
      stack(this.#cells),
      stack(most),
      stack(this.#outCells),
      ...extra,
    ]) as [number, number, number, number, number, number, number, number, ...number[]];
    this.grid = grid;
    this.gradGrid = gradGrid;
    this.#table = table;
    this.#sums = sums;
    this.#planes = planes;
    this.#from = from;
    this.#to = to;
    this.#grad = grad;
    this.extra = rest;
  }

  /** Finds the corners that each output cell looks at. */
  look(): void {
    const { width, height } = this.#maps;
    const [x, y] = this.#scale;
    kernel.corners(this.#outCells, this.grid, width, height, x, y, this.#step * 4, this.#table);
  }

  /** Copies some channels in as cells, and zeros behind them. */
  #copyIn(
    name: string,
    values: Float32Array,
    from: number,
    channels: number,
    cells: number,
    to: number,
  ): void {
    placeFinite(this.#task, name, values, from, channels * cells, this.#planes);
    const start = this.#planes >>> 2;
    // Channels that are not there are zeros: they take part in sums over channels.
    if (channels < this.#step) views().f32.fill(0, start + channels * cells, start + this.#step * cells);
    kernel.toCells(this.#step, cells, this.#planes, to);
    const end = (to >>> 2) + cells * this.#step;
    views().f32.fill(0, end, end + this.#step);
  }

  #copyOut(values: Float32Array, from: number, channels: number, cells: number, at: number): void {
    kernel.toPlanes(this.#step, cells, at, this.#planes);
    const start = this.#planes >>> 2;
    const end = start + channels * cells;
    const { f32 } = views();
    f32.fill(0, end, end + 3);
    if (!isFinitePattern(kernel.extent(end - start, this.#planes))) this.overflows = true;
    values.set(f32.subarray(start, end), from);
  }

  /** Calls `each` with the first channel of every group and how many it has. */
  #groups(each: (channel: number, count: number) => void): void {
    const { channels } = this.#maps;
    for (let c = 0; c < channels; c += this.#step) each(c, Math.min(this.#step, channels - c));
  }

  forward(sample: number, features: Float32Array, output: Float32Array): void {
    const first = sample * this.#maps.channels;
    this.#groups((c, count) => {
      this.#copyIn("features", features, (first + c) * this.#cells, count, this.#cells, this.#from);
      kernel.blend(this.#outCells, this.#step * 4, this.#table, this.#from, this.#to);
      this.#copyOut(output, (first + c) * this.#outCells, count, this.#outCells, this.#to);
    });
  }

  /** Gradients of the features, and of the grid at `gradGrid`. */
  backward(
    sample: number,
    gradOutput: Float32Array,
    features: Float32Array,
    gradFeatures: Float32Array,
  ): void {
    const first = sample * this.#maps.channels;
    const row = this.#step * 4;
    const [x, y] = this.#scale;
    const points = this.#outCells;
    views().f64.fill(0, this.#sums >>> 3, (this.#sums >>> 3) + points * 2);
    this.#groups((c, count) => {
      this.#copyIn("gradOutput", gradOutput, (first + c) * points, count, points, this.#grad);
      this.#copyIn("features", features, (first + c) * this.#cells, count, this.#cells, this.#from);
      kernel.slopes(points, row, this.#table, this.#from, this.#grad, x, y, this.#sums);
      const start = this.#to >>> 2;
      views().f32.fill(0, start, start + (this.#cells + 1) * this.#step);
      kernel.scatter(points, row, this.#table, this.#grad, this.#to);
      this.#copyOut(gradFeatures, (first + c) * this.#cells, count, this.#cells, this.#to);
    });
    kernel.narrow(points * 2, this.#sums, this.gradGrid);
  }
}
