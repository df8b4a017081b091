/** How each exported kernel may be called: what its arguments are, and which of its arrays may be the same. */
import type { Arena, Kind } from "./arena.ts";
import { ADVERSARIES } from "./calls.adversaries.ts";
import { ROWS } from "./calls.rows.ts";

/** Lays out the arrays of a call of n elements and returns its arguments. */
export type Call = (arena: Arena, n: number) => number[];
export type Calls = Readonly<Record<string, Call>>;

/** Lays out the parameters of a loss. */
type Parameters = (arena: Arena, n: number) => number;

const DIVISORS = [1, 3, 0.1, 16384, 1e30];
const CLASSES = [0, 0.25, 0.75, 1, 3.5];
const BINS = [1, 5, 30, 32, 33, 256];
const WIDTHS = [1 / 30, 0.25, 1, 0.3, 1e-12, 5e-324];

function common({ random }: Arena): number[] {
  return [random.pick(DIVISORS), random.pick(CLASSES), random.pick(CLASSES)];
}

const plain: Parameters = (arena) => arena.parameters(common(arena));

/** gamma as a pair, and the masks of the parts 1, 2 and 1/2 that it is made of. */
function gamma(values: readonly number[]): Parameters {
  return (arena, n) => {
    const value = values[n % values.length];
    const whole = Math.floor(value);
    const masks = [whole & 1, whole & 2, value - whole].map((part) => (part ? 0xffffffff : 0));
    return arena.parameters([...common(arena), value, value - Math.fround(value)], masks);
  };
}

const BETA: Parameters = (arena, n) => arena.parameters([...common(arena), [1, 0, 1 / 9, 3e38][n % 4]]);
const MU: Parameters = (arena, n) => arena.parameters([...common(arena), [64, 1, 2 ** -126][n % 3], 1.28]);
const HALVES = [0, 0.5, 1, 1.5, 2, 2.5, 3];
const REALS = [1.7, 0.3, 4, 0, 1000, 3.5];

/** One of several sets of parameters: masks, then float32, then bits. */
function words(sets: readonly (readonly [masks: number[], floats: number[], rest: number[]])[]): Parameters {
  return (arena, n) => {
    const [masks, floats, rest] = sets[n % sets.length];
    const bits = new Uint32Array(Float32Array.from(floats).buffer);
    return arena.parameters(common(arena), [...masks, ...bits, ...rest]);
  };
}

const STAR = words([
  [[], [2, 2, 0, 0.5, 0.5, 0], []],
  [[], [0.3, 0.2998047, 0.00019531, 3.3333333, -25.666666, -6.6e-7], []],
]);
const HARD = words([
  [[], [0, 0.5], []],
  [[], [-0.405465, 1], []],
]);
const SOFT = words([
  [[], [5, 5, 0], []],
  [[], [10.1, 10.0976562, 0.00234375], []],
  [[], [1000, 1000, 0], []],
]);
const [CLIPPED, PLAIN] = [0xffffffff, 0];
const CLIP = [0.05, 0.95, -2.944439, 1e-8];
const PARTS = words([
  [[CLIPPED], [...CLIP, 0, 4], [0, 0x10000000]],
  [[CLIPPED], [...CLIP, 0, 0], [0xa0000000, 0x60000000]],
  [[PLAIN], [0, 1, 0, 0, 2, 2], [0x40000000, 0x40000000]],
]);
const ANY = words([
  [[CLIPPED], [...CLIP, 0.3, 4.2, 0.3, 4.2, 1e-9, -1e-8], []],
  [[PLAIN], [0, 1, 0, 0, 1000, 0, 1000, 0, 0, 0], []],
]);

