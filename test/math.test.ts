/** Every function of assembly/math keeps its promised error on its whole domain, and its exact values. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PRIMITIVES } from "./reference/primitives.ts";
import { ulps } from "./reference/ulp.ts";
import { apply, bitsOf, instantiate, worst } from "./reference/walk.ts";
import { expError, log1pError, logError } from "./reference/wide.ts";

const probe = instantiate(readFileSync("build/probe.wasm"));

// A prime, so that every exponent and all low bits are visited.
const STRIDE = 1009;

/** x and its two float32 neighbours. */
function around(x: number): number[] {
  return [-1, 0, 1].map((step) => new Float32Array(Uint32Array.of(bitsOf(x) + step).buffer)[0]);
}

for (const row of PRIMITIVES) {
  test(`${row.name} is within ${row.max} ulp on its domain`, () => {
    const { ulp, at, points } = worst(probe, row, STRIDE);
    assert.ok(ulp <= row.max, `${ulp} ulp at ${at}`);
    assert.ok(points > 1e5, `only ${points} points`);
  });

  test(`${row.name} is exact where it must be`, () => {
    const y = apply(
      probe,
      row.name,
      Float32Array.from(row.exact, ([x]) => x),
    );
    assert.deepEqual(
      Array.from(y),
      row.exact.map(([, expected]) => Math.fround(expected)),
    );
  });
}

test("the exponential ends at the last argument whose result is normal", () => {
  const [inside, last, outside] = apply(probe, "expNonPositive", Float32Array.from(around(-87.33654)));
  assert.ok(inside > last && last >= 2 ** -126);
  assert.equal(outside, 0);
});

test("sigmoid and softplus end where the exponential does", () => {
  for (const name of ["sigmoid", "sigmoidBoth", "softplus"]) {
    const [, last, outside] = apply(probe, name, Float32Array.from(around(-87.33654)));
    assert.ok(last >= 2 ** -126);
    assert.equal(outside, 0);
  }
});

/** float64 arguments at equal steps of the bit pattern, ends included. */
function patterns(from: number, to: number, count: number): Float64Array {
  const [low, high] = new BigUint64Array(Float64Array.of(from, to).buffer);
  const bits = BigUint64Array.from(
    { length: count },
    (_, i) => low + ((high - low) * BigInt(i)) / BigInt(count - 1),
  );
  return new Float64Array(bits.buffer);
}

const WIDE = [
  { name: "wideExp", error: expError, x: patterns(-(2 ** -60), -708.39, 3000) },
  { name: "wideExp", error: expError, x: Float64Array.from({ length: 3000 }, (_, i) => -i * 0.236) },
  { name: "wideLog1p", error: log1pError, x: patterns(2 ** -1000, 1, 1000) },
  { name: "wideLog1p", error: log1pError, x: Float64Array.from({ length: 2000 }, (_, i) => (i + 1) / 2000) },
  { name: "wideLog", error: logError, x: patterns(2 ** -1000, 1, 2000) },
  { name: "wideLog", error: logError, x: patterns(0.25, 1, 2000) },
  { name: "wideLog", error: logError, x: Float64Array.from({ length: 52 }, (_, i) => 1 - 2 ** -(i + 1)) },
];

test("the wide functions are within 2^-42.5", () => {
  for (const { name, error, x } of WIDE) {
    const y = apply(probe, name, x);
    const errors = Array.from(x, (value, i) => error(value, y[i]));
    const most = errors.reduce((at, e, i) => (e <= errors[at] ? at : i), 0);
    assert.ok(errors[most] <= 2 ** -42.5, `${name}(${x[most]}): 2^${Math.log2(errors[most])}`);
  }
});

test("the wide functions are exact where they must be", () => {
  const exp = apply(
    probe,
    "wideExp",
    Float64Array.of(0, -0, Number.NEGATIVE_INFINITY, -1e308, -708.3964185322642, -5e-324),
  );
  assert.deepEqual(Array.from(exp), [1, 1, 0, 0, 0, 1]);
  assert.deepEqual(Array.from(apply(probe, "wideLog1p", Float64Array.of(0, 1e-300))), [0, 1e-300]);
  const [one, zero] = apply(probe, "wideLog", Float64Array.of(1, 0));
  assert.equal(one, 0);
  assert.ok(Math.abs(zero + 1023 * Math.LN2) < 1e-9);
});

