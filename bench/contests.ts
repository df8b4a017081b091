/** What is measured against what. Both sides write to arrays that exist, and both are checked before they are timed. */
import { asymmetric, bce, density, focal, ghmc } from "counterpoise";
import { ghmTruth } from "../test/reference/ghm.ts";
import { asymmetricTruth } from "../test/reference/margin-losses.ts";
import { bceTruth, focalHardTruth } from "../test/reference/pointwise.ts";
import { type Contest, checkSide, close } from "./contest.ts";
import { type Batch, detectorBatch } from "./data.ts";
import { bpr } from "./pairs.ts";
import { ranking } from "./ranking.ts";
import { harmonizedResiduals, residuals } from "./residuals.ts";
import * as plain from "./rivals.ts";
import { rowContests } from "./rows.ts";
import { hardest } from "./selection.ts";

type Truth = (x: number, t: number) => { loss: number; grad: number };

function pointwise(
  name: string,
  { logits, targets }: Batch,
  ours: (grad: Float32Array) => number,
  rival: (grad: Float32Array) => number,
  truth: Truth,
): Contest {
  const n = logits.length;
  const grad = new Float32Array(n);
  const other = new Float32Array(n);
  return {
    name,
    ours: () => ours(grad),
    rival: () => rival(other),
    check() {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += truth(logits[i]!, targets[i]!).loss;
      const expected = { loss: sum / n, grad: (i: number) => truth(logits[i]!, targets[i]!).grad / n };
      checkSide(`${name}, counterpoise`, ours(grad), grad, expected);
      checkSide(`${name}, plain`, rival(other), other, expected);
    },
  };
}

function harmonized(batch: Batch): Contest {
  const { logits, targets } = batch;
  const grad = new Float32Array(logits.length);
  const other = new Float32Array(logits.length);
  const state = ghmc.create({ bins: 30, momentum: 0 });
  const ours = (): number => state.into({ grad }, logits, targets).loss;
  const rival = (): number => plain.ghmc(batch, other);
  return {
    name: "ghmc",
    ours,
    rival,
    check() {
      const truth = ghmTruth({ logits, targets }, { bins: 30, convention: "paper", momentum: 0 });
      const expected = { loss: truth.loss, grad: (i: number) => truth.grad[i]! };
      // A sample within rounding of a region's edge may be counted on its other side.
      close("ghmc, counterpoise", ours(), expected.loss, 1e-4);
      close("ghmc, plain", rival(), expected.loss, 1e-4);
    },
  };
}

function exact({ logits, targets }: Batch): Contest {
  const g = density.norms(logits, targets);
  const counts = new Uint32Array(g.length);
  const other = new Uint32Array(g.length);
  const width = 1 / 30;
  const ours = (): void => density.exact.into({ counts }, g, { width });
  const rival = (): void => plain.windowCounts(g, width, other);
  return {
    name: "exact density",
    ours,
    rival,
    check() {
      ours();
      rival();
      for (let i = 0; i < g.length; i++) {
        // Plain float64 may decide a sample on the very edge of a window differently.
        if (Math.abs(counts[i]! - other[i]!) > 2) {
          throw new Error(
            `Cannot time exact density: expected ${other[i]} neighbours of ${i}, got ${counts[i]}`,
          );
        }
      }
    },
  };
}

export function contests(n: number): Contest[] {
  const batch = detectorBatch(n);
  const { logits, targets } = batch;
  return [
    pointwise(
      "bce",
      batch,
      (grad) => bce.into({ grad }, logits, targets).loss,
      (grad) => plain.bce(batch, grad),
      bceTruth,
    ),
    pointwise(
      "focal",
      batch,
      (grad) => focal.into({ grad }, logits, targets).loss,
      (grad) => plain.focal(batch, grad),
      (x, t) => focalHardTruth(x, t, 2, 0.25),
    ),
    harmonized(batch),
    exact(batch),
    pointwise(
      "focal, gamma 1.7",
      batch,
      (grad) => focal.into({ grad }, logits, targets, { gamma: 1.7 }).loss,
      (grad) => plain.focalReal(batch, grad, 1.7),
      (x, t) => focalHardTruth(x, t, 1.7, 0.25),
    ),
    pointwise(
      "asymmetric",
      batch,
      (grad) => asymmetric.into({ grad }, logits, targets).loss,
      (grad) => plain.asymmetric(batch, grad),
      (x, t) => asymmetricTruth(x, t, { gammaPos: 0, gammaNeg: 4, clip: 0.05, detachFocus: false }),
    ),
    residuals(n),
    harmonizedResiduals(n),
    hardest(batch),
    bpr(n),
    ranking(n),
    ...rowContests(n),
  ];
}
