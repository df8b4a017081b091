/**
 * Results of public peers on fixed inputs (files in `test/golden`, described in its README).
 *
 * Where a file carries an `exact` value it is the mathematically right one, and it counts: there the peer
 * overflows, returns NaN or is inexact. A case that is not ours to meet has its reason in a `SKIPPED` list,
 * and the lists are complete: a case that is neither met nor listed fails.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, focal, smoothL1 } from "../src/mod.ts";
import { type Case, close, gradOf, inputs, load, values } from "./peers.ts";
import { margin, softplus } from "./reference/logistic.ts";
import { type Loss, type Options, type Row, TABLE } from "./table.ts";

/** Means divide by the exact count: one rounding of the gradient more than the bound of an element. */
const ROUNDING = 2 ** -23;

/** One pointwise case against the truth the file gives, with the bounds of the table. */
function meet(row: Row, c: Case, loss: Loss, options: Options): void {
  const [x, y] = inputs(c);
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
    const { gamma, beta } = options;
    const params = { gamma, beta, alpha: per(options.alpha), posWeight: per(options.posWeight) };
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

const [BCE, FOCAL, SMOOTH_L1] = TABLE;

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
  ["mmdet.py_sigmoid_focal_loss", FOCAL, focal, mmdet, 41, {}],
  ["kornia.binary_focal_loss_with_logits", FOCAL, focal, kornia, 41, { [MIXTURE]: 11 }],
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
  assert.equal(seen, 25);
});

test("the bounds here are not vacuous: a cross-entropy formed as sigmoid(x) - y misses them", () => {
  const x = Math.fround(17);
  const naive = Math.fround(Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-x)))) - 1);
  const truth = BCE.truth(x, 1, {});
  assert.ok(Math.abs(naive - truth.grad) > 1e3 * BCE.bound(x, 1, {}, truth).grad);
  assert.ok(softplus(-margin(x, 1)) > 0);
});
