/**
 * Results of public peers on fixed inputs (files in `test/golden`, described in its README).
 *
 * Where a file carries an `exact` value it is the mathematically right one, and it counts: there the peer
 * overflows, returns NaN or is inexact. A case that is not ours to meet has its reason in a `SKIPPED` list,
 * and the lists are complete: a case that is neither met nor listed fails.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asymmetric, bce, focal, focalStar, hardTruncation, smoothL1, softTruncation } from "../src/mod.ts";
import { type Case, close, gradOf, hasSoftTargets, inputs, load, values } from "./peers.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { margin, softplus } from "./reference/logistic.ts";
import { gainOf, type Loss, type Options, type Params, type Row, rowOf } from "./table.ts";

/** Means divide by the exact count: one rounding of the gradient more than the bound of an element. */
const ROUNDING = 2 ** -23;

/** One pointwise case against the truth the file gives, with the bounds of the table. */
function meet(row: Row, c: Case, loss: Loss, options: Options): void {
  const [x, y] = inputs(c);
  const got = loss(x, y, options);
  const want = c.exactNoClamp ?? c.exact ?? c.expected;
  const grad = gradOf(want);
  const each = c.exact ? want.lossEach : c.expected.extra?.lossEach;
  const { reduction, normalizer, mask, weights, classes, ...own } = options;
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
    const params = Object.fromEntries(
      Object.entries(own).map(([key, value]) => [
        key,
        value instanceof Float32Array ? value[i % value.length] : value,
      ]),
    ) as Params;
    const truth = row.truth(v, y[i], params);
    const bound = row.bound(v, y[i], params, truth);
    const w = options.weights?.[i] ?? 1;
    const flush = MIN_NORMAL * Math.max(gainOf(row, params), 1);
    const lossBound = bound.loss * w + ROUNDING * truth.loss * w;
    const gradBound = (bound.grad * w + flush) / divisor;
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

const BCE = rowOf("bce");
const FOCAL = rowOf("focal");
const STAR = rowOf("focalStar");
const HARD = rowOf("hardTruncation");
const SOFT = rowOf("softTruncation");
const ASYMMETRIC = rowOf("asymmetric");
const SMOOTH_L1 = rowOf("smoothL1");

function reductionOf(c: Case): Pick<Options, "reduction"> {
  return { reduction: c.params.reduction as Options["reduction"] };
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

/** Its weights are those of the row's label, and its mean divides by rows. */
const mmcv: Mapping = (c) => {
  const [[x], labels, weight] = [inputs(c), values(c, "targets") ?? [], values(c, "weight")];
  const classes = x.length / labels.length;
  return {
    gamma: Number(c.params.gamma),
    alpha: Number(c.params.alpha),
    ...reductionOf(c),
    normalizer: labels.length,
    ...(weight && { weights: x.map((_, i) => weight[labels[Math.floor(i / classes)]]) }),
  };
};

const MIXTURE = "its soft targets mix two hard losses, ours take the product form: see golden.sums.test.ts";

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

const star: Mapping = (c) => {
  const alpha = Number(c.params.alpha);
  return { gamma: Number(c.params.gamma), beta: 0, alpha: alpha < 0 ? null : alpha, ...reductionOf(c) };
};

const SOFT_TARGETS = "soft targets are refused";

const hard: Mapping = (c) => ({ margin: Number(c.params.margin), ...reductionOf(c) });

/** Class weights are not a parameter here: `weights` does the same. */
const soft: Mapping = (c) => {
  if (hasSoftTargets(c)) return SOFT_TARGETS;
  const options = { k: Number(c.params.K), ...reductionOf(c) };
  if (c.params.alpha === null) return options;
  const alpha = Number(c.params.alpha);
  return { ...options, weights: values(c, "targets")?.map((y) => (y === 1 ? alpha : 1 - alpha)) };
};

const asl: Mapping = (c) => {
  if (hasSoftTargets(c)) return SOFT_TARGETS;
  if (c.clampActive && !c.exactNoClamp) return "its clamp acts, and the value without is not given";
  return {
    gammaPos: Number(c.params.gamma_pos),
    gammaNeg: Number(c.params.gamma_neg),
    clip: Number(c.params.clip ?? 0),
    detachFocus: Boolean(c.params.disable_torch_grad_focal_loss),
    reduction: "sum",
  };
};

const smooth: Mapping = (c) => ({ beta: Number(c.params.beta), ...reductionOf(c) });

/** Huber loss is delta times smooth L1 with beta = delta. */
const huber: Mapping = (c) => {
  const delta = Number(c.params.delta);
  return { beta: delta, weights: inputs(c)[0].fill(delta), ...reductionOf(c) };
};

const FILES: [string, Row, Loss, Mapping, met: number, skipped: Record<string, number>][] = [
  ["torch.binary_cross_entropy_with_logits", BCE, bce, torch, 41, {}],
  ["torchvision.sigmoid_focal_loss", FOCAL, focal, torchvision, 55, {}],
  ["optax.sigmoid_focal_loss", FOCAL, focal, optax, 49, {}],
  ["mmcv.sigmoid_focal_loss", FOCAL, focal, mmcv, 18, {}],
  ["mmdet.py_sigmoid_focal_loss", FOCAL, focal, mmdet, 41, {}],
  ["kornia.binary_focal_loss_with_logits", FOCAL, focal, kornia, 41, { [MIXTURE]: 11 }],
  ["fvcore.sigmoid_focal_loss_star", STAR, focalStar, star, 20, {}],
  ["su.hard_truncation", HARD, hardTruncation, hard, 33, {}],
  ["su.soft_truncation", SOFT, softTruncation, soft, 33, { [SOFT_TARGETS]: 10 }],
  ["asl.AsymmetricLoss", ASYMMETRIC, asymmetric, asl, 27, { [SOFT_TARGETS]: 9 }],
  ["asl.AsymmetricLossOptimized", ASYMMETRIC, asymmetric, asl, 27, { [SOFT_TARGETS]: 9 }],
  ["timm.AsymmetricLossMultiLabel", ASYMMETRIC, asymmetric, asl, 20, {}],
  ["torch.smooth_l1_loss", SMOOTH_L1, smoothL1, smooth, 21, {}],
  ["fvcore.smooth_l1_loss", SMOOTH_L1, smoothL1, smooth, 10, {}],
  ["torch.huber_loss", SMOOTH_L1, smoothL1, huber, 18, {}],
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
      const [x, y] = inputs(c);
      const { grad } = loss(x, y, options);
      assert.ok(grad.every((v) => Number.isFinite(v)));
      meet(row, c, loss, options);
      seen++;
    }
  }
  assert.equal(seen, 27);
});

