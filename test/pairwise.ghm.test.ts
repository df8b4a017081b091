/** Harmonized pairs: against the definition in f64, against `ghmc` of the differences, by groups, in pieces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc, type PairGhmStream, type PairwiseGhmBatchOptions, pairwise } from "../src/mod.ts";
import { mask as maskOf, random, shuffled } from "./data.ts";
import { differences, evenData, type PairData, pairData } from "./pairs-data.ts";
import { gathered, harmonizedPairs, pairTruth } from "./reference/pairs.ts";
import { loose, put, refuse } from "./refusal.ts";
import { soil } from "./soil.ts";

const UNIT = 2 ** -24;
const CONVENTIONS = ["paper", "mmdet"] as const;
const ghm = { loss: "ghm" } as const;

/** Pairs whose norms are not so near the edge of a region that float64 could see them on its other side. */
function clear(data: PairData, bins: number): PairData {
  const keep = differences(data).flatMap((d, k) => {
    const place = pairTruth(d, 0).slope * bins;
    return Math.abs(place - Math.round(place)) > 1e-4 ? [k] : [];
  });
  return {
    scores: data.scores,
    pairs: Uint32Array.from(keep.flatMap((k) => [...data.pairs.subarray(2 * k, 2 * k + 2)])),
  };
}

for (const convention of CONVENTIONS) {
  test(`pairwise, ghm (${convention}): where differences are exact it is ghmc with target 1`, () => {
    for (const n of [0, 1, 5, 33, 32768, 32769, 70001]) {
      for (const bins of [1, 10, 30, 33, 256, "auto"] as const) {
        if (bins === "auto" && n < 1000) continue;
        const data = evenData(500, n, n + 1);
        const logits = Float32Array.from(differences(data));
        const ones = new Float32Array(n).fill(1);
        const mask = maskOf(n, 7);
        const want = ghmc(logits, ones, { bins, convention, mask });
        soil();
        const got = pairwise(data.scores, data.pairs, { ...ghm, bins, convention, mask });
        assert.deepEqual(
          [got.loss, got.meanLoss, got.count, got.histogram],
          [want.loss, want.meanLoss, want.count, want.histogram],
        );
        const { grad, size } = gathered(
          500,
          data.pairs,
          want.grad.map((g) => -g),
        );
        got.grad.forEach((g, i) => {
          assert.ok(Math.abs(g - grad[i]) <= 4 * UNIT * size[i], `item ${i}: ${g}, ${grad[i]}`);
        });
      }
    }
  });

  test(`pairwise, ghm (${convention}): loss, losses and gradients are those of the definition, by groups or not`, () => {
    for (const [n, users, bins, spread] of [
      [1, 1, 30, 3],
      [40, 1, 5, 6],
      [700, 60, 30, 6],
      [900, 900, 10, 20],
      [800, 7, 256, 12],
    ]) {
      const data = clear(pairData(90, n, n + bins, spread), bins);
      const d = differences(data);
      const next = random(n);
      const ids = Float64Array.from({ length: users }, () => Math.floor(next() * 2 ** 32));
      const groups = Uint32Array.from(d, () => ids[Math.floor(next() * users)]);
      const weights = Float32Array.from(d, () => next() * 3);
      for (const options of [{}, { groups }, { weights }, { groups, weights }] as PairwiseGhmBatchOptions[]) {
        const { beta } = harmonizedPairs(d, options.groups ?? d.map(() => 0), bins, convention);
        const w = (k: number): number => (options.weights?.[k] ?? 1) * beta[k];
        const losses = d.map((v, k) => w(k) * pairTruth(v, 0).loss);
        const truth = gathered(
          90,
          data.pairs,
          d.map((v, k) => w(k) * pairTruth(v, 0).slope),
        );
        const most = options.weights ? 10 : 8;
        const all = { ...ghm, bins, convention, ...options };
        const none = pairwise(data.scores, data.pairs, { ...all, reduction: "none" });
        none.losses?.forEach((loss, k) => {
          assert.ok(
            Math.abs(loss - losses[k]) <= most * UNIT * losses[k],
            `pair ${k}: ${loss}, ${losses[k]}`,
          );
        });
        const sum = losses.reduce((total, loss) => total + loss, 0);
        const plain = d.reduce(
          (total, v, k) => total + (options.weights?.[k] ?? 1) * pairTruth(v, 0).loss,
          0,
        );
        for (const [reduction, normalizer, by] of [
          ["none", undefined, 1],
          ["sum", undefined, 1],
          ["mean", undefined, d.length],
          ["mean", 7.3, 7.3],
        ] as const) {
          const got = pairwise(data.scores, data.pairs, { ...all, reduction, normalizer });
          assert.ok(Math.abs(got.loss - sum / by) <= (most * UNIT * sum) / by);
          assert.ok(Math.abs(got.meanLoss - plain / d.length) <= (most * UNIT * plain) / d.length);
          assert.equal(got.histogram.total, d.length);
          got.grad.forEach((g, i) => {
            const error = Math.abs(g - truth.grad[i] / by);
            assert.ok(
              error <= ((most + 1) * UNIT * truth.size[i]) / by,
              `item ${i}: ${g}, ${truth.grad[i] / by}`,
            );
          });
        }
      }
    }
  });
}

