/** `bins: "auto"` on densities that are known, against the best number of regions found by trying all 256. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { autoBins, ghmc, ghmr } from "../src/mod.ts";
import { mask, pick, random, shuffled } from "./data.ts";
import { FAMILIES } from "./ghm-data.ts";
import { refuse } from "./refusal.ts";

interface Law {
  name: string;
  draw: (u: () => number) => number;
  density: (g: number) => number;
}

function exponential(rate: number): Law {
  const whole = 1 - Math.exp(-rate);
  return {
    name: `exponential ${rate}`,
    draw: (u) => -Math.log1p(-u() * whole) / rate,
    density: (g) => (rate * Math.exp(-rate * g)) / whole,
  };
}

function waves(u: () => number): number {
  const g = u();
  return u() * 2 < 1 + Math.sin(8 * Math.PI * g) ? g : waves(u);
}

const LAWS: Law[] = [
  { name: "rising", draw: (u) => Math.sqrt(u()), density: (g) => 2 * g },
  {
    name: "parabola",
    draw: (u) => [u(), u(), u()].sort((a, b) => a - b)[1],
    density: (g) => 6 * g * (1 - g),
  },
  { name: "steep", draw: (u) => u() ** 0.1, density: (g) => 10 * g ** 9 },
  { name: "waves", draw: waves, density: (g) => 1 + Math.sin(8 * Math.PI * g) },
  exponential(5),
  exponential(20),
  exponential(100),
];

/** Logits of target 0 whose gradient norms are drawn from a law. */
function sample(draw: Law["draw"], n: number, seed: number): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => {
    const g = Math.min(Math.max(draw(next), 1e-9), 1 - 1e-9);
    return Math.log(g / (1 - g));
  });
}

const GRID = 1000;

/** Mean over [0, 1] of how far the density by `bins` regions is from the truth, per sample. */
function errorOf(x: Float32Array, bins: number | "auto", truth: Float64Array): number {
  const { histogram } = ghmc(x, new Uint8Array(x.length), { bins });
  const { counts } = histogram;
  const scale = counts.length / x.length;
  return truth.reduce((sum, f, k) => {
    const region = Math.min(Math.floor(((k + 0.5) / GRID) * counts.length), counts.length - 1);
    return sum + Math.abs(counts[region] * scale - f) / GRID;
  }, 0);
}

for (const { name, draw, density } of LAWS) {
  test(`auto is near the best of all numbers of regions: ${name}`, () => {
    const truth = Float64Array.from({ length: GRID }, (_, k) => density((k + 0.5) / GRID));
    let [sum, fixed, runs] = [0, 0, 0];
    for (const n of [1000, 10000]) {
      for (const seed of [1, 2]) {
        const x = sample(draw, n, n + seed);
        const all = Array.from({ length: 256 }, (_, k) => errorOf(x, k + 1, truth));
        const best = Math.min(...all);
        const share = errorOf(x, "auto", truth) / best;
        assert.ok(share <= 1.5, `${n} samples: ${share} times the least error, of ${all.indexOf(best) + 1}`);
        sum += share;
        fixed = Math.max(fixed, all[3] / best, all[255] / best);
        runs++;
      }
    }
    assert.ok(sum / runs <= 1.3, `${sum / runs} times the least error on the average`);
    assert.ok(fixed > 1.5, "a wrong number of regions shows");
  });
}

test("a flat density needs hardly any region, an empty batch has one", () => {
  const found: number[] = [];
  for (const n of [100, 1000, 10000, 100000]) {
    for (let seed = 0; seed < 10; seed++) {
      const x = sample((u) => u(), n, n + seed);
      found.push(ghmc(x, new Uint8Array(n), { bins: "auto" }).histogram.bins);
    }
  }
  found.sort((a, b) => a - b);
  assert.equal(found[20], 1, "most of them");
  assert.ok(found[39] <= 10, `at most ${found[39]}`);
  const none = ghmc(new Float32Array(0), new Uint8Array(0), { bins: "auto" });
  assert.deepEqual([none.loss, none.histogram.bins], [0, 1]);
});

