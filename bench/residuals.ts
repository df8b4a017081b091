/** Contests of losses of residuals. */
import { asl1, ghmr } from "counterpoise";
import { ghmTruth } from "../test/reference/ghm.ts";
import { asl1Truth } from "../test/reference/residual.ts";
import { type Contest, checkSide, close } from "./contest.ts";
import { residualBatch } from "./data.ts";
import * as plain from "./rivals.residuals.ts";

export function residuals(n: number): Contest {
  const batch = residualBatch(n);
  const { logits: predictions, targets } = batch;
  const [grad, other] = [new Float32Array(n), new Float32Array(n)];
  const ours = (): number => asl1.into({ grad }, predictions, targets).loss;
  const rival = (): number => plain.asl1(batch, other);
  return {
    name: "asl1",
    ours,
    rival,
    check() {
      // Ours rounds the difference to float32.
      const at = (i: number): number => Math.fround(predictions[i]! - targets[i]!);
      let sum = 0;
      for (let i = 0; i < n; i++) sum += asl1Truth(at(i), 0.02).loss;
      const expected = { loss: sum / n, grad: (i: number) => asl1Truth(at(i), 0.02).grad / n };
      checkSide("asl1, counterpoise", ours(), grad, expected);
      checkSide("asl1, plain", rival(), other, expected);
    },
  };
}

export function harmonizedResiduals(n: number): Contest {
  const batch = residualBatch(n);
  const { logits, targets } = batch;
  const [grad, other] = [new Float32Array(n), new Float32Array(n)];
  const state = ghmr.create({ bins: 10, momentum: 0 });
  const ours = (): number => state.into({ grad }, logits, targets).loss;
  const rival = (): number => plain.ghmr(batch, other);
  return {
    name: "ghmr",
    ours,
    rival,
    check() {
      const settings = { bins: 10, convention: "paper", momentum: 0, mu: 0.02 } as const;
      const truth = ghmTruth({ logits, targets }, settings);
      // A sample within rounding of a region's edge may be counted on its other side.
      close("ghmr, counterpoise", ours(), truth.loss, 1e-4);
      close("ghmr, plain", rival(), truth.loss, 1e-4);
    },
  };
}