/** (n, x, t, w, stride, op, loss, grad); what is put at `loss` on the way must not meet logits, targets or weights. */
function hardLoss(op: Parameters): Calls {
  const arrays = (logits: Kind, targets: Kind, weights: Kind, place: (...at: number[]) => number[]): Call => {
    return (arena, n) => {
      const [x, t] = [arena.floats(n, logits), arena.floats(n, targets)];
      const w = arena.floats(n, weights);
      const [loss, grad] = place(x, t, w, arena.room(4 * n), arena.room(4 * n));
      return [n, x, t, w, -1, op(arena, n), loss, grad];
    };
  };
  const apart = (_x: number, _t: number, _w: number, loss: number, grad: number): number[] => [loss, grad];
  return {
    "one weight for all": (arena, n) => {
      const [x, t, w] = [arena.floats(n, "logits"), arena.floats(n, "hard"), arena.vector(1.5)];
      return [n, x, t, w, 0, op(arena, n), arena.room(4 * n), arena.room(4 * n)];
    },
    weights: arrays("logits", "hard", "weights", apart),
    "soft targets": arrays("logits", "soft", "weights", apart),
    "NaN and infinities": arrays("wild", "wild", "wild", apart),
    "gradient over targets": arrays("wild", "hard", "weights", (_x, t, _w, loss) => [loss, t]),
    "gradient over logits": arrays("logits", "hard", "weights", (x, _t, _w, loss) => [loss, x]),
    "gradient over weights": arrays("logits", "hard", "weights", (_x, _t, w, loss) => [loss, w]),
    "loss over gradient": arrays("logits", "hard", "weights", (_x, _t, _w, loss) => [loss, loss]),
    "one array but for the losses": (arena, n) => {
      const x = arena.floats(n, "logits");
      return [n, x, x, x, -1, op(arena, n), arena.room(4 * n), x];
    },
  };
}

/** The same of a loss that moves elements together, and may leave its losses there. */
function clippedLoss(op: Parameters): Calls {
  const calls = hardLoss(op);
  const together: Call = (arena, n) => calls.weights!(arena, n).with(6, 0);
  return { ...calls, "losses together": together };
}

/** (n, x, t, w1, w0, stride, op, loss, grad); loss and gradient may hold the results of hard targets. */
function softLoss(op: Parameters): Calls {
  const arrays = (logits: Kind, targets: Kind, place: (...at: number[]) => number[]): Call => {
    return (arena, n) => {
      const [x, t] = [arena.floats(n, logits), arena.floats(n, targets)];
      const [w1, w0] = [arena.floats(n, "weights"), arena.floats(n, "weights")];
      const [loss, grad] = place(x, t, w1, arena.floats(n, "losses"), arena.floats(n, "near"));
      return [n, x, t, w1, w0, -1, op(arena, n), loss, grad];
    };
  };
  return {
    "one weight per class": (arena, n) => {
      const [x, t] = [arena.floats(n, "logits"), arena.floats(n, "soft")];
      const [w1, w0] = [arena.vector(0.25), arena.vector(3.5)];
      return [n, x, t, w1, w0, 0, op(arena, n), arena.floats(n, "losses"), arena.floats(n, "near")];
    },
    weights: arrays("logits", "soft", (_x, _t, _w, loss, grad) => [loss, grad]),
    "hard targets": arrays("logits", "hard", (_x, _t, _w, loss, grad) => [loss, grad]),
    "NaN and infinities": arrays("wild", "wild", (_x, _t, _w, loss, grad) => [loss, grad]),
    "gradient over logits": arrays("logits", "soft", (x, _t, _w, loss) => [loss, x]),
    "gradient over targets": arrays("logits", "soft", (_x, t, _w, loss) => [loss, t]),
    "gradient over weights": arrays("logits", "soft", (_x, _t, w, loss) => [loss, w]),
    "loss over gradient": arrays("logits", "soft", (_x, _t, _w, loss) => [loss, loss]),
  };
}

/** One call per kind of number. */
function kinds<K extends string>(names: readonly K[], call: (name: K) => Call): Calls {
  return Object.fromEntries(names.map((name) => [name, call(name)]));
}

/** (n, g, loss, bins, scratch, bytes, cells) */
const tally: Calls = kinds(["losses", "near", "apart", "far", "any", "wild"], (losses) => (arena, n) => {
  const [g, loss] = [arena.floats(n, "unit"), arena.floats(n, losses)];
  const bins = arena.random.pick(BINS);
  return [n, g, loss, bins, arena.zeros(65664), arena.bytes(n, 256), arena.sums(bins, 11)];
});

/** (n, g, bins, bytes) */
const index: Calls = kinds(["unit", "wild"], (values) => (arena, n) => [
  n,
  arena.floats(n, values),
  arena.random.pick(BINS),
  arena.room(n),
]);

