/** Minimax polynomials by the exchange algorithm of Remez (1934), in fixed point. */
import { abs, div, type Fixed, fixed, mul, ONE } from "./fixed.ts";

/** Approximate target by a polynomial so that the largest |weight (target - polynomial)| is least. */
export interface Problem {
  degree: number;
  from: Fixed;
  to: Fixed;
  target: (x: Fixed) => Fixed;
  weight: (x: Fixed) => Fixed;
}

export interface Fit {
  coefficients: Fixed[];
  error: Fixed;
}

interface Sample {
  x: Fixed;
  target: Fixed;
  weight: Fixed;
}

const POINTS_PER_EXTREMUM = 48;
const ROUNDS = 8;

export function horner(coefficients: Fixed[], x: Fixed): Fixed {
  return coefficients.reduceRight((sum, c) => mul(sum, x) + c, 0n);
}

/** Samples that crowd towards the ends, as the extrema of a minimax error do; made without a cosine, whose bits vary. */
function grid({ from, to, target, weight }: Problem, count: number): Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const t = i / (count - 1);
    const x = from + mul(to - from, fixed(t * t * (3 - 2 * t)));
    return { x, target: target(x), weight: weight(x) };
  });
}

/** Gauss elimination with the largest pivot; the right side is the last column. */
function solve(rows: Fixed[][]): Fixed[] {
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const best = rows.reduce((at, row, i) => (i > k && abs(row[k]) > abs(rows[at][k]) ? i : at), k);
    [rows[k], rows[best]] = [rows[best], rows[k]];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = div(rows[i][k], rows[k][k]);
      for (let j = k; j <= n; j++) rows[i][j] -= mul(factor, rows[k][j]);
    }
  }
  return rows.map((row, i) => div(row[n], row[i]));
}

/** The polynomial whose weighted error takes one size, with alternating sign, at the given samples. */
function level(at: Sample[]): Fixed[] {
  const rows = at.map(({ x, target, weight }, i) => {
    const row = [weight];
    while (row.length < at.length - 1) row.push(mul(row[row.length - 1], x));
    return [...row, i % 2 ? -ONE : ONE, mul(weight, target)];
  });
  return solve(rows).slice(0, -1);
}

/** One sample of largest error from every run of equal sign, cut to `count` from the smaller end. */
function extrema(samples: Sample[], error: (s: Sample) => Fixed, count: number): Sample[] {
  const found: { sample: Sample; error: Fixed }[] = [];
  for (const sample of samples) {
    const here = error(sample);
    const last = found[found.length - 1];
    if (here === 0n) continue;
    if (!last || here > 0n !== last.error > 0n) found.push({ sample, error: here });
    else if (abs(here) > abs(last.error)) found[found.length - 1] = { sample, error: here };
  }
  while (found.length > count) {
    if (abs(found[0].error) < abs(found[found.length - 1].error)) found.shift();
    else found.pop();
  }
  return found.map(({ sample }) => sample);
}

export function remez(problem: Problem): Fit {
  const count = problem.degree + 2;
  const samples = grid(problem, count * POINTS_PER_EXTREMUM);
  let at = Array.from({ length: count }, (_, i) => samples[Math.floor((i + 0.5) * POINTS_PER_EXTREMUM)]);
  let coefficients: Fixed[] = [];
  const error = ({ x, target, weight }: Sample) => mul(weight, target - horner(coefficients, x));
  for (let round = 0; round < ROUNDS; round++) {
    coefficients = level(at);
    at = extrema(samples, error, count);
    if (at.length < count) throw new Error(`Cannot fit: expected ${count} extrema, got ${at.length}`);
  }
  return { coefficients, error: largest(samples.map(error)) };
}

/** The largest weighted error of any polynomial on the samples of a problem: of rounded coefficients, say. */
export function errorOf(problem: Problem, coefficients: Fixed[]): Fixed {
  const samples = grid(problem, (problem.degree + 2) * POINTS_PER_EXTREMUM);
  return largest(samples.map(({ x, target, weight }) => mul(weight, target - horner(coefficients, x))));
}

function largest(errors: Fixed[]): Fixed {
  return errors.reduce((most, e) => (abs(e) > most ? abs(e) : most), 0n);
}
