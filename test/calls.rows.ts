/** Calls of the kernels of rows, for the comparison of the plain and the shipped module. */
import type { Arena, Kind } from "./arena.ts";

type Call = (arena: Arena, n: number) => number[];

const CLASSES = [1, 2, 3, 4, 5, 6, 7, 13];
const DIVISORS = [1, 3, 1e30];

/** Around a block of exact length. */
const LONG = [64, 65, 66, 67, 130];

interface Shape {
  rows: number;
  classes: number;
  /** One value per row. */
  each(kind?: Kind): number;
  /** One value per row and class, with room for padded rows. */
  all(kind?: Kind): number;
  labels(): number;
}

function shapeOf(arena: Arena, n: number, choice: readonly number[] = CLASSES): Shape {
  const rows = n % (choice === LONG ? 71 : 300);
  const classes = arena.random.pick(choice);
  return {
    rows,
    classes,
    each: (kind: Kind = "logits") => arena.floats(rows + 4, kind),
    all: (kind: Kind = "logits") => arena.floats(rows * ((classes + 7) & ~3) + 16, kind),
    labels: () => arena.counts(rows + 4, 0, classes),
  };
}

function call(args: (shape: Shape, arena: Arena) => number[]): Readonly<Record<string, Call>> {
  return { apart: (arena, n) => args(shapeOf(arena, n), arena) };
}

function exceed(arena: Arena, n: number, kind: Kind): number[] {
  const { rows, each } = shapeOf(arena, n);
  return [rows, each(kind), each(kind), each("unit"), each()];
}

/** Each sum is made of two float32, which leave it small enough for a slope to be seen. */
function scatterPairs(slopes: Kind): Call {
  return (arena, n) => {
    const rows = n % 300;
    const pairs = arena.counts(2 * rows + 4, 0, 45);
    return [rows, 40, pairs, arena.floats(rows + 4, slopes), arena.floats(2 * 41, "soft")];
  };
}