/** (n, values, bytes, table, out) */
function lookup(table: (arena: Arena) => number, most: number): Calls {
  const call = (values: Kind, inPlace: boolean): Call => {
    return (arena, n) => {
      const at = arena.floats(n, values);
      return [n, at, arena.bytes(n, most), table(arena), inPlace ? at : arena.room(4 * n)];
    };
  };
  return { apart: call("near", false), "in place": call("near", true), wild: call("wild", false) };
}

/** (n, g, width, scale, bins, cumulative, lower, upper, estimate) */
const bracket: Calls = kinds(["unit", "wild"], (norms) => (arena, n) => {
  const width = arena.random.pick(WIDTHS.slice(0, 4));
  const scale = arena.random.pick([1, 4, 33]) / width;
  const bins = Math.ceil(scale);
  const cumulative = arena.counts(bins + 1, 0, n + 1);
  const counts = [arena.room(4 * n), arena.room(4 * n)];
  return [n, arena.floats(n, norms), width, scale, bins, cumulative, ...counts, arena.room(8 * n)];
});

/** (from, end, x, e) */
const decay: Calls = kinds(["logits", "wild"], (logits) => (arena, n) => {
  const from = 16 * arena.random.below(n + 1);
  return [from, from + 4 * n, arena.floats(n, logits) - from, arena.room(4 * n) - from];
});