/** gamma as the pair of float32 a host sends. */
function pair(gamma: number): [gamma: number, rest: number] {
  return [Math.fround(gamma), Math.fround(gamma - Math.fround(gamma))];
}

test("a power keeps its relative error for any gamma", () => {
  for (const gamma of [0.1, 0.7, 2, 2.2, 5.3, 77.7, 999.9]) {
    const s = Float32Array.from({ length: 8000 }, (_, i) => ((i + 0.37) * 0.0136) / gamma);
    const y = apply(probe, "powerLifted", s, ...pair(gamma));
    s.forEach((value, i) => {
      const exponent = gamma * value;
      const truth = Math.exp(-exponent);
      const error = (Math.abs(y[i] * 2 ** -32 - truth) / truth) * 2 ** 24;
      assert.ok(error <= 1.4 + exponent, `q^${gamma}, s = ${value}: ${error} * 2^-24`);
    });
  }
});

test("a power below the normal range is whole again after its factors", () => {
  const s = Float32Array.from({ length: 4000 }, (_, i) => 0.086 + i * 2e-6);
  const y = apply(probe, "powerTimes", s, 1000, 0, 1001);
  let rescued = 0;
  s.forEach((value, i) => {
    const power = Math.exp(-1000 * value);
    const truth = power * 1001;
    if (truth < 2 ** -126) return;
    if (power < 2 ** -126) rescued++;
    assert.ok(Math.abs(y[i] - truth) <= truth * 2 ** -24 * (2.7 + 1000 * value), `s = ${value}`);
  });
  assert.ok(rescued > 1000, `only ${rescued} would have been lost`);
});

test("a power of nothing is one, and of everything is nothing", () => {
  const s = Float32Array.of(0, 1, 3.4e38, 3.4e38);
  assert.deepEqual(Array.from(apply(probe, "powerLifted", s, 0, 0)), [2 ** 32, 2 ** 32, 2 ** 32, 2 ** 32]);
  assert.deepEqual(Array.from(apply(probe, "powerLifted", s, 1000, 0)), [2 ** 32, 0, 0, 0]);
});

test("a power times the largest of factors neither overflows nor exceeds it", () => {
  const s = Float32Array.of(0, 2 ** -149, 1e-30, 1);
  const huge = Math.fround(3.4e38);
  for (const [gamma, last] of [
    [0, huge],
    [2, huge * Math.exp(-2)],
  ]) {
    const y = apply(probe, "powerTimes", s.subarray(0, 3), gamma, 0, huge);
    assert.deepEqual(Array.from(y), [huge, huge, huge]);
    const [below] = apply(probe, "powerTimes", s.subarray(3), gamma, 0, 2 ** 90);
    assert.ok(Math.abs(below / 2 ** 90 - last / huge) < 1e-6);
  }
});

/** A factor as a host sends it. */
function three(k: number): [rounded: number, head: number, rest: number] {
  const bits = new Int32Array(Float32Array.of(k).buffer);
  bits[0] &= ~0xfff;
  const [head] = new Float32Array(bits.buffer);
  return [Math.fround(k), head, Math.fround(k - head)];
}

for (const [name, lift, lowest] of [
  ["scaled", 1, 2 ** -126],
  ["scaledLifted", 2 ** -32, 2 ** -157],
] as const) {
  test(`${name} is within 1.1 ulp however large the product`, () => {
    let most = 0;
    for (const k of [0.001, 0.1, 0.3, 1, 2, 10.1, 77.7, 999.9]) {
      const x = Float32Array.from({ length: 16000 }, (_, i) => ((i - 8000) * 0.0137) / k);
      const y = apply(probe, name, x, ...three(k));
      x.forEach((value, i) => {
        const truth = Math.exp(-Math.abs(k * value));
        if (truth < lowest) return;
        const error = ulps(y[i] * lift * 2 ** 40, truth * 2 ** 40);
        most = Math.max(most, error);
        assert.ok(error <= 1.1, `${k} * ${value}: ${error} ulp`);
      });
    }
    assert.ok(most > 0.9, "something was compared");
    const far = Float32Array.of(3.4e38, -3.4e38, 0.11, -0);
    assert.deepEqual(Array.from(apply(probe, name, far, ...three(1000))), [0, 0, 0, 1 / lift]);
  });
}
