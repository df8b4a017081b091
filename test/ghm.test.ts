/** Gradient harmonizing: identities of the paper, both conventions, the moving average and its bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, density, ghmc } from "../src/mod.ts";
import { pick, shuffled } from "./data.ts";
import { type GhmBatch, ghmBatch } from "./ghm-data.ts";
import { densityTruth } from "./reference/density.ts";
import { fromGrid, gridSum } from "./reference/fixed-point.ts";
import { neighbour } from "./reference/float32.ts";
import { type Convention, edgesOf, GhmOracle, type GhmTruth, ghmTruth } from "./reference/ghm.ts";

const CONVENTIONS: Convention[] = ["paper", "mmdet"];
const BINS = [1, 2, 3, 5, 10, 16, 30, 31, 32, 33, 64, 100, 255, 256];

/** Mean errors of some float32 operations; a wrong bin or divisor is off by far more. */
const BOUND = 16 * 2 ** -24;

function near(got: number, want: number, what: string, bound = BOUND): void {
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want) + 1e-37, `${what}: got ${got}, want ${want}`);
}

interface Result {
  loss: number;
  grad: Float32Array;
  meanLoss: number;
  count: number;
  histogram: { bins: number; counts: Float64Array; lossSums: Float64Array; total: number };
}

function agree(got: Result, want: GhmTruth, what: string, bound = BOUND): void {
  near(got.loss, want.loss, `${what} loss`, bound);
  near(got.meanLoss, want.meanLoss, `${what} mean loss`, bound);
  assert.equal(got.count, want.count);
  assert.equal(got.histogram.total, want.count);
  assert.deepEqual([...got.histogram.counts], want.counts, what);
  want.lossSums.forEach((v, j) => {
    near(got.histogram.lossSums[j], v, `${what} loss of bin ${j}`, bound);
  });
  want.grad.forEach((v, i) => {
    near(got.grad[i], v, `${what} gradient ${i}`, bound);
  });
}