test("pairwise, ghm: one group is no group, and the order of groups and pairs does not matter", () => {
  const n = 40001;
  const { scores, pairs } = evenData(300, n, 4);
  const options = { ...ghm, bins: 10, reduction: "none" } as const;
  const none = pairwise(scores, pairs, options);
  const one = pairwise(scores, pairs, { ...options, groups: new Uint32Array(n).fill(2 ** 32 - 1) });
  assert.deepEqual([one.losses, one.grad], [none.losses, none.grad]);
  const groups = Uint32Array.from({ length: n }, (_, k) => Math.imul(k % 777, 0x9e3779b1));
  const grouped = pairwise(scores, pairs, { ...options, groups });
  const order = shuffled(n, 5);
  const permuted = pairwise(
    scores,
    Uint32Array.from({ length: 2 * n }, (_, i) => pairs[2 * order[i >> 1] + (i & 1)]),
    { ...options, groups: groups.map((_, k) => groups[order[k]]) },
  );
  assert.deepEqual([permuted.loss, permuted.histogram], [grouped.loss, grouped.histogram]);
  assert.deepEqual(
    permuted.losses,
    grouped.losses?.map((_, k) => grouped.losses?.[order[k]] as number),
  );
  assert.notDeepEqual(grouped.losses, none.losses);
  const apart = pairwise(scores, pairs, { ...options, groups: groups.map((_, k) => k) });
  const plain = pairwise(scores, pairs, { reduction: "none" });
  const tenth = Math.fround(0.1);
  assert.deepEqual(
    apart.losses,
    plain.losses?.map((loss) => loss * tenth),
    "alone in its group: 1 / bins",
  );
});

test("pairwise, ghm: weights multiply losses and gradients, not the counts", () => {
  const { scores, pairs } = evenData(60, 5000, 9);
  const weights = Float32Array.from({ length: 5000 }, (_, k) => (k % 4) / 2);
  for (const groups of [undefined, pairs.slice(0, 5000)]) {
    const options = { ...ghm, groups, reduction: "none" } as const;
    const plain = pairwise(scores, pairs, options);
    const heavy = pairwise(scores, pairs, { ...options, weights });
    assert.deepEqual(heavy.histogram.counts, plain.histogram.counts);
    heavy.losses?.forEach((loss, k) => {
      const want = weights[k] * (plain.losses?.[k] as number);
      assert.ok(Math.abs(loss - want) <= 3 * UNIT * want);
    });
    const twice = pairwise(scores, pairs, { ...options, weights: weights.map(() => 2) });
    assert.deepEqual(
      twice.grad,
      plain.grad.map((g) => 2 * g),
    );
    assert.deepEqual(
      twice.losses,
      plain.losses?.map((loss) => 2 * loss),
    );
  }
});

