/** Outputs of real detectors, with what peers computed from them in f64 (see examples/data). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asymmetric, bce, density, focal, ghmc } from "../src/mod.ts";
import { json, npy } from "./project.ts";

interface Peer {
  loss: number;
  gradL1: number;
  gradL2: number;
  gradSamples: number[];
  minEdgeGap?: number;
  accSum?: number[];
  losses?: number[];
}

interface Expected {
  sampleIndex: number[] | Record<string, number[]>;
  results: Record<string, Record<string, Peer>>;
}

const SETS: [folder: string, prefix: string, key: string, valid: number, positives: number][] = [
  ["ssd-face", "", "cls", 102000, 187],
  ["mnist-dense", "init_", "init", 204160, 227],
  ["mnist-dense", "early_", "early", 204480, 244],
  ["mnist-dense", "middle_", "middle", 205000, 148],
  ["mnist-dense", "converged_", "converged", 203730, 292],
];

/** Below this distance from an edge float32 may put a norm in another bin than f64. */
const CLEAR = 1e-6;
const BOUND = 2e-6;

function near(got: number, want: number, what: string, bound = BOUND): void {
  assert.ok(Math.abs(got - want) <= bound * Math.abs(want) + 1e-30, `${what}: got ${got}, want ${want}`);
}

function agree(got: { loss: number; grad: Float32Array }, want: Peer, at: number[], what: string): void {
  let [l1, l2] = [0, 0];
  for (const v of got.grad) {
    l1 += Math.abs(v);
    l2 += v * v;
  }
  near(got.loss, want.loss, `${what} loss`);
  near(l1, want.gradL1, `${what} gradient, sum of sizes`);
  near(Math.sqrt(l2), want.gradL2, `${what} gradient, root of squares`);
  want.gradSamples.forEach((v, k) => {
    near(got.grad[at[k]], v, `${what} gradient ${at[k]}`);
  });
}

for (const [folder, prefix, key, valid, positives] of SETS) {
  const load = (name: string): ReturnType<typeof npy> =>
    npy("examples", "data", folder, `${prefix}${name}.npy`);
  const name = `${folder} ${key}`;
  const { results, sampleIndex } = json<Expected>("test", "golden", `${folder}.expected.json`);
  const want = results[key];
  const at = Array.isArray(sampleIndex) ? sampleIndex : sampleIndex[key];

  const data = (): { logits: Float32Array; targets: Uint8Array; mask: Uint8Array; rows: number } => {
    const { values, shape } = load("logits");
    return {
      logits: values as Float32Array,
      targets: load("targets").values as Uint8Array,
      mask: load("mask").values as Uint8Array,
      rows: shape[0],
    };
  };

  test(`${name}: cross-entropy and focal`, () => {
    const { logits, targets, mask } = data();
    const options = { mask, reduction: "sum" } as const;
    const ce = bce(logits, targets, options);
    agree(ce, want.bce_sum, at, "bce");
    assert.equal(ce.count, valid);
    assert.equal(bce.stream().update(logits, targets, { mask }).result().positives, positives);
    agree(focal(logits, targets, options), want["focal_a0.25_g2_sum"], at, "focal");
  });

  test(`${name}: asymmetric, differentiated and detached`, () => {
    const { logits, targets, mask } = data();
    const options = { mask, reduction: "sum", gammaPos: 1 } as const;
    agree(asymmetric(logits, targets, options), want["asl_4_1_0.05_differentiated"], at, "asymmetric");
    const detached = asymmetric(logits, targets, { ...options, detachFocus: true });
    agree(detached, want["asl_4_1_0.05_detached"], at, "asymmetric, detached");
  });

  test(`${name}: harmonized, and with a moving average`, () => {
    const { logits, targets, mask, rows } = data();
    let met = 0;
    for (const bins of [10, 30]) {
      const peer = want[`ghmc_b${bins}_m0`];
      if ((peer.minEdgeGap ?? 1) <= CLEAR) continue;
      agree(ghmc(logits, targets, { mask, bins, convention: "mmdet" }), peer, at, `ghmc ${bins}`);
      const steady = want[`ghmc_b${bins}_m0.75`];
      const state = ghmc.create({ bins, momentum: 0.75, convention: "mmdet" });
      const size = logits.length / rows;
      const grad = new Float32Array(logits.length);
      let loss = 0;
      for (let row = 0; row < rows; row++) {
        const cut = <T extends Float32Array | Uint8Array>(v: T): T =>
          v.subarray(row * size, (row + 1) * size) as T;
        const step = state.step(cut(logits), cut(targets), { mask: cut(mask) });
        grad.set(step.grad, row * size);
        loss += step.loss;
        if (steady.losses) near(step.loss, steady.losses[row], `loss of row ${row}`);
      }
      agree({ loss, grad }, steady, at, `averaged ghmc ${bins}`);
      steady.accSum?.forEach((v, j) => {
        near(state.counts[j], v, `average ${j}`, 1e-12);
      });
      met++;
    }
    assert.ok(met > 0 || key === "init", "at init every norm lies in two bins");
  });

  test(`${name}: the certified bracket holds and the report is finite`, () => {
    const { logits, targets, mask } = data();
    const report = density.verify(logits, targets, { mask, bins: 30 });
    assert.equal(report.bracket.holds, true);
    assert.ok(report.bracket.lossLower <= report.loss.exact && report.loss.exact <= report.bracket.lossUpper);
    near(report.loss.exact, ghmc.exact(logits, targets, { mask }).loss, "exact loss");
    near(report.loss.histogram, ghmc(logits, targets, { mask }).loss, "loss of the histogram");
    assert.ok(
      report.rho.min > 0 && report.rho.min <= report.rho.median && report.rho.median <= report.rho.max,
    );
    assert.ok(report.occupied >= 1 && report.occupied <= 30 && report.betaL1 > 0);
  });
}