test("where a clamp takes the hardest positives out of training, they stay in", () => {
  let seen = 0;
  for (const file of ["asl.AsymmetricLoss", "asl.AsymmetricLossOptimized", "timm.AsymmetricLossMultiLabel"]) {
    for (const c of load(file)) {
      const options = asl(c);
      if (!c.clampActive || typeof options === "string") continue;
      const [x, y] = [values(c, "logits"), values(c, "targets")] as [Float32Array, Float32Array];
      const dead = gradOf(c.exact ?? c.expected);
      const { grad } = asymmetric(x, y, options);
      x.forEach((v, i) => {
        if (y[i] !== 1 || v > -19) return;
        assert.ok(Math.abs(dead[i]) < 1e-6, `the peer at ${v}`);
        assert.ok(grad[i] <= -1, `${grad[i]} at ${v}`);
        seen++;
      });
    }
  }
  assert.ok(seen > 10, `${seen} seen`);
});

test("the bounds here are not vacuous: a cross-entropy formed as sigmoid(x) - y misses them", () => {
  const x = Math.fround(17);
  const naive = Math.fround(Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-x)))) - 1);
  const truth = BCE.truth(x, 1, {});
  assert.ok(Math.abs(naive - truth.grad) > 1e3 * BCE.bound(x, 1, {}, truth).grad);
  assert.ok(softplus(-margin(x, 1)) > 0);
});