test("pairwise, ghm: a masked pair does not exist, whatever it holds", () => {
  for (const n of [9, 1000, 40001]) {
    const { scores, pairs } = pairData(50, n, n, 9);
    const mask = maskOf(n, 4);
    const keep = Array.from({ length: n }, (_, k) => k).filter((k) => mask[k] !== 0);
    const left = Uint32Array.from(keep.flatMap((k) => [pairs[2 * k], pairs[2 * k + 1]]));
    const marked = pairs.map((item, i) => (mask[i >> 1] ? item : [50, 51, 2 ** 32 - 1][i % 3]));
    const foul = new Float32Array(51).fill(NaN);
    foul.set(scores);
    const weights = Float32Array.from(mask, (byte) => (byte ? byte / 99 : NaN));
    const groups = Uint32Array.from({ length: n }, (_, k) => k % 3);
    for (const own of [{}, { groups }]) {
      const some = own.groups ? { groups: Uint32Array.from(keep, (k) => groups[k]) } : {};
      const want = pairwise(scores, left, {
        ...ghm,
        ...some,
        weights: Float32Array.from(keep, (k) => weights[k]),
      });
      const got = pairwise(foul, marked, { ...ghm, ...own, mask, weights });
      const grad = new Float32Array(51);
      grad.set(want.grad);
      assert.deepEqual(got, { ...want, grad });
      const nothing = pairwise(foul, marked, { ...ghm, ...own, mask: new Uint8Array(n) });
      assert.deepEqual([nothing.loss, nothing.meanLoss, nothing.count], [0, 0, 0]);
      assert.deepEqual(nothing.grad, new Float32Array(51));
    }
  }
});

test("pairwise, ghm: the same bits whichever outputs are asked for, into arrays of the caller", () => {
  for (const n of [0, 100, 40001]) {
    const { scores, pairs } = pairData(300, n, 2);
    for (const groups of [undefined, pairs.slice(0, n)]) {
      const options = { ...ghm, groups };
      const want = pairwise(scores, pairs, { ...options, reduction: "none" });
      const { loss, meanLoss, count, histogram } = want;
      const shared = { loss, meanLoss, count, histogram };
      const [grad, losses] = [new Float32Array(300).fill(7), new Float32Array(n).fill(7)];
      const none = { ...options, reduction: "none" } as const;
      assert.deepEqual(pairwise.into({}, scores, pairs, none), shared);
      assert.deepEqual(pairwise.into({ grad }, scores, pairs, none), shared);
      assert.deepEqual(pairwise.into({ losses }, scores, pairs, none), shared);
      assert.deepEqual([grad, losses], [want.grad, want.losses]);
      const place = scores.slice();
      pairwise.into({ grad: place }, place, pairs, none);
      assert.deepEqual(place, want.grad, "in place of the scores");
    }
  }
});

test("pairwise, ghm: a stream has the loss of the one shot, and a second pass its gradient", () => {
  const n = 70001;
  const { scores, pairs } = pairData(400, n, 3, 10);
  const mask = maskOf(n, 2);
  const weights = Float32Array.from({ length: n }, (_, k) => (k % 7) / 3);
  for (const options of [
    {},
    { bins: 40, convention: "mmdet" },
    { reduction: "sum" },
    { normalizer: 7 },
  ] as const) {
    const all = { ...ghm, ...options };
    const want = pairwise(scores, pairs, { ...all, mask, weights });
    const stream = pairwise.stream(all);
    const grads: number[] = new Array(400).fill(0);
    const sizes = grads.slice();
    const pieces = Array.from({ length: 8 }, (_, i) => [i * 9973, Math.min((i + 1) * 9973, n)]);
    const cut = ([from, to]: number[]) => ({
      pairs: pairs.subarray(2 * from, 2 * to),
      options: { mask: mask.subarray(from, to), weights: weights.subarray(from, to) },
    });
    for (const piece of pieces.map(cut)) stream.update(scores, piece.pairs, piece.options);
    const { loss, meanLoss, count, histogram } = stream.result();
    assert.deepEqual(
      [loss, meanLoss, count, histogram],
      [want.loss, want.meanLoss, want.count, want.histogram],
    );
    assert.deepEqual(stream.grad(scores, pairs, { mask, weights }), want.grad, "all pairs in one piece");
    for (const piece of pieces.map(cut)) {
      stream.grad(scores, piece.pairs, piece.options).forEach((g, i) => {
        grads[i] += g;
        sizes[i] += Math.abs(g);
      });
    }
    want.grad.forEach((g, i) => {
      assert.ok(Math.abs(g - grads[i]) <= 2 * UNIT * sizes[i], `item ${i}`);
    });
    const loaded = pairwise.load(stream.save()) as PairGhmStream;
    assert.deepEqual(loaded.grad(scores, pairs, { mask, weights }), want.grad);
  }
});