for (const convention of CONVENTIONS) {
  test(`${convention}: one batch agrees with the formula, 1 to 256 bins`, () => {
    for (const bins of BINS) {
      for (const n of [1, 2, 7, 64, 1001]) {
        const b = ghmBatch(n, bins, bins + n);
        agree(
          ghmc(b.logits, b.targets, { bins, convention }),
          ghmTruth(b, { bins, convention }),
          `${bins} of ${n}`,
        );
      }
    }
  });

  test(`${convention}: around chunk borders too`, () => {
    for (const n of [16383, 16384, 16385, 32769]) {
      const b = ghmBatch(n, 30, n);
      agree(
        ghmc(b.logits, b.targets, { convention }),
        ghmTruth(b, { bins: 30, convention }),
        `${n} elements`,
      );
    }
  });

  test(`${convention}: masked elements change nothing, whatever they hold`, () => {
    for (const n of [5, 70, 16390]) {
      const b = ghmBatch(n, 30, 3 * n, 0.4);
      const want = ghmc(b.logits, b.targets, { convention, mask: b.mask });
      agree(want, ghmTruth(b, { bins: 30, convention }), "masked");
      const dirty = b.logits.map((v, i) => (b.mask[i] ? v : [Number.NaN, Infinity, 0][i % 3]));
      const odd = b.targets.map((v, i) => (b.mask[i] ? v : [Number.NaN, 0.5, -1][i % 3]));
      assert.deepEqual(ghmc(dirty, odd, { convention, mask: b.mask }), want);
      const kept = [...b.mask.keys()].filter((i) => b.mask[i]);
      const sub = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.from(kept, (i) => v[i]);
      const alone = ghmc(sub(b.logits), sub(b.targets), { convention });
      assert.deepEqual(
        [alone.loss, alone.meanLoss, alone.histogram],
        [want.loss, want.meanLoss, want.histogram],
      );
      assert.deepEqual(sub(want.grad), alone.grad);
      assert.ok(kept.length < n && want.grad.every((v, i) => b.mask[i] || v === 0));
    }
  });

  test(`${convention}: the moving average over unequal batches, with and without correction`, () => {
    for (const momentum of [0, 0.5, 0.75, 0.9, 0.99]) {
      for (const biasCorrection of [undefined, true, false]) {
        for (const maxWeight of [undefined, 1.5]) {
          const settings = { bins: 10, convention, momentum, biasCorrection, maxWeight };
          const state = ghmc.create(settings);
          const oracle = new GhmOracle(settings);
          for (let t = 0; t < 6; t++) {
            const b = ghmBatch([300, 2, 64, 17, 1000, 5][t], 10, 7 + t, 0.1);
            agree(state.step(b.logits, b.targets, { mask: b.mask }), oracle.step(b), `step ${t}`);
            oracle.average.forEach((v, j) => {
              near(state.counts[j], v, `average ${j}`, 1e-14);
            });
          }
        }
      }
    }
  });

  test(`${convention}: an empty or masked batch changes nothing, the step count included`, () => {
    const make = (): ReturnType<typeof ghmc.create> => ghmc.create({ bins: 10, convention });
    const [one, other] = [make(), make()];
    for (let t = 0; t < 3; t++) {
      const b = ghmBatch(100, 10, t);
      const hidden = one.step(b.logits, b.targets, { mask: new Uint8Array(100) });
      assert.deepEqual([hidden.loss, hidden.meanLoss, hidden.count], [0, 0, 0]);
      assert.ok(hidden.grad.every((v) => v === 0));
      assert.equal(one.step(new Float32Array(0), new Float32Array(0)).loss, 0);
      const results = [one, other].map((s) => s.step(b.logits, b.targets));
      assert.deepEqual(results[0], results[1]);
      assert.deepEqual(one.save(), other.save());
    }
  });

  test(`${convention}: state survives save and load, also in the middle of a run`, () => {
    let state = ghmc.create({ bins: 12, convention, momentum: 0.6, maxWeight: 40 });
    const steady = ghmc.create({ bins: 12, convention, momentum: 0.6, maxWeight: 40 });
    for (let t = 0; t < 5; t++) {
      const b = ghmBatch(70, 12, t);
      const bytes = state.save();
      state = ghmc.loadState(bytes);
      assert.deepEqual(state.save(), bytes);
      assert.deepEqual(state.step(b.logits, b.targets), steady.step(b.logits, b.targets));
      assert.deepEqual(state.counts, steady.counts);
      assert.notDeepEqual(state.save(), bytes);
    }
  });

  test(`${convention}: a refused step changes nothing`, () => {
    const state = ghmc.create({ bins: 10, convention });
    const b = ghmBatch(40000, 10, 5);
    state.step(b.logits, b.targets);
    const before = state.save();
    for (const [at, bad] of [
      [0, Number.NaN],
      [16384, Infinity],
      [39999, -Infinity],
    ]) {
      const x = b.logits.slice();
      x[at] = bad;
      assert.throws(() => state.step(x, b.targets), {
        name: "RangeError",
        message: new RegExp(`\\b${at}\\b`),
      });
      const y = b.targets.slice();
      y[at] = 0.5;
      assert.throws(() => state.step(b.logits, y), {
        name: "RangeError",
        message: new RegExp(`\\b${at}\\b`),
      });
    }
    assert.throws(() => state.step(b.logits, b.targets.slice(1)), RangeError);
    assert.throws(() => state.step(b.logits, b.targets, { mask: new Uint8Array(1) }), RangeError);
    assert.deepEqual(state.save(), before);
  });

  test(`${convention}: one pass of a stream and a second for the gradient are the one shot, bit for bit`, () => {
    for (const n of [1, 100, 40000]) {
      const b = ghmBatch(n, 30, n + 1, 0.2);
      const whole = ghmc(b.logits, b.targets, { convention, mask: b.mask });
      const stream = ghmc.stream({ bins: 30, convention });
      const cuts: [number, number][] = [];
      for (let i = 0; i < n; i += 777) cuts.push([i, Math.min(i + 777, n)]);
      for (const [i, j] of cuts) {
        stream.update(b.logits.subarray(i, j), b.targets.subarray(i, j), { mask: b.mask.subarray(i, j) });
      }
      const { loss, meanLoss, count, histogram } = stream.result();
      assert.deepEqual([loss, meanLoss, count], [whole.loss, whole.meanLoss, whole.count]);
      assert.deepEqual(histogram, whole.histogram);
      const grad = new Float32Array(n);
      for (const [i, j] of cuts) {
        const mask = b.mask.subarray(i, j);
        grad.set(stream.grad(b.logits.subarray(i, j), b.targets.subarray(i, j), { mask }), i);
      }
      assert.deepEqual(grad, whole.grad);
    }
  });

  test(`${convention}: a permuted batch is a permuted result, a doubled one has the same mean weight`, () => {
    const b = ghmBatch(1003, 30, 17);
    const order = shuffled(1003, 3);
    const want = ghmc(b.logits, b.targets, { convention });
    const got = ghmc(pick(b.logits, order), pick(b.targets, order), { convention });
    assert.deepEqual(got, { ...want, grad: pick(want.grad, order) });
    const twice = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.of(...v, ...v);
    const double = ghmc(twice(b.logits), twice(b.targets), { convention });
    near(double.loss, want.loss, "loss of the doubled batch", 1e-12);
    near(double.grad[5] * 2, want.grad[5], "gradient of the doubled batch", 2 ** -22);
  });

  test(`${convention}: into and the one shot agree, in place too`, () => {
    for (const n of [1, 70, 16385]) {
      const b = ghmBatch(n, 30, n, 0.1);
      const first = ghmc.create({ convention, momentum: 0 });
      const second = ghmc.create({ convention, momentum: 0 });
      const want = first.step(b.logits, b.targets, { mask: b.mask });
      const x = b.logits.slice();
      const { loss } = second.into({ grad: x }, x, b.targets, { mask: b.mask });
      assert.equal(loss, want.loss);
      assert.deepEqual(x, want.grad);
      assert.deepEqual(second.save(), first.save());
      assert.deepEqual(ghmc(b.logits, b.targets, { convention, mask: b.mask }).grad, want.grad);
    }
  });
}

