/**
 * SHA-256 over outputs on seeded data: the same on every engine, and in every release that lists no change under
 * Numerics in the changelog. `UPDATE_DIGEST=1 bun test test/digest.test.ts` writes what is computed now.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import {
  asl1,
  asymmetric,
  bce,
  breakdown,
  deformation,
  density,
  drLoss,
  focal,
  focalStar,
  ghmc,
  ghmcSoftmax,
  ghmr,
  gradientMass,
  hardTruncation,
  lossCdf,
  occlusion,
  ohem,
  pairwise,
  priorBias,
  share,
  smoothL1,
  softTruncation,
  sohem,
} from "../src/mod.ts";
import { batch, mask, softTargets } from "./data.ts";
import { pairData } from "./pairs-data.ts";
import { json, pathOf } from "./project.ts";
import { walk } from "./reference/float32.ts";
import { ROWS, type RowParams, rowData } from "./rows-table.ts";

const FILE = ["test", "golden", "digest.json"] as const;
const n = 50021;
const { logits, targets } = batch(n, 271, 0.02);
const valid = mask(n, 828);
const weights = logits.map((x) => Math.abs(x) / 8);
const wide = walk(65537).filter((x) => Math.abs(x) < 1e37);
const ones = new Float32Array(wide.length).fill(1);
const soft = softTargets(n, 182);

/** Numbers and arrays of any result, in the order in which it lists them. */
function hash(value: unknown): string {
  const sum = createHash("sha256");
  const add = (part: unknown): void => {
    if (typeof part === "number") add(Float64Array.of(part));
    else if (ArrayBuffer.isView(part))
      sum.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    else if (typeof part === "object" && part !== null) for (const inner of Object.values(part)) add(inner);
    else if (typeof part === "boolean") sum.update(part ? "1" : "0");
  };
  add(value);
  return sum.digest("hex").slice(0, 32);
}

function averaged(convention: "paper" | "mmdet"): unknown[] {
  const state = ghmc.create({ bins: 30, convention });
  const steps = [0, 1, 2, 3].map((k) => {
    const cut = (v: Float32Array): Float32Array => v.subarray(k * 9000, k * 9000 + 7001);
    return state.step(cut(logits), cut(targets));
  });
  return [steps, state.counts, state.save()];
}

const none = { reduction: "none" } as const;
const boxes = Float32Array.from(
  { length: 4 * n },
  (_, k) => (k & 2 ? 24 : 0) + (((k & ~2) * 7919) % 1009) / 2,
);
const rows = [2, 3, 13, 80, 1000].map((classes) => ({
  classes,
  ...rowData(Math.floor(40000 / classes), classes, 99, 25),
}));

/** Losses and gradients of rows of several lengths. */
function ofRows(name: string, options: RowParams = {}): unknown {
  const loss = ROWS.find((row) => row.name === name)?.loss;
  return rows.map(({ classes, logits, labels }) => loss?.(logits, labels, { classes, ...options, ...none }));
}

const g = density.norms(logits, targets, { mask: valid });

const maps = { n: 8, channels: 20, height: 13, width: 13 };
const features = logits.subarray(0, 8 * 20 * 169);
const angles = logits.slice(0, 32).map((x) => x / 40);
const occluded = { n: 8, channels: 20, size: 13 };
const dropped = occlusion.threshold(logits.subarray(0, 8 * 169), { n: 8, size: 13, seed: 9 });

function rotated(alignCorners: boolean): unknown {
  const { output, backward } = deformation.rotate(features, angles, { ...maps, alignCorners });
  return [output, backward(output)];
}

