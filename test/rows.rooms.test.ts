/** Rooms of rows in a memory that has not grown yet: what another test reserves would hide that they are too small. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { softmaxCrossEntropy } from "../src/mod.ts";

test("a loss of rows with a second term finds its rooms after one without", () => {
  const classes = 2 ** 19;
  const logits = Float32Array.from({ length: 4 * classes }, (_, i) => ((i * 31) % 17) / 8);
  const labels = new Int32Array(4);
  softmaxCrossEntropy(logits, labels, { classes });
  const { loss } = softmaxCrossEntropy(logits, labels, { classes, labelSmoothing: 0.1 });
  assert.ok(Number.isFinite(loss));
});
