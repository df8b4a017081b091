/** Peers whose loss is a sum of ours: their target has a share in more than one class. See `test/golden/README.md`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { focal, softmaxCrossEntropy, softmaxFocal } from "../src/mod.ts";
import { type Case, close, gradOf, inputs, load } from "./peers.ts";

const UNIT = 2 ** -24;

/** A loss whose target has a share in every class: a sum of ours, one for each class as the label. */
function sumOverClasses(
  c: Case,
  loss: typeof softmaxFocal,
  options: { gamma?: number; share: (t: number, k: number) => number; divisor: number },
): { loss: number; grad: Float64Array } {
  const { gamma, share, divisor } = options;
  const [rows, classes] = (c.input.shape ?? []).map(Number);
  const logits = Float32Array.from(c.input.logits ?? [], Number);
  const labels = (c.input.targets ?? []).map(Number);
  const total = { loss: 0, grad: new Float64Array(logits.length) };
  for (let k = 0; k < classes; k++) {
    const one = loss(logits, new Int32Array(rows).fill(k), {
      classes,
      ...(gamma !== undefined && { gamma }),
      rowWeights: Float32Array.from(labels, (t) => share(t, k)),
      mask: Uint8Array.from(labels, (t) => (t === Number(c.params.ignore_index) ? 0 : 1)),
      reduction: "sum",
    });
    total.loss += one.loss / divisor;
    one.grad.forEach((g, i) => {
      total.grad[i] += g / divisor;
    });
  }
  return total;
}

/** Against the largest gradient: theirs are sums of terms of either sign. */
function meetSum(c: Case, got: { loss: number; grad: Float64Array }, gamma: number): void {
  const want = c.exact ?? c.expected;
  const bound = (48 + 4 * gamma) * UNIT;
  const near = Math.abs(got.loss - Number(want.loss)) <= bound * Number(want.loss) + 1e-36;
  assert.ok(near, `${c.name}: ${got.loss}, want ${want.loss}`);
  const grad = gradOf(want);
  const largest = grad.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  grad.forEach((g, i) => {
    const is = got.grad[i];
    assert.ok(Math.abs(is - g) <= bound * largest + 1e-36, `${c.name} ${i}: ${is}, want ${g}`);
  });
}

test("golden: kornia.focal_loss, whose target is 1e-6 for every class, is a sum of ours", () => {
  let compared = 0;
  for (const c of load("kornia.focal_loss")) {
    const [rows, classes] = (c.input.shape ?? []).map(Number);
    const alpha = c.params.alpha === null ? null : Number(c.params.alpha);
    const gamma = Number(c.params.gamma);
    // Class 0 weighs 1 - alpha, and the mean counts classes, and rows that are ignored.
    const balance = (k: number): number =>
      (alpha === null ? 1 : k === 0 ? 1 - alpha : alpha) * Number(c.input.weight?.[k] ?? 1);
    const share = (t: number, k: number): number => balance(k) * (t === k ? 1 : 1e-6);
    const divisor = c.params.reduction === "mean" ? rows * classes : 1;
    meetSum(c, sumOverClasses(c, softmaxFocal, { gamma, share, divisor }), gamma);
    compared++;
  }
  assert.equal(compared, 18);
});

test("golden: torch.cross_entropy with class weights is a sum of ours", () => {
  let compared = 0;
  for (const c of load("torch.cross_entropy")) {
    const weight = c.input.weight?.map(Number);
    if (!weight) continue;
    const smoothing = Number(c.params.label_smoothing);
    const share = (t: number, k: number): number =>
      weight[k] * ((t === k ? 1 - smoothing : 0) + smoothing / weight.length);
    const kept = (c.input.targets ?? []).map(Number).filter((t) => t !== Number(c.params.ignore_index));
    const divisor = c.params.reduction === "mean" ? kept.reduce((sum, t) => sum + weight[t], 0) : 1;
    const loss = softmaxCrossEntropy as unknown as typeof softmaxFocal;
    meetSum(c, sumOverClasses(c, loss, { share, divisor }), 0);
    compared++;
  }
  assert.equal(compared, 12);
});

test("kornia's soft targets are two hard ones with weights: 11 cases", () => {
  let count = 0;
  for (const c of load("kornia.binary_focal_loss_with_logits")) {
    const [x, y] = inputs(c);
    if (!y.some((t) => t !== 0 && t !== 1 && t !== -100)) continue;
    const { gamma, alpha, reduction } = c.params;
    const options = {
      gamma: Number(gamma),
      alpha: alpha === null ? null : Number(alpha),
      reduction: reduction as "mean" | "sum" | "none",
    };
    const hard = (target: number, weights: Float32Array): { loss: number; grad: Float32Array } =>
      focal(x, new Float32Array(x.length).fill(target), { ...options, weights });
    const sides = [
      hard(1, y),
      hard(
        0,
        Float32Array.from(y, (t) => 1 - t),
      ),
    ];
    const want = c.exact ?? c.expected;
    const bound = 64 * UNIT;
    const loss = sides[0].loss + sides[1].loss;
    close(loss, Number(want.loss), bound * loss, `${c.name} loss`);
    gradOf(want).forEach((g, i) => {
      const [up, down] = [sides[0].grad[i], sides[1].grad[i]];
      close(up + down, g, bound * (Math.abs(up) + Math.abs(down)), `${c.name} grad[${i}]`);
    });
    count++;
  }
  assert.equal(count, 11);
});
