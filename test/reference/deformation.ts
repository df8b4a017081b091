/** Affine grids and bilinear sampling by their definitions, in float64, cell by cell. */

export interface Maps {
  n: number;
  channels: number;
  height: number;
  width: number;
  outHeight: number;
  outWidth: number;
  alignCorners: boolean;
}

export function centre(i: number, size: number, align: boolean): number {
  if (align) return size === 1 ? 0 : (2 * i) / (size - 1) - 1;
  return (2 * i + 1) / size - 1;
}

/** Calls `each` for every point of a grid with its normalised centre. */
export function points(
  { n, height, width, alignCorners }: Pick<Maps, "n" | "height" | "width" | "alignCorners">,
  each: (sample: number, point: number, x: number, y: number) => void,
): void {
  for (let s = 0; s < n; s++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        each(s, i * width + j, centre(j, width, alignCorners), centre(i, height, alignCorners));
      }
    }
  }
}

export function affineGrid(theta: ArrayLike<number>, shape: Parameters<typeof points>[0]): Float64Array {
  const cells = shape.height * shape.width;
  const grid = new Float64Array(shape.n * cells * 2);
  points(shape, (s, q, x, y) => {
    for (const k of [0, 1]) {
      const at = s * 6 + k * 3;
      grid[(s * cells + q) * 2 + k] = theta[at] * x + theta[at + 1] * y + theta[at + 2];
    }
  });
  return grid;
}

export interface Corner {
  cell: number;
  weight: number;
  /** d weight / dx and d weight / dy, per unit of the grid. */
  slopeX: number;
  slopeY: number;
}

/** The corners of a point that are inside the map. */
export function corners(x: number, y: number, { height, width, alignCorners }: Maps): Corner[] {
  const scaleX = (alignCorners ? width - 1 : width) / 2;
  const scaleY = (alignCorners ? height - 1 : height) / 2;
  const column = x * scaleX + (width - 1) / 2;
  const row = y * scaleY + (height - 1) / 2;
  const left = Math.floor(column);
  const upper = Math.floor(row);
  const found: Corner[] = [];
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      const r = upper + i;
      const c = left + j;
      if (r < 0 || r >= height || c < 0 || c >= width) continue;
      const across = 1 - Math.abs(column - c);
      const down = 1 - Math.abs(row - r);
      found.push({
        cell: r * width + c,
        weight: across * down,
        slopeX: (j ? 1 : -1) * scaleX * down,
        slopeY: (i ? 1 : -1) * scaleY * across,
      });
    }
  }
  return found;
}

/** A value, the sum of the sizes of its terms, and how many there are. */
export interface Sums {
  value: Float64Array;
  size: Float64Array;
  terms: Float64Array;
}

function sums(length: number): Sums {
  const make = () => new Float64Array(length);
  return { value: make(), size: make(), terms: make() };
}

function add(to: Sums, at: number, term: number): void {
  to.value[at] += term;
  to.size[at] += Math.abs(term);
  to.terms[at]++;
}

export function sample(features: ArrayLike<number>, grid: ArrayLike<number>, maps: Maps): Sums {
  const { n, channels, outHeight, outWidth } = maps;
  const [cells, outCells] = [maps.height * maps.width, outHeight * outWidth];
  const out = sums(n * channels * outCells);
  for (let s = 0; s < n; s++) {
    for (let q = 0; q < outCells; q++) {
      const at = (s * outCells + q) * 2;
      for (const { cell, weight } of corners(grid[at], grid[at + 1], maps)) {
        for (let c = s * channels; c < (s + 1) * channels; c++) {
          add(out, c * outCells + q, weight * features[c * cells + cell]);
        }
      }
    }
  }
  return out;
}

export function sampleBackward(
  gradOutput: ArrayLike<number>,
  features: ArrayLike<number>,
  grid: ArrayLike<number>,
  maps: Maps,
): { features: Sums; grid: Sums; reach: Float64Array } {
  const { n, channels, outHeight, outWidth } = maps;
  const [cells, outCells] = [maps.height * maps.width, outHeight * outWidth];
  const back = { features: sums(n * channels * cells), grid: sums(n * outCells * 2) };
  /** The sum of |g v| over the corners that a point sees. */
  const reach = new Float64Array(n * outCells * 2);
  for (let s = 0; s < n; s++) {
    for (let q = 0; q < outCells; q++) {
      const at = (s * outCells + q) * 2;
      for (const { cell, weight, slopeX, slopeY } of corners(grid[at], grid[at + 1], maps)) {
        for (let c = s * channels; c < (s + 1) * channels; c++) {
          const g = gradOutput[c * outCells + q];
          add(back.features, c * cells + cell, g * weight);
          add(back.grid, at, g * features[c * cells + cell] * slopeX);
          add(back.grid, at + 1, g * features[c * cells + cell] * slopeY);
          for (const axis of [at, at + 1]) reach[axis] += Math.abs(g * features[c * cells + cell]);
        }
      }
    }
  }
  return { ...back, reach };
}