function occupiedOf(result: Result): number {
  return result.histogram.counts.reduce((sum, r) => sum + (r > 0 ? 1 : 0), 0);
}

/** Weight of every element, read back from its gradient. */
function betas(b: GhmBatch, grad: Float32Array): number[] {
  const plain = bce(b.logits, b.targets, { reduction: "none" }).grad;
  return [...grad].map((v, i) => (v * grad.length) / plain[i]);
}

test("the mean weight is n / M in the paper's convention and 1 in mmdetection's; the losses differ by the same factor", () => {
  let gaps = 0;
  for (const [n, bins] of [
    [4, 10],
    [30, 30],
    [1000, 30],
    [5000, 8],
  ]) {
    const b = ghmBatch(n, bins, n);
    const paper = ghmc(b.logits, b.targets, { bins });
    const mmdet = ghmc(b.logits, b.targets, { bins, convention: "mmdet" });
    const occupied = occupiedOf(paper);
    const mean = (v: number[]): number => v.reduce((sum, w) => sum + w, 0) / n;
    near(mean(betas(b, paper.grad)), occupied / bins, "paper", 1e-5);
    near(mean(betas(b, mmdet.grad)), 1, "mmdet", 1e-5);
    near(mmdet.loss, (bins / occupied) * paper.loss, "ratio", 1e-12);
    if (occupied < bins) gaps++;
  }
  assert.ok(gaps > 0, "with every bin occupied the two would be the same");
});

test("the loss is the mean over the bins of each bin's mean loss", () => {
  const b = ghmBatch(3000, 30, 1);
  const { loss, histogram } = ghmc(b.logits, b.targets);
  let sum = 0;
  histogram.counts.forEach((r, j) => {
    if (r) sum += histogram.lossSums[j] / r;
  });
  near(loss, sum / 30, "one-pass form", 1e-14);
});

test("the gradient mass of a bin is its mean norm over M, so the total is near one half", () => {
  const b = ghmBatch(20000, 30, 9);
  const { grad, histogram } = ghmc(b.logits, b.targets);
  const g = density.norms(b.logits, b.targets);
  const mass = new Float64Array(30);
  grad.forEach((v, i) => {
    mass[Math.min(Math.floor(g[i] * 30), 29)] += Math.abs(v);
  });
  mass.forEach((v, j) => {
    if (histogram.counts[j]) assert.ok(v >= j / 900 - 1e-6 && v <= (j + 1) / 900 + 1e-6, `bin ${j}: ${v}`);
  });
  assert.ok(histogram.counts.every((r) => r > 0));
  assert.ok(Math.abs(mass.reduce((x, y) => x + y) - 0.5) < 0.02);
});

test("with all bins occupied the loss is nearly 1 and above ln M - ln(M!)/M: no progress metric", () => {
  for (const [bins, least, most] of [
    [5, 0.6519, 1.5],
    [10, 0.7921, 1.4],
    [30, 0.9126, 1.2],
  ]) {
    const means: number[] = [];
    for (const shift of [0, -1.5]) {
      const b = ghmBatch(30000, bins, 5);
      const x = b.logits.map((v) => v + shift);
      const got = ghmc(x, b.targets, { bins });
      assert.equal(occupiedOf(got), bins);
      assert.ok(got.loss > least && got.loss < most, `${bins}: ${got.loss}`);
      means.push(got.meanLoss);
    }
    assert.ok(Math.abs(means[0] / means[1] - 1) > 0.05, "while the mean loss does move");
  }
});