test("pairwise, ghm: refusals", () => {
  const n = 40000;
  const { scores, pairs } = pairData(500, n, 4);
  const stream = pairwise.stream(ghm).update(scores, pairs);
  const before = stream.save();
  const groups = new Uint32Array(n);
  const options: [unknown, "TypeError" | "RangeError", RegExp][] = [
    [{ groups }, "TypeError", /groups beside the loss "ghm" alone, got it beside "bpr"$/],
    [{ bins: 10 }, "TypeError", /bins beside the loss "ghm" alone, got it beside "bpr"$/],
    [{ loss: "focal", convention: "paper" }, "TypeError", /convention beside the loss "ghm" alone/],
    [{ ...ghm, gamma: 1 }, "TypeError", /gamma beside the loss "focal" alone, got it beside "ghm"$/],
    [{ ...ghm, bins: 257 }, "RangeError", /bins/],
    [{ ...ghm, convention: "other" }, "RangeError", /convention/],
    [{ ...ghm, bins: "auto", groups }, "TypeError", /bins as a number beside groups, got "auto"$/],
    [{ ...ghm, groups: groups.subarray(1) }, "RangeError", /40000 groups, one for each pair, got 39999/],
    [{ ...ghm, groups: new Int32Array(n) }, "TypeError", /groups as a Uint32Array/],
    [{ ...ghm, momentum: 0.5 }, "TypeError", /"momentum"/],
    [{ ...ghm, normalizer: "positives" }, "RangeError", /"positives"/],
  ];
  for (const [given, kind, says] of options) refuse(() => pairwise(scores, pairs, loose(given)), kind, says);
  refuse(() => pairwise.stream(loose({ ...ghm, bins: "auto" })), "TypeError", /bins as a number, got "auto"/);
  refuse(() => pairwise.stream(loose({ ...ghm, groups })), "TypeError", /"groups"/);
  refuse(() => stream.update(scores, pairs, loose({ groups })), "TypeError", /"groups"/);
  const bad = pairs.slice();
  bad[2 * 33333] = 500;
  const ones = new Float32Array(n).fill(1);
  for (const own of [{}, { groups }]) {
    const run = (x: Float32Array, p: Uint32Array, weights?: Float32Array) => (): unknown =>
      pairwise(x, p, { ...ghm, ...own, weights });
    refuse(run(scores, bad), "RangeError", /got 500 in pair 33333$/);
    refuse(run(scores, pairs, put(ones, 35000, NaN)), "RangeError", /got NaN at pair 35000$/);
  }
  const heavy = { ...ghm, weights: Float32Array.of(2) };
  const wrong = Uint32Array.of(0, 1);
  refuse(
    () => pairwise(Float32Array.of(0, 3e38), wrong, heavy),
    "RangeError",
    /overflow at pair 0 .*weight 2/,
  );
  // 100 to 1 in a group: what is rare weighs 50 times as much, which its loss does not survive.
  const rare = Uint32Array.from({ length: 202 }, (_, i) => (i < 200 ? 1 - (i & 1) : i & 1));
  const far = Float32Array.of(-1e38, 1e38);
  for (const own of [{ reduction: "none" }, { groups: new Uint32Array(101) }] as const)
    refuse(() => pairwise(far, rare, { ...ghm, ...own, bins: 2 }), "RangeError", /overflow at pair 100/);
  assert.equal(
    pairwise(far, rare, { ...ghm, bins: 2 }).loss,
    pairwise.into({}, far, rare, { ...ghm, bins: 2 }).loss,
  );
  refuse(() => stream.update(scores, bad), "RangeError", /pair 33333/);
  refuse(() => stream.grad(scores, bad), "RangeError", /pair 33333/);
  refuse(() => stream.merge(pairwise.stream({ ...ghm, bins: 10 })), "TypeError", /30.*10/s);
  refuse(() => stream.merge(pairwise.stream({ ...ghm, reduction: "sum" })), "TypeError", /mean.*sum/s);
  refuse(() => stream.merge(loose(pairwise.stream())), "TypeError", /pairwise/);
  refuse(() => stream.merge(loose(ghmc.stream())), "TypeError", /pairwise/);
  refuse(() => pairwise.stream().merge(loose(stream)), "TypeError", /pairwise/);
  refuse(() => ghmc.load(stream.save()), "TypeError", /ghmc.*pairwise/);
  assert.deepEqual(stream.save(), before);
});
