/**
 * Results of public peers on fixed inputs (files in `test/golden`, described in its README).
 *
 * Where a file carries an `exact` value it is the mathematically right one, and it counts: there the peer
 * overflows, returns NaN or is inexact. A case that is not ours to meet has its reason in a `SKIPPED` list,
 * and the lists are complete: a case that is neither met nor listed fails.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, focal, ghmc } from "../src/mod.ts";
import { json, npy } from "./project.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { margin, softplus } from "./reference/logistic.ts";
import { type Loss, type Options, type Row, TABLE } from "./table.ts";

type Cell = number | string;
type Input = Partial<Record<string, Cell[]>> & { npy?: Record<string, string> };

interface Expected {
  loss: Cell;
  grad?: Cell[];
  gradNpy?: string;
  lossEach?: Cell[];
  extra?: { lossEach?: Cell[]; minEdgeGap?: number; accSum?: Cell[]; counts?: number[] };
}

interface Case {
  name: string;
  params: Record<string, Cell | null>;
  input: Input;
  expected: Expected;
  exact?: Expected;
  binsDifferF32?: boolean;
  binsDifferExact?: boolean;
  steps?: Case[];
}

/** Means divide by the exact count: one rounding of the gradient more than the bound of an element. */
const ROUNDING = 2 ** -23;

function load(file: string): Case[] {
  return json<{ cases: Case[] }>("test", "golden", `${file}.json`).cases;
}

function values(c: Case, name: string): Float32Array<ArrayBuffer> | undefined {
  const file = c.input.npy?.[name];
  if (file) return Float32Array.from(npy("test", "golden", file).values);
  const list = c.input[name];
  return list && Float32Array.from(list, Number);
}

function gradOf({ grad, gradNpy }: Expected): Float64Array {
  if (gradNpy) return Float64Array.from(npy("test", "golden", "npy", gradNpy.replace("npy/", "")).values);
  return Float64Array.from(grad ?? [], Number);
}

function close(got: number, want: number, bound: number, what: string): void {
  assert.ok(Math.abs(got - want) <= bound + MIN_NORMAL, `${what}: got ${got}, want ${want}`);
}

/** One pointwise case against the truth the file gives, with the bounds of the table. */
function meet(row: Row, c: Case, loss: Loss, options: Options): void {
  const [x, y] = [values(c, "logits"), values(c, "targets")];
  assert.ok(x && y, c.name);
  const got = loss(x, y, options);
  const want = c.exact ?? c.expected;
  const grad = gradOf(want);
  const each = c.exact ? c.exact.lossEach : c.expected.extra?.lossEach;
  const divisor =
    options.reduction !== "mean"
      ? 1
      : typeof options.normalizer === "number"
        ? options.normalizer
        : got.count;
  let slack = 0;
  assert.equal(grad.length, x.length, c.name);
  x.forEach((v, i) => {
    if (options.mask && options.mask[i] === 0) return;
    const per = <T>(value: T | Float32Array | undefined): T | number | undefined =>
      value instanceof Float32Array ? value[i % value.length] : value;
    const { gamma } = options;
    const params = { gamma, alpha: per(options.alpha), posWeight: per(options.posWeight) };
    if (row.name === "bce") for (const key of ["gamma", "alpha"] as const) delete params[key];
    const truth = row.truth(v, y[i], params);
    const bound = row.bound(v, y[i], params, truth);
    const w = options.weights?.[i] ?? 1;
    const [lossBound, gradBound] = [bound.loss * w + ROUNDING * truth.loss * w, (bound.grad * w) / divisor];
    slack += lossBound;
    close(
      got.grad[i],
      grad[i],
      gradBound + ROUNDING * Math.abs(grad[i]),
      `${c.name} grad[${i}] at ${v}, ${y[i]}`,
    );
    if (each && got.losses)
      close(got.losses[i], Number(each[i]), lossBound, `${c.name} loss[${i}] at ${v}, ${y[i]}`);
  });
  close(got.loss, Number(want.loss), slack / divisor, `${c.name} loss`);
}

/** Options of ours for a peer's case, or the reason why there are none. */
type Mapping = (c: Case) => Options | string;