export const CALLS: Readonly<Record<string, Calls>> = {
  decay,
  bceHard: hardLoss(plain),
  focalSquare: hardLoss(gamma([2])),
  focalHalves: hardLoss(gamma(HALVES)),
  focalReal: hardLoss(gamma(REALS)),
  focalStar: hardLoss(STAR),
  hardTruncation: hardLoss(HARD),
  softTruncation: hardLoss(SOFT),
  asymmetricParts: clippedLoss(PARTS),
  asymmetricReal: clippedLoss(ANY),
  smoothL1: hardLoss(BETA),
  smoothL1Far: hardLoss(BETA),
  asl1: hardLoss(MU),
  asl1Far: hardLoss(MU),
  bceSoft: softLoss(plain),
  focalSoft: softLoss(gamma([...HALVES, ...REALS])),
  survey: kinds(["logits", "wild"], (logits) => (arena, n) => [
    n,
    arena.floats(n, logits),
    arena.floats(n, logits === "wild" ? "soft" : "hard"),
    arena.room(16),
  ]),
  surveySoft: kinds(["soft", "hard", "wild"], (targets) => (arena, n) => [
    n,
    arena.floats(n, targets),
    arena.room(16),
  ]),
  surveyReal: kinds(["logits", "wild"], (values) => (arena, n) => [
    n,
    arena.floats(n, values),
    arena.floats(n, "near"),
  ]),
  widen: { bytes: (arena, n) => [n, arena.bytes(n, 256), arena.room(4 * n)] },
  blank: kinds(["logits", "wild"], (logits) => (arena, n) => [
    n,
    arena.bytes(n, 2),
    arena.floats(n, logits),
    arena.floats(n, "soft"),
    arena.floats(n, "wild"),
  ]),
  gauge: kinds(["weights", "near", "wild"], (weights) => (arena, n) => [n, arena.floats(n, weights)]),
  weigh: {
    apart: (arena, n) => [
      n,
      ...[0, 1, 2].map(() => arena.floats(n, "weights")),
      -1,
      arena.room(4 * n),
      arena.room(4 * n),
    ],
    vectors: (arena, n) => {
      const [w, a1, a0] = [arena.floats(n, "wild"), arena.vector(0.25), arena.vector(3.5)];
      return [n, w, a1, a0, 0, arena.room(4 * n), w];
    },
    "in place": (arena, n) => {
      const [w, a1, a0] = [0, 1, 2].map(() => arena.floats(n, "weights"));
      return [n, w, a1, a0, -1, a1, a0];
    },
  },
  choose: kinds(["hard", "soft", "wild"], (targets) => (arena, n) => [
    n,
    arena.floats(n, targets),
    ...[0, 1, 2].map(() => arena.floats(n, "weights")),
  ]),
  divide: kinds(["logits", "wild"], (values) => (arena, n) => [
    n,
    arena.floats(n, values),
    arena.random.pick([3, 0.1, 1e7 + 1, 1e-300]),
  ]),
  magnitudes: {
    all: (arena, n) => [n, arena.floats(n, "wild"), 0, arena.room(4 * n)],
    mask: (arena, n) => [n, arena.floats(n, "wild"), arena.bytes(n, 2), arena.room(4 * n)],
    "in place": (arena, n) => {
      const values = arena.floats(n, "logits");
      return [n, values, n & 1 ? arena.bytes(n, 2) : 0, values];
    },
  },
  sum: kinds(["losses", "near", "apart", "far", "any", "wild"], (values) => (arena, n) => [
    n,
    arena.floats(n, values),
    arena.sums(1, 10),
  ]),
  total: { words: (arena) => [arena.sums(1, 10)] },
  tallyFloor: tally,
  tallyRounded: tally,
  readCells: {
    cells: (arena) => {
      const bins = arena.random.pick(BINS);
      return [bins, arena.sums(bins, 11), arena.room(8 * bins), arena.room(8 * bins), arena.room(80)];
    },
  },
  indexFloor: index,
  indexRounded: index,
  windowScratch: { n: (_arena, n) => [n] },
  windowCounts: kinds(["unit", "hard", "equal"], (norms) => (arena, n) => [
    n,
    arena.floats(n, norms),
    arena.random.pick(WIDTHS),
    arena.room(4 * n + 64),
    arena.room(12288 + 16 * (n + 17)),
  ]),
  // (n, g, counts, width, density, beta, total)
  exactDensity: kinds(["both", "density", "beta"], (wanted) => (arena, n) => [
    n,
    arena.floats(n, "unit"),
    arena.counts(n, 1, n + 2),
    arena.random.pick(WIDTHS),
    wanted === "beta" ? 0 : arena.room(8 * n),
    wanted === "density" ? 0 : arena.room(8 * n),
    arena.random.pick([n, 1e6]),
  ]),
  exactScale: {
    apart: (arena, n) => [
      n,
      arena.floats(n, "logits"),
      arena.floats(n, "unit"),
      arena.counts(n, 1, n + 2),
      arena.random.pick(WIDTHS),
      arena.room(4 * n),
    ],
    "in place": (arena, n) => {
      const [values, g] = [arena.floats(n, "wild"), arena.floats(n, "unit")];
      return [n, values, g, arena.counts(n, 0, n + 2), arena.random.pick(WIDTHS), n & 1 ? values : g];
    },
  },
  fineHistogram: kinds(["unit", "wild"], (norms) => (arena, n) => {
    const bins = arena.random.pick(BINS);
    return [n, arena.floats(n, norms), bins - arena.random.pick([0, 0.5]), bins, arena.counts(bins, 0, 100)];
  }),
  prefixSum: {
    apart: (arena, n) => [n, arena.counts(n, 0, 1e6), arena.room(4 * n + 4)],
    "in place": (arena, n) => {
      const counts = arena.counts(n + 1, 0, 2 ** 32);
      return [n, counts, counts];
    },
  },
  bracket,
  planes: { table: (arena) => [arena.floats(32, "wild"), arena.room(128)] },
  lookup: lookup((arena) => arena.bytes(128, 256), 48),
  lookupHalf: lookup((arena) => arena.bytes(64, 256), 24),
  lookupWide: lookup((arena) => arena.floats(256, "weights"), 256),
  ...ROWS,
  ...ADVERSARIES,
  heapBase: { nothing: () => [] },
};

/** Exports without a call, and why. */
export const UNCALLED: Readonly<Record<string, string>> = {
  memory: "not a function",
  admitLosses: "plain in both modules: test/selection.test.ts",
  groupMaxima: "plain in both modules, reads what admitLosses left: test/selection.test.ts",
  floorKey: "plain in both modules, reads what groupMaxima left: test/selection.test.ts",
  gather: "plain in both modules, reads what admitLosses left: test/selection.test.ts",
  cutPairs: "plain in both modules, reads what gather left: test/selection.test.ts",
  orderPairs: "plain in both modules, reads what gather left: test/selection.test.ts",
  suppress: "plain in both modules, reads boxes in the order of pairs: test/selection.test.ts",
  cumulate: "plain in both modules, takes ascending values: test/ranges.test.ts",
};