test("mmdetection's first step is inflated by 1 / (1 - momentum); the correction takes that away", () => {
  const b = ghmBatch(500, 10, 2);
  const once = (momentum: number, biasCorrection?: boolean): number =>
    ghmc.create({ bins: 10, momentum, convention: "mmdet", biasCorrection }).step(b.logits, b.targets).loss;
  const plain = ghmc(b.logits, b.targets, { bins: 10, convention: "mmdet" }).loss;
  for (const [momentum, factor] of [
    [0.7, 1 / 0.3],
    [0.75, 4],
    [0.9, 10],
  ]) {
    near(once(momentum), factor * plain, "inflated", 1e-13);
    near(once(momentum, true), plain, "corrected", 1e-13);
  }
});

test("at constant data the corrected average is the batch itself", () => {
  const b = ghmBatch(500, 10, 2);
  const state = ghmc.create({ bins: 10, momentum: 0.9 });
  const want = ghmc(b.logits, b.targets, { bins: 10 });
  for (let t = 0; t < 20; t++) near(state.step(b.logits, b.targets).loss, want.loss, `step ${t}`, 1e-12);
});

test("maxWeight caps the weights and nothing else", () => {
  const b = ghmBatch(2000, 30, 4);
  const free = betas(b, ghmc(b.logits, b.targets).grad);
  const capped = betas(
    b,
    ghmc.create({ bins: 30, momentum: 0, maxWeight: 2 }).step(b.logits, b.targets).grad,
  );
  assert.ok(Math.max(...free) > 3 && Math.min(...free) < 1);
  free.forEach((w, i) => {
    near(capped[i], Math.min(w, 2), `weight ${i}`, 1e-5);
  });
});

test("all norms equal: paper weight 1/M, mmdetection 1", () => {
  const x = new Float32Array(50).fill(1);
  const y = new Float32Array(50);
  const b = { logits: x, targets: y, mask: new Uint8Array(50).fill(1) };
  near(betas(b, ghmc(x, y, { bins: 8 }).grad)[0], 1 / 8, "paper", 1e-6);
  near(betas(b, ghmc(x, y, { bins: 8, convention: "mmdet" }).grad)[0], 1, "mmdet", 1e-6);
  const [g] = density.norms(x, y);
  const length = densityTruth([g], 1 / 8).beta[0];
  near(betas(b, ghmc.exact(x, y, { width: 1 / 8 }).grad)[0], length, "exact", 1e-6);
});

test("the worked example: exact density and regions side by side", () => {
  // Norms in 32nds and M = 8, so that every edge of a bin and of a window is exact in binary.
  const g = Float32Array.from([0, 1, 2, 2, 3, 6, 10, 11, 18, 32], (v) => v / 32);
  const exact = density.exact(g, { width: 4 / 32 });
  assert.deepEqual([...exact.counts], [2, 4, 5, 5, 4, 1, 2, 2, 1, 1]);
  assert.deepEqual([...exact.density], [32, (4 * 32) / 3, 40, 40, 32, 8, 16, 16, 8, 16]);
  const regions = density.histogram(g, { bins: 8 });
  assert.deepEqual([...regions.counts].map(Number), [5, 5, 5, 5, 5, 1, 2, 2, 1, 1]);
  assert.deepEqual([...regions.density], [40, 40, 40, 40, 40, 8, 16, 16, 8, 8]);
  assert.equal(exact.beta[0] / regions.beta[0], 40 / 32);
  assert.equal(regions.beta[9] / exact.beta[9], 2, "at the border the histogram weighs twice");
});

/** Logits whose norm lies at, just below and just above every edge j / bins. */
function aroundEdges(bins: number): Float32Array<ArrayBuffer> {
  const xs: number[] = [0, 50, -50, 200, -200];
  for (let j = 1; j < bins; j++) {
    const x = Math.fround(Math.log(j / bins / (1 - j / bins)));
    for (let k = -6; k <= 6; k++) xs.push(neighbour(x, k));
  }
  return Float32Array.from(xs);
}

test("bins follow the rule floor(g M) of the exact product, at every edge and its neighbours", () => {
  let risky = 0;
  for (let bins = 1; bins <= 256; bins++) {
    const x = aroundEdges(bins);
    const y = new Float32Array(x.length);
    const g = density.norms(x, y);
    const want = new Array<number>(bins).fill(0);
    for (const v of g) {
      want[Math.min(Math.floor(v * bins), bins - 1)]++;
      if (Math.floor(Math.fround(v * bins)) !== Math.floor(v * bins)) risky++;
    }
    assert.deepEqual([...ghmc(x, y, { bins }).histogram.counts], want, `${bins} bins`);
    const all = density.histogram(g, { bins });
    const counts = [...g].map((v) => want[Math.min(Math.floor(v * bins), bins - 1)]);
    assert.deepEqual([...all.counts].map(Number), counts, `${bins} bins, density`);
  }
  assert.ok(risky > 20, "a float32 product would have failed somewhere");
});

