/** The float32 functions of assembly/math: truth, domain and promised error. Read by the tests and the exhaustive run. */
import { ulps, ulpsFlushed, ulpsOrZero } from "./ulp.ts";

export interface Primitive {
  /** The export of the probe. */
  name: string;
  /** The function in float64, well conditioned on the whole domain. */
  truth: (x: number) => number;
  /** Intervals of one sign, from the end nearer to zero, walked by bit pattern. */
  domain: [from: number, to: number][];
  /** Worst distance promised, in ulp where the truth is a normal float32. */
  max: number;
  distance: (got: number, truth: number) => number;
  /** Arguments whose result is one particular float32. */
  exact: [x: number, y: number][];
}

const HUGE = 3.4028234663852886e38;
const EVERY: [number, number][] = [
  [0, HUGE],
  [-0, -HUGE],
];

function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

export const PRIMITIVES: Primitive[] = [
  {
    name: "expNonPositive",
    truth: Math.exp,
    domain: [[-0, Number.NEGATIVE_INFINITY]],
    max: 0.99,
    distance: ulpsFlushed,
    exact: [
      [0, 1],
      [-0, 1],
      [-1e-45, 1],
      [-HUGE, 0],
      [Number.NEGATIVE_INFINITY, 0],
      [Number.NaN, Number.NaN],
    ],
  },
  {
    name: "expTerm",
    truth: Math.exp,
    domain: [[-0, Number.NEGATIVE_INFINITY]],
    max: 0.99,
    distance: ulpsOrZero,
    exact: [
      [0, 1],
      [-0, 1],
      [-1e-45, 1],
      [-88, 0],
      [-HUGE, 0],
      [Number.NEGATIVE_INFINITY, 0],
      [Number.NaN, Number.NaN],
    ],
  },
  {
    name: "expComplement",
    truth: (x) => -Math.expm1(x),
    domain: [[-0, Number.NEGATIVE_INFINITY]],
    max: 0.96,
    distance: ulps,
    exact: [
      [0, 0],
      [-1e-45, 1e-45],
      [-(2 ** -126), 2 ** -126],
      [-17.5, 1],
      [-HUGE, 1],
      [Number.NEGATIVE_INFINITY, 1],
    ],
  },
  {
    name: "negLog",
    truth: (y) => -Math.log(y),
    domain: [[2 ** -126, 1]],
    max: 1.07,
    distance: ulps,
    exact: [
      [1, 0],
      [1 - 2 ** -24, 2 ** -24],
      [0.5, Math.LN2],
      [0.25, 2 * Math.LN2],
    ],
  },
  {
    name: "decay",
    truth: (x) => Math.exp(-Math.abs(x)),
    domain: [...EVERY],
    max: 0.99,
    distance: ulpsFlushed,
    exact: [
      [0, 1],
      [-0, 1],
      [HUGE, 0],
      [-HUGE, 0],
      [Number.NaN, Number.NaN],
    ],
  },
  {
    name: "log1pUnit",
    truth: Math.log1p,
    domain: [[0, 1]],
    max: 1.32,
    distance: ulps,
    exact: [
      [0, 0],
      [2 ** -149, 2 ** -149],
      [2 ** -126, 2 ** -126],
      [2 ** -30, 2 ** -30],
    ],
  },
  {
    name: "softplus",
    truth: (u) => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u))),
    domain: EVERY,
    max: 2.06,
    distance: ulpsFlushed,
    exact: [
      [HUGE, HUGE],
      [-HUGE, 0],
      [17.5, 17.5],
    ],
  },
  {
    name: "sigmoid",
    truth: sigmoid,
    domain: EVERY,
    max: 2.41,
    distance: ulpsFlushed,
    exact: [
      [0, 0.5],
      [-0, 0.5],
      [HUGE, 1],
      [-HUGE, 0],
    ],
  },
  {
    name: "sigmoidBoth",
    truth: sigmoid,
    domain: EVERY,
    max: 2.83,
    distance: ulpsFlushed,
    exact: [
      [0, 0.5],
      [-0, 0.5],
      [HUGE, 1],
      [-HUGE, 0],
    ],
  },
];