export const ROWS: Readonly<Record<string, Readonly<Record<string, Call>>>> = {
  // (rows, classes, labels, ignored, mask, w, report)
  admitRows: call(({ rows, classes, each, labels }, arena) => [
    ...[rows, classes, labels(), arena.random.pick([-100, 0, 1])],
    ...[arena.bytes(rows + 4, 2), each("weights"), arena.room(64)],
  ]),
  // (rows, classes, labels, ignored)
  countLabels: {
    "of the classes": (arena, n) => {
      const { rows, classes, labels } = shapeOf(arena, n);
      return [rows, classes, labels(), arena.random.pick([-100, 0, 1])];
    },
    "one too many": (arena, n) => {
      const { rows, classes } = shapeOf(arena, n);
      return [rows, classes, arena.counts(rows + 4, 0, classes + 1), -100];
    },
  },
  // (rows, classes, x, labels)
  blankRows: {
    "some ignored": (arena, n) => {
      const { rows, classes, all } = shapeOf(arena, n);
      return [rows, classes, all(), arena.counts(rows + 4, -1, 2)];
    },
    "all ignored": (arena, n) => {
      const { rows, classes, all } = shapeOf(arena, n);
      return [rows, classes, all(), arena.counts(rows + 4, -1, 0)];
    },
  },
  // (rows, classes, x, labels, own)
  enterRows: call(({ rows, classes, all, labels }, arena) => [
    ...[rows, classes, all(), labels(), arena.room(4 * rows + 64)],
  ]),
  // (rows, labels, alpha, w)
  weighLabels: call(({ rows, each, labels }) => [rows, labels(), each("logits"), each()]),
  // (count, bytes, stride, x, peaks, e)
  decayRows: {
    tiles: (arena, n) => {
      const { rows, classes, all, each } = shapeOf(arena, n);
      const bytes = Math.max(classes - 1, 1) << 4;
      return [(rows + 3) >> 2, bytes, bytes, all(), each(), all()];
    },
    rows: (arena, n) => {
      const { rows, classes, all } = shapeOf(arena, n, LONG);
      return [rows, 4 * classes - 4, 4 * classes, all(), arena.floats(4 * rows + 4, "logits"), all()];
    },
  },
  // (rows, classes, x, e, peaks, sums)
  liftLongRows: {
    apart: (arena, n) => {
      const { rows, classes, all, each } = shapeOf(arena, n, LONG);
      return [rows, classes, all(), all(), each(), arena.room(16 * rows + 64)];
    },
  },
  // (rows, classes, x, logits, e, peaks, sums)
  liftRows: {
    apart: (arena, n) => {
      const { rows, classes, all, each } = shapeOf(arena, n);
      return [rows, classes, all(), all(), all(), each(), each()];
    },
    "logits overwritten": (arena, n) => {
      const { rows, classes, all, each } = shapeOf(arena, n);
      const [x, e] = [all(), all()];
      return [rows, classes, x, e, e, each(), each()];
    },
  },
  // (rows, k, peaks, sums, own, near, decay, copy, logs)
  marginRows: call(({ rows, each }) => [
    ...[rows, 1.25, each(), each("unit"), each()],
    ...Array.from({ length: 4 }, () => each()),
  ]),
  // (n, items, scores, pairs, preferred, other)
  gatherPairs: call(({ rows, each }, arena) => [
    ...[rows, 40, arena.floats(41, "wild"), arena.counts(2 * rows + 4, 0, 45)],
    ...[each(), each()],
  ]),
  // (n, preferred, other, near, decay)
  marginPairs: call(({ rows, each }) => [
    ...[rows, each(rows & 1 ? "any" : "wild"), each("any")],
    ...[each(), each()],
  ]),
  // (n, items, pairs, slopes, sums)
  scatterPairs: { unit: scatterPairs("unit"), equal: scatterPairs("equal") },
  // (n, above, below, slope, loss)
  exceed: {
    "far apart": (arena, n) => exceed(arena, n, "huge"),
    "near and far": (arena, n) => exceed(arena, n, "any"),
  },
  // (rows, sums, slope, scale)
  settleRows: call(({ rows, each }) => [rows, each("unit"), each(), each()]),
  // (rows, classes, e, scale, slope, labels, divisor, grad)
  spreadRows: call(({ rows, classes, all, each, labels }, arena) => [
    ...[rows, classes, all("unit"), each(), each(), labels()],
    ...[arena.random.pick(DIVISORS), all()],
  ]),
  spreadLongRows: {
    apart: (arena, n) => {
      const { rows, classes, all, each } = shapeOf(arena, n, LONG);
      const labels = arena.counts(rows + 4, 0, classes);
      return [rows, classes, all("unit"), each(), each(), labels, arena.random.pick(DIVISORS), all()];
    },
  },
  // (rows, classes, e, h, scale, second)
  joinRows: call(({ rows, classes, all, each }) => [
    ...[rows, Math.max(classes, 2), all("unit"), all("unit"), each(), each()],
  ]),
  // (rows, classes, x, factors, out)
  weighRows: call(({ rows, classes, all, each }) => [rows, classes, all(), each(), all()]),
  // (rows, classes, h, gamma, peaks, levels, terms, turns)
  tailRows: call(({ rows, classes, all, each }) => [
    ...[rows, classes, all(), 4],
    ...Array.from({ length: 4 }, () => each()),
  ]),
  // (rows, classes, e, h, peaks, own, levels, share, part, w, loss, slope)
  smoothRows: call(({ rows, classes, all, each }) => [
    ...[rows, classes, all("unit"), all(), each(), each(), each()],
    ...[0.9, 0.01, each("weights"), each(), each()],
  ]),
  // (rows, near, decay, logs, levels)
  levelRows: call(({ rows, each }) => [rows, each(), each("unit"), each(), each()]),
  // (rows, part, w, near, decay, sums, terms, turns, loss, slope, scale, second)
  settleTail: call(({ rows, each }) => [
    ...[rows, 0.1, each("weights"), each(), each("unit"), each("unit")],
    ...Array.from({ length: 6 }, () => each()),
  ]),
  // (rows, classes, h, k, lows, sums)
  rivalRows: call(({ rows, classes, all, each }) => [rows, classes, all(), 1.5, each(), each()]),
  // (rows, k, u, decay, sums, loss, slope, scale, second)
  settleRival: call(({ rows, each }) => [
    ...[rows, 1.5, each("unit"), each("unit"), each("unit")],
    ...Array.from({ length: 4 }, () => each()),
  ]),
  // (n, x, e)
  drDecays: { apart: (arena, n) => [n, arena.floats(n, "logits"), arena.room(8 * n + 16)] },
  // (n, p, factor, power)
  drPowers: {
    apart: (arena, n) => [n, arena.floats(2 * n + 2, "unit"), 14, arena.room(8 * n + 16)],
  },
  // (n, x, factor, p, report)
  drScores: {
    apart: (arena, n) => [
      n,
      arena.floats(n, "logits"),
      n & 1 ? -1.4 : 14,
      arena.room(8 * n + 32),
      arena.room(64),
    ],
  },
  // (n, p, factor, bucket, power, words); float32 in pairs make float64 in [0, 1]
  drSums: {
    apart: (arena, n) => [
      ...[n, arena.floats(2 * n + 2, "unit"), n & 1 ? -1.4 : 4000, 0],
      ...[arena.floats(2 * n + 2, "unit"), arena.zeros(160)],
    ],
  },
  // (n, x, factor, base, inverse, mean, slope, scale, p, power, local, grad)
  drGrad: {
    apart: (arena, n) => [
      ...[
        n,
        arena.floats(n, "logits"),
        ...(n & 1 ? [-1.4, 0, 0.02, 0.3, -1, -3] : [1400, 1400, 0.01, 0.9, 970, 3]),
      ],
      ...[8, 8, 8, 4].map((bytes) => arena.room(bytes * n + 16)),
    ],
  },
  // (u, out)
  drLink: { numbers: (arena, n) => [(n - 30) / 3, arena.room(64)] },
};
