/**
 * Recomputes every constant of assembly/math: `bun tools/coefficients.ts`.
 *
 * Polynomials are minimax fits (tools/remez.ts) rounded to the width of the kernel; the error printed is that of
 * the rounded coefficients, relative to the function, before any rounding in the evaluation.
 */
import { atanhRatio, div, exp, type Fixed, fixed, LN2, mul, number, ONE, PI, series } from "./fixed.ts";
import { errorOf, type Problem, remez } from "./remez.ts";

type Width = "f32" | "f64";

/** The literals of one method of assembly/math, in the order in which its text has them. */
export interface Constants {
  file: string;
  method: string;
  width: Width;
  literals: number[];
  /** log2 of the relative error of the polynomial, where there is one. */
  error?: number;
}

/** e^r = 1 + r + r^2 q(r) for |r| <= ln2/2, with room for an n that was rounded the wrong way. */
function exponential(degree: number): Problem {
  const end = LN2 / 2n + (ONE >> 14n);
  return { degree, from: -end, to: end, target: (r) => exp(r, 2), weight: (r) => div(mul(r, r), exp(r)) };
}

/** 2 atanh(s) = 2s + s w q(w) for w = s^2 up to `to`. */
function logarithm(degree: number, to: Fixed): Problem {
  const target = (w: Fixed) => series(w, (k) => (2n * ONE) / (2n * k + 3n));
  return { degree, from: 0n, to, target, weight: (w) => div(w, 2n * atanhRatio(w)) };
}

/** The alternating sum of w^k / (2k + from)!, w from 0 to (pi/4)^2 and a little beyond. */
function circular(degree: number, from: bigint, sign: bigint, weight: (w: Fixed) => Fixed): Problem {
  const factorial = (n: bigint): bigint => (n <= 1n ? 1n : n * factorial(n - 1n));
  const target = (w: Fixed) =>
    series(w, (k) => (k % 2n === 0n ? sign : -sign) * (ONE / factorial(2n * k + from)));
  return { degree, from: 0n, to: mul(PI / 4n, PI / 4n) + (ONE >> 14n), target, weight };
}

/** (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4 of w = r^2; their errors count relative to the whole, at most. */
const sine = (degree: number): Problem => circular(degree, 3n, -1n, (w) => div(w, ONE - w / 6n));
const cosine = (degree: number): Problem => circular(degree, 4n, 1n, (w) => div(mul(w, w), ONE - w / 2n));

function round(value: Fixed, width: Width): number {
  return width === "f32" ? Math.fround(number(value)) : number(value);
}

/** Coefficients from the highest power down, as Horner's rule wants them. */
function polynomial(problem: Problem, width: Width): { literals: number[]; error: number } {
  const rounded = remez(problem).coefficients.map((c) => round(c, width));
  const error = number(
    errorOf(
      problem,
      rounded.map((c) => fixed(c)),
    ),
  );
  return { literals: rounded.reverse(), error: Math.log2(error) };
}

/** The last number of the width that is not below -octaves ln2: e^x is normal from there on. */
function cutoff(octaves: number, width: Width): number {
  const limit = -LN2 * BigInt(octaves);
  const near = round(limit, width);
  if (fixed(near) >= limit) return near;
  return width === "f32" ? Math.fround(near * (1 - 2 ** -24)) : near * (1 - 2 ** -53);
}

/** ln2 cut to so few bits that its product with an integer below 2^8 is exact in float32, and the rest. */
function splitLn2(): [high: number, low: number] {
  const high = (LN2 >> 145n) << 145n;
  return [number(high), round(LN2 - high, "f32")];
}

const MAGIC = { f32: 1.5 * 2 ** 23 + 127, f64: 1.5 * 2 ** 52 + 1023 };
const LIFT = 32;

export function constants(): Constants[] {
  const narrow = (file: string, method: string, literals: number[], error?: number): Constants => ({
    file: `assembly/math/${file}.ts`,
    method,
    width: "f32",
    literals,
    error,
  });
  const wide = (method: string, literals: number[], error?: number): Constants => ({
    ...narrow("wide", method, literals, error),
    width: "f64",
  });
  const log2e = div(ONE, LN2);
  const e = polynomial(exponential(4), "f32");
  const l = polynomial(logarithm(3, ONE / 9n), "f32");
  const we = polynomial(exponential(7), "f64");
  const wl1 = polynomial(logarithm(6, ONE / 9n), "f64");
  const wl = polynomial(logarithm(4, fixed(0.02945)), "f64");
  const s = polynomial(sine(4), "f64");
  const c = polynomial(cosine(4), "f64");
  const turn = (method: string, literals: number[], error?: number): Constants => ({
    ...narrow("turn", method, literals, error),
    width: "f64",
  });
  return [
    narrow("exp", "nonPositive", [MAGIC.f32, cutoff(126, "f32")]),
    narrow("exp", "biased", [round(log2e, "f32")]),
    narrow("exp", "rest", splitLn2()),
    narrow("exp", "mantissa", [1]),
    narrow("exp", "above", e.literals, e.error),
    narrow("exp", "complement", [MAGIC.f32, -64, 1]),
    narrow("exp", "term", [MAGIC.f32, -88]),
    narrow("log", "octaves", [round(LN2, "f32")]),
    narrow("log", "fraction", [1]),
    narrow("log", "rest", [Math.fround(Math.SQRT1_2)]),
    narrow("scaled", "decay", [MAGIC.f32, cutoff(126, "f32")]),
    narrow("scaled", "lifted", [MAGIC.f32 + LIFT, cutoff(126 + LIFT, "f32")]),
    narrow("log1p", "unit", [2, ...l.literals], l.error),
    narrow("power", "lifted", [MAGIC.f32 + LIFT, cutoff(126 + LIFT, "f32")]),
    narrow("power", "lower", [2 ** -LIFT]),
    wide("exp", [MAGIC.f64, number(log2e), number(LN2), cutoff(1022, "f64")]),
    wide("mantissa", [...we.literals, 1], we.error),
    wide("log1p", [2, ...wl1.literals], wl1.error),
    wide("log", [2 ** 52, 2 ** 52 + 1023, 1, 2, ...wl.literals, number(LN2)], wl.error),
    turn("quarters", [number(div(2n * ONE, PI)), 1.5 * 2 ** 52]),
    turn("whole", [1.5 * 2 ** 52]),
    turn("rest", [number(PI / 2n), number(PI / 2n - fixed(number(PI / 2n)))]),
    turn("sineOf", s.literals, s.error),
    turn("cosineOf", [...c.literals, 0.5, 1], c.error),
  ];
}

/** The C99 form: exact, and readable as bits. */
export function hexFloat(value: number): string {
  if (value < 0) return `-${hexFloat(-value)}`;
  const exponent = Math.floor(Math.log2(value));
  const digits = (value / 2 ** exponent).toString(16);
  return `0x${digits}p${exponent < 0 ? "" : "+"}${exponent}`;
}

/** The shortest decimal that reads back as the same number of the width. */
export function decimal(value: number, width: Width): string {
  for (let digits = 1; digits <= 17; digits++) {
    const text = value.toPrecision(digits);
    if ((width === "f32" ? Math.fround(Number(text)) : Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

/** A line of source as the tool would write it. */
export function line(value: number, width: Width): string {
  return `lit(${decimal(value, width)}) // ${hexFloat(value)}`;
}

if (import.meta.main) {
  for (const { file, method, width, literals, error } of constants()) {
    console.log(`${file} ${method}${error === undefined ? "" : `, error 2^${error.toFixed(2)}`}`);
    for (const value of literals) console.log(`  ${line(value, width)}`);
  }
}
