/** mmdetection's GHMC and GHMR on fixed inputs. Every case is met, or its reason not to be is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc, ghmr } from "../src/mod.ts";
import { type Case, close, gradOf, hasSoftTargets, inputs, load, values } from "./peers.ts";
import { MAX_FLOAT32 } from "./reference/float32.ts";

/**
 * A gradient norm this near an edge may be binned differently in float32 and be right. One that lies exactly on
 * an edge (a logit of 0) is exact in float32 too.
 */
const EDGE = 2e-7;

function ghmSkip(c: Case): string | null {
  // A peer whose float32 overflows puts the hardest into the first bin: that is no doubt about where it belongs.
  const doubtful = c.binsDifferExact || (c.binsDifferF32 && !c.peerOverflowsF32);
  if (doubtful) return "the peer itself bins differently in float32 or exactly";
  if (!c.input.pred && hasSoftTargets(c)) return "soft targets: GHM takes hard ones";
  const gap = c.expected.extra?.minEdgeGap ?? 1;
  if (gap > 0 && gap < EDGE) return "a gradient norm lies nearly on a bin edge";
  return null;
}

/** GHM weights are ratios of exact counts: the bound is that of cross-entropy and some roundings. */
const GHM_BOUND = 16 * 2 ** -24;

function meetGhm(
  c: Case,
  step: (x: Float32Array, y: Float32Array, o: { mask?: Uint8Array }) => { loss: number; grad: Float32Array },
): void {
  const [x, y] = inputs(c);
  // One weight for each row of classes, or one for each element.
  const weight = values(c, "labelWeight");
  const m = weight ? x.map((_, i) => weight[Math.floor((i * weight.length) / x.length)]) : values(c, "mask");
  const got = step(x, y, m ? { mask: Uint8Array.from(m, (v) => (v > 0 ? 1 : 0)) } : {});
  const want = c.exact ?? c.expected;
  const scale = Number(c.params?.loss_weight ?? 1);
  close(got.loss * scale, Number(want.loss), GHM_BOUND * Math.abs(Number(want.loss)), `${c.name} loss`);
  gradOf(want).forEach((v, i) => {
    close(got.grad[i] * scale, v, GHM_BOUND * Math.abs(v), `${c.name} grad[${i}]`);
  });
}

test("mmdet.GHMC", () => {
  const reasons: Record<string, number> = {};
  let met = 0;
  for (const c of load("mmdet.GHMC")) {
    const reason = ghmSkip(c);
    if (reason) {
      reasons[reason] = (reasons[reason] ?? 0) + 1;
      continue;
    }
    const bins = Number(c.params.bins);
    meetGhm(c, (x, y, options) => ghmc(x, y, { bins, convention: "mmdet", ...options }));
    met++;
  }
  assert.deepEqual(
    [met, reasons],
    [
      31,
      {
        "soft targets: GHM takes hard ones": 6,
        "the peer itself bins differently in float32 or exactly": 3,
      },
    ],
  );
});

/** Options of the peer's GHMR as ours; its `mu` may be any number. */
const regression = (c: Case): { mu: number; bins: number; convention: "mmdet" } => ({
  mu: Number(c.params.mu),
  bins: Number(c.params.bins),
  convention: "mmdet",
});

test("mmdet.GHMR", () => {
  const reasons: Record<string, number> = {};
  let met = 0;
  for (const c of load("mmdet.GHMR")) {
    const [x, y] = inputs(c);
    const overflows = x.some((v, i) => Math.abs(v - y[i]) > MAX_FLOAT32);
    const reason = overflows ? "an element's loss is beyond float32: refused by index" : ghmSkip(c);
    if (overflows)
      assert.throws(() => ghmr(x, y, regression(c)), /Cannot compute ghmr: .*overflow at index 0/);
    if (reason) {
      reasons[reason] = (reasons[reason] ?? 0) + 1;
      continue;
    }
    meetGhm(c, (x, y, options) => ghmr(x, y, { ...regression(c), ...options }));
    met++;
  }
  assert.deepEqual(
    [met, reasons],
    [
      23,
      {
        "an element's loss is beyond float32: refused by index": 1,
        "the peer itself bins differently in float32 or exactly": 2,
      },
    ],
  );
});

test("mmdet.GHMR.sequence", () => {
  let met = 0;
  for (const c of load("mmdet.GHMR.sequence")) {
    const state = ghmr.create({ ...regression(c), momentum: Number(c.params.momentum) });
    for (const [k, step] of (c.steps ?? []).entries()) {
      const named = { ...step, name: `${c.name}[${k}]`, params: c.params };
      assert.equal(ghmSkip(named), null, named.name);
      meetGhm(named, (x, y, options) => state.step(x, y, options));
      step.expected.extra?.accSum?.forEach((v, j) => {
        close(state.counts[j], Number(v), 1e-12 * Number(v), `${named.name} average ${j}`);
      });
      met++;
    }
  }
  assert.equal(met, 21);
});

test("mmdet.GHMC.sequence", () => {
  const reasons: Record<string, number> = {};
  let met = 0;
  for (const c of load("mmdet.GHMC.sequence")) {
    const state = ghmc.create({
      bins: Number(c.params.bins),
      momentum: Number(c.params.momentum),
      convention: "mmdet",
    });
    for (const [k, step] of (c.steps ?? []).entries()) {
      const named = { ...step, name: `${c.name}[${k}]`, params: c.params };
      const reason = ghmSkip(named);
      if (reason) {
        // What this step would have left in the average is unknown to us: the rest of the sequence goes with it.
        reasons[reason] = (reasons[reason] ?? 0) + (c.steps ?? []).length - k;
        break;
      }
      meetGhm(named, (x, y, options) => state.step(x, y, options));
      step.expected.extra?.accSum?.forEach((v, j) => {
        close(state.counts[j], Number(v), 1e-12 * Number(v), `${named.name} average ${j}`);
      });
      met++;
    }
  }
  assert.deepEqual([met, reasons], [34, { "soft targets: GHM takes hard ones": 7 }]);
});