const OUTPUTS: Record<string, () => unknown> = {
  bce: () => bce(logits, targets),
  "bce, masked and weighted": () => bce(logits, targets, { mask: valid, weights, normalizer: "positives" }),
  "bce, soft": () => bce(logits, soft, { posWeight: 1.7, ...none }),
  "bce, all exponents": () => bce(wide, ones, none),
  focal: () => focal(logits, targets),
  "focal, halves": () =>
    [0, 0.5, 1, 1.5, 2.5, 3].map((gamma) => focal(logits, targets, { gamma, alpha: null })),
  "focal, any gamma": () => focal(logits, targets, { gamma: 1.7, alpha: 0.3, ...none }),
  "focal, soft": () => focal(logits, soft, none),
  "focal, all exponents": () => [0.5, 2, 4.4].map((gamma) => focal(wide, ones, { gamma, ...none })),
  softmaxCrossEntropy: () =>
    [0, 0.1].map((labelSmoothing) => ofRows("softmaxCrossEntropy", { labelSmoothing })),
  softmaxFocal: () => [0.5, 1.7, 2].map((gamma) => ofRows("softmaxFocal", { gamma })),
  softmaxFocalStar: () => [1, 4].map((gamma) => ofRows("softmaxFocalStar", { gamma })),
  softmaxHardTruncation: () => [0.5, 0.8].map((margin) => ofRows("softmaxHardTruncation", { margin })),
  softmaxSoftTruncation: () =>
    (["margin", "rival"] as const).map((form) => ofRows("softmaxSoftTruncation", { k: 3, form })),
  asymmetricSingleLabel: () => ofRows("asymmetricSingleLabel"),
  drLoss: () =>
    [1, 7].flatMap((classes) =>
      [1, 0.08, 0.001].map((lambda) => {
        const options = { classes, lambdaPos: lambda, lambdaNeg: lambda };
        const x = logits.subarray(0, 49 * 1020);
        const labels = Uint8Array.from(targets.subarray(0, x.length / classes));
        return [drLoss(x, labels, options), drLoss.stream(options).update(x, labels).save()];
      }),
    ),
  pairwise: () => {
    const { scores, pairs } = pairData(900, n, 81, 40);
    return [
      pairwise(scores, pairs, { mask: valid, weights }),
      pairwise.stream().update(scores, pairs).save(),
    ];
  },
  "pairwise, focal": () =>
    [0.5, 1.7, 2].map((gamma) => {
      const { scores, pairs } = pairData(900, n, 28, 20, 1000);
      return pairwise(scores, pairs, { loss: "focal", gamma, ...none });
    }),
  "pairwise, ghm": () => {
    const { scores, pairs } = pairData(900, n, 18, 9);
    const groups = Uint32Array.from({ length: n }, (_, k) => Math.imul(k % 999, 0x9e3779b1));
    const options = { loss: "ghm", mask: valid, weights } as const;
    return [
      pairwise(scores, pairs, options),
      pairwise(scores, pairs, { ...options, groups, convention: "mmdet", ...none }),
      pairwise.stream({ loss: "ghm", bins: 40 }).update(scores, pairs).save(),
    ];
  },
  streams: () =>
    [bce, focal].map((loss) => loss.stream().update(logits, targets, { mask: valid, weights }).save()),
  ghmc: () => [10, 30, 100].map((bins) => ghmc(logits, targets, { bins, mask: valid })),
  "ghmc, mmdet": () => ghmc(logits, targets, { convention: "mmdet" }),
  "ghmc, averaged": () => [averaged("paper"), averaged("mmdet")],
  "ghmc, streamed": () => ghmc.stream().update(logits, targets).save(),
  "ghmc, exact": () => ghmc.exact(logits, targets, { mask: valid }),
  ghmcSoftmax: () => rows.map(({ classes, logits, labels }) => ghmcSoftmax(logits, labels, { classes })),
  "ghmcSoftmax, mmdet and exact": () =>
    rows.map(({ classes, logits, labels }) => [
      ghmcSoftmax(logits, labels, { classes, bins: 100, convention: "mmdet" }),
      ghmcSoftmax.exact(logits, labels, { classes, ignoreIndex: 1 }),
      ghmcSoftmax.stream({ classes }).update(logits, labels).save(),
    ]),
  norms: () => g,
  "density, exact": () => density.exact(g, { width: 1 / 30 }),
  "density, histogram": () => density.histogram(g),
  "density, bracket": () => density.bracket(g),
  focalStar: () => [
    focalStar(logits, targets),
    focalStar(wide, ones, { gamma: 0.3, beta: -2, alpha: 0.25, ...none }),
  ],
  hardTruncation: () => [0.25, 0.5, 0.6].map((margin) => hardTruncation(logits, targets, { margin })),
  softTruncation: () => [0.3, 1, 10.1].map((k) => softTruncation(logits, targets, { k })),
  asymmetric: () => [asymmetric(logits, targets), asymmetric(wide, ones, { gammaPos: 1.5, ...none })],
  "asymmetric, any gamma": () =>
    [0, 0.05, 0.5].map((clip) => asymmetric(logits, targets, { gammaPos: 0.3, gammaNeg: 2.7, clip })),
  smoothL1: () => [0, 1 / 9, 1].map((beta) => smoothL1(logits, weights, { beta, mask: valid, ...none })),
  asl1: () => [0.02, 1].map((mu) => asl1(logits, weights, { mu, weights, ...none })),
  ghmr: () => [10, 40].map((bins) => ghmr(logits, weights, { bins, mask: valid })),
  "ghmr, mmdet": () => ghmr(logits, weights, { mu: 1, convention: "mmdet" }),
  "ghmr, streamed": () => ghmr.stream({ mu: 1 }).update(logits, weights).save(),
  "ghmr, exact": () => ghmr.exact(logits, weights, { mu: 1, mask: valid }),
  "bins: auto": () => [
    ghmc(logits, targets, { bins: "auto" }),
    ghmr(logits, weights, { bins: "auto", mask: valid }),
  ],
  "residuals of all exponents": () => [smoothL1(wide, ones, none), asl1(wide, ones, none)],
  "density, verify": () => density.verify(logits, targets, { mask: valid }),
  occlusion: () => [
    dropped,
    occlusion.apply(features, dropped, occluded),
    occlusion.maskBackward(features, logits.subarray(7, 7 + features.length), occluded),
  ],
  deformation: () => [rotated(false), rotated(true)],
  ohem: () => ohem(logits, { budget: 500, mask: valid }),
  "ohem, boxes": () => ohem(logits, { budget: 5000, boxes, iou: 0.4 }),
  "ohem, streamed": () => ohem.stream({ budget: 600 }).update(logits, { mask: valid }).save(),
  sohem: () => sohem(weights, soft, { budget: 900, seed: 7 }),
  "sohem, streamed": () => sohem.stream({ budget: 300 }).update(weights, soft, { mask: valid }).save(),
  lossCdf: () => [lossCdf(weights, { mask: valid }), lossCdf(wide.map((x) => Math.abs(x)))],
  analysis: () => [
    share(weights, 0.01),
    gradientMass(logits, targets, logits, { mask: valid }),
    breakdown(logits.subarray(0, 50000), targets.subarray(0, 50000), { classes: 8 }),
  ],
  priorBias: () =>
    [1e-300, 1e-9, 0.01, 0.3, 0.499, 0.5, 0.7, 0.999].map((pi) => [
      priorBias(pi),
      priorBias(pi, { classes: 81 }),
    ]),
};

if (process.env.UPDATE_DIGEST) {
  const digests = Object.fromEntries(Object.entries(OUTPUTS).map(([name, run]) => [name, hash(run())]));
  writeFileSync(pathOf(...FILE), `${JSON.stringify(digests, null, 2)}\n`);
}
const recorded = existsSync(pathOf(...FILE)) ? json<Record<string, string>>(...FILE) : {};

for (const [name, run] of Object.entries(OUTPUTS)) {
  test(`the bits of ${name} are the recorded ones`, () => {
    assert.equal(hash(run()), recorded[name], `see Numerics in CHANGELOG.md before recording other bits`);
  });
}

test("every recorded digest is computed, and no two are equal", () => {
  assert.deepEqual(Object.keys(recorded), Object.keys(OUTPUTS));
  assert.equal(new Set(Object.values(recorded)).size, Object.keys(OUTPUTS).length);
});

test("one bit in one of the outputs shows", () => {
  const { grad } = bce(logits, targets);
  const other = grad.slice();
  new Uint32Array(other.buffer)[n - 1] ^= 1;
  assert.notEqual(hash(other), hash(grad));
});
