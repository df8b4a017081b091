/** Losses of rows against what public peers compute: `test/golden/README.md`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asymmetricSingleLabel, softmaxCrossEntropy, softmaxFocal } from "../src/mod.ts";
import { type Case, type Cell, gradOf, load } from "./peers.ts";
import { refuse } from "./refusal.ts";

const UNIT = 2 ** -24;

interface Peer {
  file: string;
  loss: typeof softmaxFocal;
  /** The peer's parameters as ours, or why there is none. */
  options: (c: Case, classes: number) => Record<string, unknown> | string;
  /** Cases by reason for which they are left out, counted, and those that are refused. */
  skipped: Record<string, number>;
  refused: number;
  compared: number;
}

const WEIGHTED = "class weights weigh the shares of smoothing and the mean: see golden.sums.test.ts";
const OVERFLOW = "the loss of a row is beyond float32";

function reduction(c: Case): Record<string, unknown> {
  return { reduction: c.params.reduction };
}

function asymmetric(c: Case): Record<string, unknown> {
  const { gamma_pos, gamma_neg, eps } = c.params;
  return {
    gammaPos: Number(gamma_pos),
    gammaNeg: Number(gamma_neg),
    labelSmoothing: Number(eps),
    ...reduction(c),
  };
}

const PEERS: Peer[] = [
  {
    file: "torch.cross_entropy",
    loss: softmaxCrossEntropy as Peer["loss"],
    options: (c) =>
      c.input.weight
        ? WEIGHTED
        : {
            labelSmoothing: Number(c.params.label_smoothing),
            ignoreIndex: Number(c.params.ignore_index),
            ...reduction(c),
          },
    skipped: { [WEIGHTED]: 12, "0/0: ours is 0": 1 },
    refused: 1,
    compared: 22,
  },
  {
    file: "mmcv.softmax_focal_loss",
    loss: softmaxFocal,
    options: (c, classes) => {
      const alpha = Number(c.params.alpha);
      const weight = c.input.weight;
      const perClass = weight ? Float32Array.from(weight, (w: Cell) => alpha * Number(w)) : alpha;
      assert.ok(!weight || weight.length === classes);
      return { gamma: Number(c.params.gamma), alpha: perClass, ...reduction(c) };
    },
    skipped: {},
    refused: 0,
    compared: 18,
  },
  {
    file: "asl.ASLSingleLabel",
    loss: asymmetricSingleLabel as Peer["loss"],
    options: asymmetric,
    skipped: {},
    refused: 1,
    compared: 17,
  },
  {
    file: "timm.AsymmetricLossSingleLabel",
    loss: asymmetricSingleLabel as Peer["loss"],
    options: asymmetric,
    skipped: {},
    refused: 1,
    compared: 11,
  },
];

/** Whether a case was compared, refused, or skipped for a reason. */
function meet({ loss, options }: Peer, c: Case): "compared" | "refused" | string {
  const [, classes] = (c.input.shape ?? []).map(Number);
  const given = options(c, classes);
  if (typeof given === "string") return given;
  const logits = Float32Array.from(c.input.logits ?? [], Number);
  const labels = Int32Array.from(c.input.targets ?? [], Number);
  const want = c.exact ?? c.expected;
  if (Number.isNaN(Number(want.loss))) {
    assert.equal(loss(logits, labels, { classes, ...given }).loss, 0);
    return "0/0: ours is 0";
  }
  if (Number(want.loss) > 3.4e38) {
    refuse(() => loss(logits, labels, { classes, ...given }), "RangeError", /overflow at row 0/);
    return "refused";
  }
  const got = loss(logits, labels, { classes, ...given });
  const { gamma = 0, gammaNeg = 0 } = given as { gamma?: number; gammaNeg?: number };
  const relative = (24 + 2 * gamma + 12 * gammaNeg) * UNIT;
  const close = (one: number, other: number, scale: number, what: string): void => {
    assert.ok(Math.abs(one - other) <= relative * scale + 1e-36, `${c.name} ${what}: ${one}, want ${other}`);
  };
  close(got.loss, Number(want.loss), Number(want.loss), "loss");
  // Smoothed gradients are differences: their terms are at most the share that a class gets, and themselves.
  const { labelSmoothing = 0 } = given as { labelSmoothing?: number };
  const divisor = c.params.reduction === "mean" ? Math.max(got.count, 1) : 1;
  const part = labelSmoothing / classes / divisor;
  gradOf(want).forEach((g, i) => {
    close(got.grad[i], g, Math.abs(g) * 2 + part * classes, `gradient ${i}`);
  });
  return "compared";
}

for (const peer of PEERS) {
  test(`golden: ${peer.file}`, () => {
    const tally: Record<string, number> = {};
    for (const c of load(peer.file)) {
      const outcome = meet(peer, c);
      tally[outcome] = (tally[outcome] ?? 0) + 1;
    }
    const { compared = 0, refused = 0, ...skipped } = tally;
    assert.deepEqual(
      { compared, refused, skipped },
      {
        compared: peer.compared,
        refused: peer.refused,
        skipped: peer.skipped,
      },
      OVERFLOW,
    );
  });
}
