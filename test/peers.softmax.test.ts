/** Focal loss of rows where other implementations leave the formula: docs/losses.md has the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { softmaxFocal } from "../src/mod.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { softmaxFocalTruth } from "./reference/rows.ts";
import { refuse } from "./refusal.ts";

const round = Math.fround;

test("a saturated row of softmaxFocal is finite for gamma below 1, where (1 - p)^(gamma - 1) is infinite", () => {
  for (const far of [17, 50, 200, 1000]) {
    const x = Float32Array.of(far, 0, -1);
    const p = round(1 / round(1 + round(Math.exp(-far) * (1 + Math.exp(-1)))));
    assert.ok(Number.isNaN(round(1 - p) ** (0.5 - 1) * round(1 - p)));
    const { loss, grad } = softmaxFocal(x, Uint8Array.of(0), { classes: 3, gamma: 0.5 });
    const truth = softmaxFocalTruth(x, 0, 0.5, 1);
    assert.ok(Math.abs(loss - truth.loss) <= 4e-6 * truth.loss + MIN_NORMAL);
    grad.forEach((g, k) => {
      assert.ok(Math.abs(g - truth.grad[k]) <= 4e-6 * truth.scale[k] + MIN_NORMAL, `${far}: ${g}`);
    });
    assert.ok(far > 50 || (grad[0] < 0 && grad[1] > 0));
  }
});

test("a label that is no class is refused by its row before any logit is read for it", () => {
  const logits = new Float32Array(12);
  for (const label of [-1, 4, 2147483647, -2147483648]) {
    const labels = Int32Array.of(0, label, 3);
    refuse(
      () => softmaxFocal(logits, labels, { classes: 4, alpha: Float32Array.of(1, 1, 1, 1) }),
      "RangeError",
      new RegExp(`got ${label} at row 1`),
    );
  }
  // As many rows as classes: losses are per row, and weights of classes go with columns.
  const square = Float32Array.of(1, 0, 0, 2);
  const { losses, grad } = softmaxFocal(square, Int32Array.of(0, 0), {
    classes: 2,
    alpha: Float32Array.of(1, 100),
    reduction: "none",
  });
  assert.ok(
    losses?.every(
      (v, i) => Math.abs(v / softmaxFocalTruth([...square].slice(2 * i, 2 * i + 2), 0, 2, 1).loss - 1) < 4e-6,
    ),
  );
  assert.ok(grad.every((g) => Math.abs(g) < 2));
});
