/** The report that compares histogram and exact density, field by field, and the checks of the density API. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density } from "../src/mod.ts";
import { batch, mask, random } from "./data.ts";
import { bracketTruth, densityTruth, regionTruth } from "./reference/density.ts";
import { margin, softplus } from "./reference/logistic.ts";
import { refuse } from "./refusal.ts";

function near(got: number, want: number, bound: number, what: string): void {
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want) + 1e-12, `${what}: got ${got}, want ${want}`);
}

test("verify reports what its definition says", () => {
  for (const [n, bins, width, refine] of [
    [1, 30, undefined, undefined],
    [2, 4, undefined, 2],
    [150, 16, undefined, 8],
    [150, 10, 0.25, 4],
    [333, 30, undefined, undefined],
  ] as [number, number, number | undefined, number | undefined][]) {
    const { logits, targets } = batch(n, n + 1, 0.3);
    const valid = n > 2 ? mask(n, 3) : new Uint8Array(n).fill(1);
    const kept = [...valid.keys()].filter((i) => valid[i]);
    const report = density.verify(logits, targets, { bins, width, refine, mask: valid });
    const g = density.norms(logits, targets, { mask: valid });
    const w = width ?? 1 / bins;
    const exact = densityTruth(g, w);
    const regions = regionTruth(g, bins);
    const ce = kept.map((i) => softplus(-margin(logits[i], targets[i])));
    const rho = exact.density.map((d, i) => d / regions.density[i]).sort((a, b) => a - b);
    const sum = (v: number[]): number => v.reduce((x, y) => x + y, 0);
    const errors = exact.density.map((d, i) => Math.abs(regions.density[i] - d) / d);
    near(report.maxRelativeError, Math.max(...errors), 1e-9, "maxRelativeError");
    const betaL1 = sum(exact.beta.map((b, i) => Math.abs(regions.beta[i] - b))) / sum(exact.beta);
    near(report.betaL1, betaL1, 1e-9, "betaL1");
    const loss = sum(ce.map((l, i) => l / exact.density[i]));
    const approximate = sum(ce.map((l, i) => l / regions.density[i]));
    near(report.loss.exact, loss, 1e-6, "loss.exact");
    near(report.loss.histogram, approximate, 1e-6, "loss.histogram");
    assert.ok(Math.abs(report.loss.relativeError - (approximate / loss - 1)) < 2e-6, "loss.relativeError");
    near(report.rho.min, rho[0], 1e-9, "rho.min");
    near(report.rho.max, rho[rho.length - 1], 1e-9, "rho.max");
    const low = rho[Math.floor((rho.length - 1) / 2)];
    const high = rho[Math.ceil((rho.length - 1) / 2)];
    assert.ok(report.rho.median >= low * (1 - 1e-9) && report.rho.median <= high * (1 + 1e-9), "rho.median");
    assert.equal(report.occupied, new Set([...g].map((v) => Math.min(Math.floor(v * bins), bins - 1))).size);
    const border = [...g].filter((v) => v < w / 2 || v > 1 - w / 2).length;
    near(report.borderFraction, border / g.length, 1e-12, "borderFraction");
    assert.equal(report.bracket.holds, true);
    const { lossLower, lossUpper, meanGap } = report.bracket;
    assert.ok(lossLower > 0 && lossLower <= loss * (1 + 1e-6) && loss <= lossUpper * (1 + 1e-6));
    if (Number.isInteger(Math.log2(w))) {
      const { lower, upper } = bracketTruth(g, w, refine ?? 8);
      near(meanGap, sum(upper.map((u, i) => u - lower[i])) / g.length, 1e-9, "meanGap");
    }
  }
});

test("verify of an empty batch reports no error", () => {
  for (const report of [
    density.verify(new Float32Array(0), new Float32Array(0)),
    density.verify(new Float32Array(9), new Float32Array(9), { mask: new Uint8Array(9) }),
  ]) {
    assert.deepEqual([report.maxRelativeError, report.betaL1, report.loss.relativeError], [0, 0, 0]);
    assert.deepEqual([report.rho.min, report.rho.median, report.rho.max], [1, 1, 1]);
    assert.deepEqual([report.occupied, report.borderFraction, report.bracket.holds], [0, 0, true]);
  }
});

test("verify lies within its own bracket, to the last bit, and is NaN for no width", () => {
  const next = random(5);
  let tight = 0;
  for (let k = 0; k < 2000; k++) {
    const n = 1 + Math.floor(next() * 12);
    const logits = Float32Array.from({ length: n }, () => (next() - 0.5) * 8);
    const targets = Uint8Array.from({ length: n }, () => next() * 2);
    const { loss, bracket } = density.verify(logits, targets, { bins: 5, refine: 8 });
    assert.ok(bracket.lossLower <= loss.exact && loss.exact <= bracket.lossUpper, `${k}: ${loss.exact}`);
    if (bracket.meanGap === 0) tight++;
  }
  assert.ok(tight > 500, "bounds that only rounding could part from the exact value were seen");
  for (const width of [Number.MIN_VALUE, 1e-310, 1e-300, 1e-30]) {
    const { maxRelativeError, betaL1, loss, rho } = density.verify(
      Float32Array.of(0, 1, 2),
      Float32Array.of(1, 0, 1),
      { width },
    );
    const all = [maxRelativeError, betaL1, loss.exact, loss.relativeError, rho.min, rho.median, rho.max];
    assert.ok(!all.some(Number.isNaN), `${width}: ${all}`);
    assert.ok(Math.abs(maxRelativeError - 1) < 1e-3, "the histogram has next to nothing of such a density");
  }
});

test("the bounds of verify are those of its bracket", () => {
  const { logits, targets } = batch(600, 7, 0.3);
  const { bracket, loss, width } = density.verify(logits, targets, { bins: 10, refine: 1 });
  const { losses } = bce(logits, targets, { reduction: "none" });
  const g = density.norms(logits, targets);
  const { lower, upper } = density.bracket(g, { width, refine: 1 });
  let [low, high] = [0, 0];
  g.forEach((v, i) => {
    const term = (losses as Float32Array)[i] * (Math.min(v + width / 2, 1) - Math.max(v - width / 2, 0));
    low += term / upper[i];
    high += term / lower[i];
  });
  near(bracket.lossLower, low, 1e-12, "lossLower");
  near(bracket.lossUpper, high, 1e-12, "lossUpper");
  assert.ok(bracket.lossLower < loss.exact && loss.exact < bracket.lossUpper);
});

test("a norm exactly half a window from a border is not in the border", () => {
  const y = Uint8Array.of(0, 1, 0, 1);
  assert.equal(density.verify(new Float32Array(4), y, { bins: 1, width: 1 }).borderFraction, 0);
  assert.equal(
    density.verify(Float32Array.of(-1e-6, 0, 0, 0), y, { bins: 1, width: 1 }).borderFraction,
    0.25,
  );
});

test("outputs of the exact density do not share memory with each other or, in part, with g", () => {
  const buffer = new ArrayBuffer(64);
  const g = Float32Array.of(0.1, 0.9, 0.2, 0.3);
  const whole = new Float64Array(buffer, 0, 4);
  refuse(
    () => density.exact.into({ density: whole, beta: new Float64Array(buffer, 8, 4) }, g),
    "RangeError",
    /density and beta in separate memory/,
  );
  refuse(() => density.exact.into({ density: whole, beta: whole }, g), "RangeError", /separate memory/);
  refuse(
    () => density.exact.into({ counts: new Uint32Array(buffer, 4, 4) }, new Float32Array(buffer, 0, 4)),
    "RangeError",
    /counts and g/,
  );
  for (const bad of [undefined, null, 3])
    refuse(() => density.exact.into(bad as never, g), "TypeError", /outputs as an object, got/);
  const shared = new Float32Array(buffer, 0, 4).fill(0.5);
  density.exact.into({ counts: new Uint32Array(buffer, 0, 4) }, shared);
  assert.deepEqual([...new Uint32Array(buffer, 0, 4)], [4, 4, 4, 4], "in place of g");
});

test("empty norms give empty arrays", () => {
  const none = new Float32Array(0);
  for (const result of [density.exact(none), density.histogram(none), density.bracket(none)]) {
    for (const values of Object.values(result)) assert.equal(values.length, 0);
  }
  assert.equal(density.norms(none, none).length, 0);
});

test("norms outside [0, 1] are refused by their index", () => {
  const g = new Float32Array(70).fill(0.5);
  for (const at of [0, 17, 69]) {
    for (const bad of [Number.NaN, -0.1, 1.0000001192092896, Infinity, -Infinity, -1e-45]) {
      const values = g.slice();
      values[at] = bad;
      const named = new RegExp(`\\b${at}\\b`);
      refuse(() => density.exact(values), "RangeError", named);
      refuse(() => density.histogram(values), "RangeError", named);
      refuse(() => density.bracket(values), "RangeError", named);
    }
  }
  const far = new Float32Array(40000).fill(0.5).with(39000, 2);
  for (const run of [density.exact, density.histogram, density.bracket])
    refuse(() => run(far), "RangeError", /got 2 at index 39000$/);
});

test("options of the density are refused by name and value", () => {
  const g = new Float32Array(4).fill(0.5);
  const loose = (value: unknown): never => value as never;
  for (const width of [0, -1, 1.0000001, Number.NaN, Infinity]) {
    refuse(() => density.exact(g, { width }), "RangeError", /width/);
    refuse(() => density.bracket(g, { width }), "RangeError", /width/);
    refuse(() => density.verify(g, new Uint8Array(4), { width }), "RangeError", /width/);
  }
  for (const refine of [0, 65, 1.5, Number.NaN, -3]) {
    refuse(() => density.bracket(g, { refine }), "RangeError", /refine/);
    refuse(() => density.verify(g, new Uint8Array(4), { refine }), "RangeError", /refine/);
  }
  for (const bins of [0, 257, 1.5]) refuse(() => density.histogram(g, { bins }), "RangeError", /bins/);
  refuse(() => density.exact(loose([0.5])), "TypeError", /Float32Array/);
  refuse(() => density.exact(g, loose({ bins: 3 })), "TypeError", /bins/);
  refuse(() => density.histogram(g, loose({ width: 3 })), "TypeError", /width/);
  refuse(() => density.bracket(g, loose({ bin: 3 })), "TypeError", /bin\b/);
  refuse(() => density.verify(g, new Uint8Array(4), loose({ window: 3 })), "TypeError", /window/);
  refuse(() => density.norms(g, new Float32Array(4).fill(0.5)), "RangeError", /0\.5/);
  refuse(() => density.norms(g, new Uint8Array(5)), "RangeError", /5/);
  refuse(() => density.exact.into({ counts: new Uint32Array(3) }, g), "RangeError", /3/);
  refuse(() => density.exact.into(loose({ counts: new Float32Array(4) }), g), "TypeError", /Uint32Array/);
  refuse(() => density.exact.into(loose({ count: new Uint32Array(4) }), g), "TypeError", /count\b/);
});