const [BCE, FOCAL] = TABLE;

function reductionOf(c: Case): Pick<Options, "reduction"> {
  return { reduction: c.params.reduction as Options["reduction"] };
}

/** Targets that are neither 0 nor 1. */
function hasSoftTargets(c: Case): boolean {
  return values(c, "targets")?.some((y) => y !== 0 && y !== 1) ?? false;
}

const torch: Mapping = (c) => {
  const pos = values(c, "posWeight");
  const weights = values(c, "weight");
  return {
    ...reductionOf(c),
    ...(weights && { weights }),
    ...(pos && { posWeight: pos, classes: pos.length }),
  };
};

const torchvision: Mapping = (c) => {
  const alpha = Number(c.params.alpha);
  const options = { gamma: Number(c.params.gamma), alpha: alpha < 0 ? null : alpha };
  const masked = { maskedSum: "sum", maskedMean: "mean" } as const;
  const reduction = masked[c.params.reduction as keyof typeof masked];
  if (!reduction) return { ...options, ...reductionOf(c) };
  return { ...options, reduction, mask: Uint8Array.from(values(c, "mask") ?? []) };
};

const optax: Mapping = (c) => ({
  gamma: Number(c.params.gamma),
  alpha: c.params.alpha === null ? null : Number(c.params.alpha),
  ...reductionOf(c),
});

const mmdet: Mapping = (c) => {
  const weights = values(c, "weight");
  const normalizer = c.params.avg_factor === undefined ? undefined : Number(c.params.avg_factor);
  return {
    gamma: Number(c.params.gamma),
    alpha: Number(c.params.alpha),
    ...reductionOf(c),
    ...(weights && { weights }),
    ...(normalizer && { normalizer }),
  };
};

const MIXTURE = "its soft targets mix two hard losses, ours take the product form";

const kornia: Mapping = (c) => {
  const targets = values(c, "targets") ?? new Float32Array(0);
  if (targets.some((y) => y === -100)) {
    // Its ignore_index: a mask here. The targets below it do not matter.
    const mask = Uint8Array.from(targets, (y) => (y === -100 ? 0 : 1));
    return { ...(optax(c) as Options), mask };
  }
  if (targets.some((y) => y !== 0 && y !== 1)) return MIXTURE;
  if (values(c, "posWeight") || values(c, "weight"))
    return "its weights are per class and multiply positives";
  return optax(c);
};

const FILES: [string, Row, Loss, Mapping, met: number, skipped: Record<string, number>][] = [
  ["torch.binary_cross_entropy_with_logits", BCE, bce, torch, 41, {}],
  ["torchvision.sigmoid_focal_loss", FOCAL, focal, torchvision, 55, {}],
  ["optax.sigmoid_focal_loss", FOCAL, focal, optax, 49, {}],
  ["mmdet.py_sigmoid_focal_loss", FOCAL, focal, mmdet, 41, {}],
  ["kornia.binary_focal_loss_with_logits", FOCAL, focal, kornia, 41, { [MIXTURE]: 11 }],
];

for (const [file, row, loss, mapping, met, skipped] of FILES) {
  test(`${file}: ${met} cases`, () => {
    const reasons: Record<string, number> = {};
    let count = 0;
    for (const c of load(file)) {
      const options = mapping(c);
      if (typeof options === "string") {
        reasons[options] = (reasons[options] ?? 0) + 1;
        continue;
      }
      meet(row, c, loss, options);
      count++;
    }
    assert.deepEqual([count, reasons], [met, skipped]);
  });
}

test("where peers overflow or return NaN the true value comes back", () => {
  let seen = 0;
  for (const [file, row, loss, mapping] of FILES) {
    for (const c of load(file)) {
      const options = mapping(c);
      if (!("peerOverflows" in c || "peerOverflowsF32" in c) || typeof options === "string") continue;
      assert.ok(c.exact, "such a case carries its true value");
      const [x, y] = [values(c, "logits"), values(c, "targets")] as [Float32Array, Float32Array];
      const { grad } = loss(x, y, options);
      assert.ok(grad.every((v) => Number.isFinite(v)));
      meet(row, c, loss, options);
      seen++;
    }
  }
  assert.equal(seen, 18);
});

