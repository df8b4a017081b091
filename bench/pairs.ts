/** Contests of losses of pairs. */
import { pairwise } from "counterpoise";
import { gathered, pairTruth } from "../test/reference/pairs.ts";
import { type Contest, checkSide } from "./contest.ts";
import { type PairBatch, pairBatch } from "./data.ts";

/** What one writes without a library: BPR in float64, gradients gathered item by item. */
function plain({ scores, pairs }: PairBatch, sums: Float64Array, grad: Float32Array): number {
  const n = pairs.length / 2;
  let loss = 0;
  sums.fill(0);
  for (let k = 0; k < n; k++) {
    const i = pairs[2 * k]!;
    const j = pairs[2 * k + 1]!;
    const d = scores[i]! - scores[j]!;
    const e = Math.exp(-Math.abs(d));
    const slope = (d >= 0 ? e : 1) / (1 + e);
    loss += Math.max(-d, 0) + Math.log1p(e);
    sums[i]! -= slope;
    sums[j]! += slope;
  }
  for (let i = 0; i < grad.length; i++) grad[i] = sums[i]! / n;
  return loss / n;
}

/** n pairs of a tenth as many items. */
export function bpr(n: number): Contest {
  const batch = pairBatch(Math.ceil(n / 10), n);
  const { scores, pairs } = batch;
  const [grad, other] = [new Float32Array(scores.length), new Float32Array(scores.length)];
  const sums = new Float64Array(scores.length);
  const ours = (): number => pairwise.into({ grad }, scores, pairs).loss;
  const rival = (): number => plain(batch, sums, other);
  return {
    name: "pairwise",
    ours,
    rival,
    check() {
      const truths = Array.from({ length: n }, (_, k) =>
        pairTruth(scores[pairs[2 * k]!]!, scores[pairs[2 * k + 1]!]!),
      );
      const slopes = truths.map(({ slope }) => slope);
      const truth = gathered(scores.length, pairs, slopes).grad;
      const loss = truths.reduce((sum, pair) => sum + pair.loss, 0) / n;
      const expected = { loss, grad: (i: number) => truth[i]! / n };
      checkSide("pairwise, counterpoise", ours(), grad, expected);
      checkSide("pairwise, plain", rival(), other, expected);
    },
  };
}
