/** Losses of rows against plain loops, from few classes to many. */
import { softmaxCrossEntropy, softmaxFocal } from "counterpoise";
import { softmaxFocalTruth } from "../test/reference/rows.ts";
import { type Contest, checkSide } from "./contest.ts";
import { type RowBatch, rowBatch } from "./data.ts";
import * as plain from "./rivals.rows.ts";

const CLASSES = [3, 10, 21, 80, 1000];

function contest(
  name: string,
  batch: RowBatch,
  gamma: number,
  ours: (grad: Float32Array) => number,
  rival: (grad: Float32Array) => number,
): Contest {
  const { logits, labels, classes } = batch;
  const rows = labels.length;
  const grad = new Float32Array(logits.length);
  const other = new Float32Array(logits.length);
  const truth = (r: number) =>
    softmaxFocalTruth(logits.subarray(r * classes, (r + 1) * classes), labels[r]!, gamma, 1);
  return {
    name: `${name} ${classes}`,
    ours: () => ours(grad),
    rival: () => rival(other),
    check() {
      let sum = 0;
      const wanted = new Float64Array(logits.length);
      for (let r = 0; r < rows; r++) {
        const { loss, grad } = truth(r);
        sum += loss;
        grad.forEach((g, k) => {
          wanted[r * classes + k] = g / rows;
        });
      }
      const expected = { loss: sum / rows, grad: (i: number) => wanted[i]! };
      checkSide(`${name} ${classes}, counterpoise`, ours(grad), grad, expected);
      checkSide(`${name} ${classes}, plain`, rival(other), other, expected, 1e-6 / rows);
    },
  };
}

/** Loss and gradient of batches with about n logits. */
export function rowContests(n: number): Contest[] {
  return CLASSES.flatMap((classes) => {
    const batch = rowBatch(n, classes);
    const { logits, labels } = batch;
    return [
      contest(
        "softmax CE",
        batch,
        0,
        (grad) => softmaxCrossEntropy.into({ grad }, logits, labels, { classes }).loss,
        (grad) => plain.softmaxCrossEntropy(batch, grad),
      ),
      contest(
        "softmax focal",
        batch,
        2,
        (grad) => softmaxFocal.into({ grad }, logits, labels, { classes, gamma: 2 }).loss,
        (grad) => plain.softmaxFocal(batch, grad),
      ),
    ];
  });
}