/**
 * A gradient norm this near an edge may be binned differently in float32 and be right. One that lies exactly on
 * an edge (a logit of 0) is exact in float32 too.
 */
const EDGE = 2e-7;

function ghmSkip(c: Case): string | null {
  if (c.input.labelWeight) return "class indices with row weights: expanded by the peer before its loss";
  if (c.binsDifferExact || c.binsDifferF32) return "the peer itself bins differently in float32 or exactly";
  if (hasSoftTargets(c)) return "soft targets: GHM takes hard ones";
  const gap = c.expected.extra?.minEdgeGap ?? 1;
  if (gap > 0 && gap < EDGE) return "a gradient norm lies nearly on a bin edge";
  return null;
}

/** GHM weights are ratios of exact counts: the bound is that of cross-entropy and some roundings. */
const GHM_BOUND = 16 * 2 ** -24;

function meetGhm(
  c: Case,
  step: (x: Float32Array, y: Float32Array, o: { mask?: Uint8Array }) => { loss: number; grad: Float32Array },
): void {
  const [x, y, m] = [values(c, "logits"), values(c, "targets"), values(c, "mask")];
  assert.ok(x && y, c.name);
  const got = step(x, y, m ? { mask: Uint8Array.from(m, (v) => (v > 0 ? 1 : 0)) } : {});
  const want = c.exact ?? c.expected;
  const scale = Number(c.params?.loss_weight ?? 1);
  close(got.loss * scale, Number(want.loss), GHM_BOUND * Math.abs(Number(want.loss)), `${c.name} loss`);
  gradOf(want).forEach((v, i) => {
    close(got.grad[i] * scale, v, GHM_BOUND * Math.abs(v), `${c.name} grad[${i}]`);
  });
}

test("mmdet.GHMC", () => {
  const reasons: Record<string, number> = {};
  let met = 0;
  for (const c of load("mmdet.GHMC")) {
    const reason = ghmSkip(c);
    if (reason) {
      reasons[reason] = (reasons[reason] ?? 0) + 1;
      continue;
    }
    const bins = Number(c.params.bins);
    meetGhm(c, (x, y, options) => ghmc(x, y, { bins, convention: "mmdet", ...options }));
    met++;
  }
  assert.deepEqual(
    [met, reasons],
    [
      27,
      {
        "class indices with row weights: expanded by the peer before its loss": 4,
        "soft targets: GHM takes hard ones": 6,
        "the peer itself bins differently in float32 or exactly": 3,
      },
    ],
  );
});

test("mmdet.GHMC.sequence", () => {
  const reasons: Record<string, number> = {};
  let met = 0;
  for (const c of load("mmdet.GHMC.sequence")) {
    const state = ghmc.create({
      bins: Number(c.params.bins),
      momentum: Number(c.params.momentum),
      convention: "mmdet",
    });
    for (const [k, step] of (c.steps ?? []).entries()) {
      const named = { ...step, name: `${c.name}[${k}]`, params: c.params };
      const reason = ghmSkip(named);
      if (reason) {
        // What this step would have left in the average is unknown to us: the rest of the sequence goes with it.
        reasons[reason] = (reasons[reason] ?? 0) + (c.steps ?? []).length - k;
        break;
      }
      meetGhm(named, (x, y, options) => state.step(x, y, options));
      step.expected.extra?.accSum?.forEach((v, j) => {
        close(state.counts[j], Number(v), 1e-12 * Number(v), `${named.name} average ${j}`);
      });
      met++;
    }
  }
  assert.deepEqual([met, reasons], [34, { "soft targets: GHM takes hard ones": 7 }]);
});

test("the bounds here are not vacuous: a cross-entropy formed as sigmoid(x) - y misses them", () => {
  const x = Math.fround(17);
  const naive = Math.fround(Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-x)))) - 1);
  const truth = BCE.truth(x, 1, {});
  assert.ok(Math.abs(naive - truth.grad) > 1e3 * BCE.bound(x, 1, {}, truth).grad);
  assert.ok(softplus(-margin(x, 1)) > 0);
});