test("mmdetection's bins follow its float32 edges", () => {
  let differ = 0;
  for (let bins = 1; bins <= 256; bins++) {
    const x = aroundEdges(bins);
    const y = new Float32Array(x.length);
    const g = density.norms(x, y);
    const edges = edgesOf(bins, "mmdet");
    const want = new Array<number>(bins).fill(0);
    for (const v of g) {
      let j = bins - 1;
      while (v < edges[j]) j--;
      want[j]++;
      if (j !== Math.min(Math.floor(v * bins), bins - 1)) differ++;
    }
    assert.deepEqual([...ghmc(x, y, { bins, convention: "mmdet" }).histogram.counts], want, `${bins} bins`);
  }
  assert.ok(differ > 20, "the two rules do differ");
});

test("loss sums of the bins are the exact sums of the element losses", () => {
  const b = ghmBatch(5000, 30, 6);
  const { histogram, meanLoss } = ghmc(b.logits, b.targets);
  const losses = bce(b.logits, b.targets, { reduction: "none" }).losses as Float32Array;
  const g = density.norms(b.logits, b.targets);
  for (let j = 0; j < 30; j++) {
    const members = losses.filter((_, i) => Math.min(Math.floor(g[i] * 30), 29) === j);
    assert.equal(histogram.lossSums[j], fromGrid(gridSum(members)), `bin ${j}`);
  }
  assert.equal(meanLoss, bce(b.logits, b.targets).loss);
});

test("the exact loss is the sum of cross-entropy over exact density", () => {
  for (const [n, width] of [
    [1, 0.1],
    [200, 1 / 30],
    [333, 0.5],
    [100, 1],
  ]) {
    const b = ghmBatch(n, 30, n, 0.2);
    const kept = [...b.mask.keys()].filter((i) => b.mask[i]);
    const got = ghmc.exact(b.logits, b.targets, { width, mask: b.mask });
    const g = density.norms(b.logits, b.targets, { mask: b.mask });
    const truth = densityTruth(g, width);
    const plain = bce(b.logits, b.targets, { reduction: "none" });
    let [loss, mean] = [0, 0];
    kept.forEach((i, k) => {
      const l = (plain.losses as Float32Array)[i];
      loss += l / truth.density[k];
      mean += l / kept.length;
      near(got.grad[i], plain.grad[i] / truth.density[k], `gradient ${i}`);
    });
    assert.equal(got.count, kept.length);
    near(got.loss, loss, "loss", 1e-6);
    near(got.meanLoss, mean, "mean loss", 1e-6);
    assert.ok(got.grad.every((v, i) => b.mask[i] || v === 0));
  }
});

test("options out of range and soft targets are refused", () => {
  const b = ghmBatch(10, 10, 1);
  const loose = (options: unknown): never => options as never;
  for (const bins of [0, 257, 2.5, Number.NaN, -1]) {
    assert.throws(() => ghmc(b.logits, b.targets, { bins }), { name: "RangeError", message: /bins/ });
    assert.throws(() => ghmc.create({ bins }), RangeError);
    assert.throws(() => ghmc.stream({ bins }), RangeError);
  }
  for (const momentum of [1, -0.1, Number.NaN]) assert.throws(() => ghmc.create({ momentum }), RangeError);
  for (const maxWeight of [0, -1, Number.NaN]) assert.throws(() => ghmc.create({ maxWeight }), RangeError);
  for (const width of [0, 1.01, -1, Number.NaN]) {
    assert.throws(() => ghmc.exact(b.logits, b.targets, { width }), RangeError);
  }
  assert.throws(() => ghmc(b.logits, b.targets, loose({ convention: "torch" })), RangeError);
  assert.throws(() => ghmc(b.logits, b.targets, loose({ bin: 3 })), { name: "TypeError", message: /bin\b/ });
  assert.throws(() => ghmc.create(loose({ gamma: 3 })), { name: "TypeError", message: /gamma/ });
  const soft = b.targets.slice();
  soft[7] = 0.5;
  for (const call of [ghmc, ghmc.exact]) {
    assert.throws(() => call(b.logits, soft), { name: "RangeError", message: /\b7\b.*0\.5|0\.5.*\b7\b/ });
  }
});
