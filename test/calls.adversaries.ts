/** How the kernels of the adversaries may be called, as in `calls.ts`. */
import type { Arena, Kind } from "./arena.ts";
import type { Call, Calls } from "./calls.ts";

const SIDES = [1, 2, 3, 5, 8];

/** n elements as maps: as many cells as fit one of the sides, and so many channels. */
function maps({ random }: Arena, n: number): { cells: number; channels: number } {
  const cells = Math.min(random.pick(SIDES) ** 2, Math.max(n, 1));
  return { cells, channels: Math.floor(n / cells) };
}

/** Rows of channels that a table of corners leads to: the last is the one behind the map. */
const CELLS = 7;

/** A table of n points: offsets of rows, weights and fractions. */
function table(arena: Arena, n: number, row: number): number {
  const at = arena.room(48 * n);
  const words = new Uint32Array(arena.image.buffer);
  const floats = new Float32Array(arena.image.buffer);
  for (let i = at >> 2; i < (at >> 2) + 12 * n; i += 12) {
    for (let k = 0; k < 4; k++) words[i + k] = row * arena.random.below(CELLS);
    for (let k = 4; k < 12; k++) floats[i + k] = arena.random.next();
  }
  return at;
}

/** Points and bytes of a row: n is mostly the length of the rows, which the inner loop runs over. */
function rows(n: number): { points: number; row: number } {
  return { points: 1 + (n & 3), row: 16 * Math.min(n, 71) };
}

function each(names: readonly Kind[], call: (name: Kind) => Call): Calls {
  return Object.fromEntries(names.map((name) => [name, call(name)]));
}

const BOTH: readonly Kind[] = ["logits", "wild"];

export const ADVERSARIES: Readonly<Record<string, Calls>> = {
  extent: each(BOTH, (values) => (arena, n) => [n, arena.floats(n, values)]),
  keepLanes: {
    mask: (arena, n) => {
      const cells = Math.min(n, 200);
      return [cells, arena.bytes(cells, 2), arena.room(16 * cells)];
    },
  },
  occlude: {
    apart: (arena, n) => {
      const { cells } = maps(arena, n);
      return [n, cells, arena.floats(n, "wild"), arena.counts(4 * cells, 0, 2 ** 32), arena.room(4 * n)];
    },
    "in place": (arena, n) => {
      const { cells } = maps(arena, n);
      const x = arena.floats(n, "logits");
      return [n, cells, x, arena.counts(4 * cells, 0, 2 ** 32), x];
    },
  },
  // Sums are any float64: the words of an exact sum are.
  addProducts: each(BOTH, (values) => (arena, n) => {
    const { cells, channels } = maps(arena, n);
    const [x, y] = [arena.floats(n, values), arena.floats(n, values)];
    return [channels, cells, x, y, arena.sums(cells, 1)];
  }),
  toCells: {
    planes: (arena, n) => {
      const cells = Math.min(n, 2000);
      return [4, cells, arena.floats(4 * cells, "wild"), arena.room(16 * (cells + 4))];
    },
  },
  toPlanes: {
    cells: (arena, n) => {
      const cells = Math.min(n, 2000);
      return [4, cells, arena.floats(4 * (cells + 4), "wild"), arena.room(16 * cells)];
    },
  },
  // (n, grid, width, height, scaleX, scaleY, stride, out)
  corners: each(BOTH, (grid) => (arena, n) => {
    const [width, height] = [arena.random.pick(SIDES), arena.random.pick(SIDES)];
    const points = Math.min(n, 2000);
    const at = arena.floats(2 * points, grid);
    return [points, at, width, height, width / 2, (height - 1) / 2, 16, arena.room(48 * points)];
  }),
  blend: each(BOTH, (values) => (arena, n) => {
    const { points, row } = rows(n);
    const cells = arena.floats((CELLS * row) >> 2, values);
    return [points, row, table(arena, points, row), cells, arena.room(points * row)];
  }),
  scatter: each(BOTH, (values) => (arena, n) => {
    const { points, row } = rows(n);
    const [grad, cells] = [
      arena.floats((points * row) >> 2, values),
      arena.floats((CELLS * row) >> 2, values),
    ];
    return [points, row, table(arena, points, row), grad, cells];
  }),
  slopes: each(BOTH, (values) => (arena, n) => {
    const { points, row } = rows(n);
    const [cells, grad] = [
      arena.floats((CELLS * row) >> 2, values),
      arena.floats((points * row) >> 2, values),
    ];
    return [points, row, table(arena, points, row), cells, grad, 3.5, 2, arena.zeros(16 * points)];
  }),
  narrow: { sums: (arena, n) => [n, arena.sums(n, 1), arena.room(4 * n)] },
  // (height, width, xs, ys, theta, grid): centres are any float64
  affineGrid: each(BOTH, (theta) => (arena, n) => {
    const [height, width] = [3, Math.min(n, 500)];
    const centres = [arena.sums(width, 1), arena.sums(height, 1)];
    return [height, width, ...centres, arena.floats(6, theta), arena.room(8 * height * width)];
  }),
  affineGridBackward: each(BOTH, (grad) => (arena, n) => {
    const [height, width] = [3, Math.min(n, 500)];
    const centres = [arena.sums(width, 1), arena.sums(height, 1)];
    return [height, width, ...centres, arena.floats(2 * height * width, grad), arena.room(48)];
  }),
  turns: each(BOTH, (angles) => (arena, n) => [
    n,
    arena.floats(n, angles),
    arena.room(4 * n),
    arena.room(4 * n),
  ]),
};