test("the number of regions grows as the cube root of the number of samples", () => {
  const bins = (n: number): number => {
    const x = sample((u) => Math.sqrt(u()), n, 5);
    return ghmc(x, new Uint8Array(n), { bins: "auto" }).histogram.bins;
  };
  const growth = bins(320000) / bins(5000);
  assert.ok(growth > 3.2 && growth < 5, `64 times the samples, ${growth} times the regions`);
});

for (const { name, ghm, draw } of FAMILIES) {
  test(`${name}: auto is the number it reports, in any order, and a mask takes elements out`, () => {
    const n = 40000;
    const b = draw(n, 30, 3);
    for (const convention of ["paper", "mmdet"] as const) {
      const got = ghm(b.logits, b.targets, { bins: "auto", convention });
      assert.ok(got.histogram.bins > 4);
      assert.deepEqual(got, ghm(b.logits, b.targets, { bins: got.histogram.bins, convention }));
    }
    const order = shuffled(n, 7);
    const want = ghm(b.logits, b.targets, { bins: "auto" });
    const permuted = ghm(pick(b.logits, order), pick(b.targets, order), { bins: "auto" });
    assert.deepEqual([permuted.loss, permuted.histogram], [want.loss, want.histogram]);
    const valid = mask(n, 9);
    const sub = (v: Float32Array): Float32Array => v.filter((_, i) => valid[i] !== 0);
    const masked = ghm(b.logits, b.targets, { bins: "auto", mask: valid });
    assert.deepEqual(masked.histogram, ghm(sub(b.logits), sub(b.targets), { bins: "auto" }).histogram);
  });
}

test("auto goes by the samples that the mask leaves", () => {
  const x = Float32Array.of(...sample((u) => u() ** 0.1, 300, 4), ...sample((u) => u(), 3000, 4));
  const valid = new Uint8Array(3300).fill(1, 0, 300);
  const bins = (n: number, own?: Uint8Array): number =>
    ghmc(x.subarray(0, n), new Uint8Array(n), { bins: "auto", mask: own }).histogram.bins;
  assert.equal(bins(3300, valid), bins(300));
  assert.notEqual(bins(3300), bins(300));
});

for (const { name, ghm, draw } of FAMILIES) {
  test(`${name}: autoBins finds by a stream of 256 regions what auto finds by a batch`, () => {
    const { logits, targets } = draw(30000, 20, 8);
    const pilot = ghm.stream({ bins: 256 });
    for (let from = 0; from < 30000; from += 7001) {
      pilot.update(logits.subarray(from, from + 7001), targets.subarray(from, from + 7001));
    }
    const bins = autoBins(pilot.result().histogram.counts);
    assert.equal(bins, ghm(logits, targets, { bins: "auto" }).histogram.bins);
    assert.ok(bins > 4);
  });
}

test("a pilot that asks for as many regions as it has is not coarsened", () => {
  assert.deepEqual([autoBins(Float64Array.of(0, 0, 0, 4)), autoBins(Float64Array.of(0, 4))], [4, 2]);
});

test("autoBins takes counts of a power of two regions only", () => {
  for (let length = 2; length <= 256; length *= 2)
    assert.equal(autoBins(new Float64Array(length).fill(9)), 1);
  assert.equal(autoBins(new Float64Array(256)), 1);
  for (const length of [0, 1, 3, 30, 512]) {
    refuse(() => autoBins(new Float64Array(length)), "RangeError", new RegExp(`256 regions, got ${length}$`));
  }
  refuse(() => autoBins([1, 2] as never), "TypeError", /counts as a Float64Array, got Array/);
  for (const count of [-1, 0.5, Number.NaN, Infinity]) {
    refuse(() => autoBins(Float64Array.of(1, count)), "RangeError", /whole numbers, got .* at index 1/);
  }
});

test("what outlives a batch needs its number of regions beforehand", () => {
  for (const ghm of [ghmc, ghmr]) {
    for (const make of [ghm.create, ghm.stream])
      refuse(() => make({ bins: "auto" as never }), "TypeError", /bins.*"auto"/);
    refuse(() => ghm(Float32Array.of(1), Uint8Array.of(1), { bins: "many" as never }), "TypeError", /many/);
    refuse(
      () => ghm(Float32Array.of(1, Number.NaN), Uint8Array.of(1, 0), { bins: "auto" }),
      "RangeError",
      /index 1/,
    );
  }
});
