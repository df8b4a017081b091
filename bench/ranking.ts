/** Contests of losses that rank the scores of a whole batch. */
import { drLoss } from "counterpoise";
import { drLoss as drTruth } from "../test/reference/dr.ts";
import { type Contest, checkSide } from "./contest.ts";
import { detectorBatch, type RowBatch } from "./data.ts";

const CLASSES = 80;
const [LAMBDA_POS, LAMBDA_NEG] = [1, 0.1 / Math.log(3.5)];

/** Rows of 80 classes, one in ten of them with an object of class 1 to 80. */
function anchors(n: number): RowBatch {
  const { logits } = detectorBatch(n - (n % CLASSES));
  const labels = Int32Array.from({ length: logits.length / CLASSES }, (_, row) =>
    row % 10 === 0 ? 1 + ((row * 7) % CLASSES) : 0,
  );
  return { logits, labels, classes: CLASSES };
}

/** What one writes without a library: scores and their weights in one loop, gradients in another. */
function plain({ logits, labels, classes }: RowBatch, work: Float64Array, grad: Float32Array): number {
  const rows = labels.length;
  let [plus, plusScores, minus, minusScores] = [0, 0, 0, 0];
  for (let row = 0, i = 0; row < rows; row++) {
    const positive = labels[row]! > 0 ? i + labels[row]! - 1 : -1;
    const end = i + classes;
    for (; i < end; i++) {
      const p = 1 / (1 + Math.exp(-logits[i]!));
      const isPositive = i === positive;
      const q = Math.exp(isPositive ? -p / LAMBDA_POS : p / LAMBDA_NEG);
      work[2 * i] = p;
      work[2 * i + 1] = q;
      if (isPositive) {
        plus += q;
        plusScores += q * p;
      } else {
        minus += q;
        minusScores += q * p;
      }
    }
  }
  const [pPos, pNeg] = [plusScores / plus, minusScores / minus];
  const z = 6 * (pNeg - pPos + 0.5);
  const e = Math.exp(-Math.abs(z));
  const c = (4 * (z < 0 ? e : 1)) / (1 + e);
  for (let row = 0, i = 0; row < rows; row++) {
    const positive = labels[row]! > 0 ? i + labels[row]! - 1 : -1;
    const end = i + classes;
    for (; i < end; i++) {
      const p = work[2 * i]!;
      const unit = c * work[2 * i + 1]! * p * (1 - p);
      grad[i] =
        i === positive
          ? (-unit / plus) * (1 - (p - pPos) / LAMBDA_POS)
          : (unit / minus) * (1 + (p - pNeg) / LAMBDA_NEG);
    }
  }
  return (4 / 6) * (Math.max(z, 0) + Math.log1p(e));
}

/** About n logits. */
export function ranking(n: number): Contest {
  const batch = anchors(n);
  const { logits, labels, classes } = batch;
  const [grad, other] = [new Float32Array(logits.length), new Float32Array(logits.length)];
  const work = new Float64Array(2 * logits.length);
  const ours = (): number => drLoss.into({ grad }, logits, labels, { classes }).loss;
  const rival = (): number => plain(batch, work, other);
  return {
    name: "drLoss",
    ours,
    rival,
    check() {
      const truth = drTruth(logits, labels, { classes });
      const expected = { loss: truth.loss, grad: (i: number) => truth.grad[i]! };
      checkSide("drLoss, counterpoise", ours(), grad, expected);
      checkSide("drLoss, plain", rival(), other, expected);
    },
  };
}
