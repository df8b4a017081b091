/** The exhaustive run of the losses, on a few blocks: it holds, and it sees one wrong value among them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runLogits, type Verdict } from "../tools/exhaust/losses.ts";
import { SETTINGS, type Setting } from "../tools/exhaust/settings.ts";
import { fromBits, neighbour } from "./reference/float32.ts";
import type { Loss } from "./table.ts";

/** Blocks of 2^16 logits between two that run. */
const STEP = 8192;

/** One logit in each range that the run treats by itself; all lie in blocks that run. */
const NEAR = fromBits(0x20000000 + 77);
const INSIDE = fromBits(0x40000000 + 77);
const FAR = fromBits(0x60000000 + 77);

type Forgery = (value: number) => number;

/** The same loss, but for what it gives for one logit and target 0. */
function forge(setting: Setting, at: number, loss: Forgery, grad: Forgery): Setting {
  const real = setting.row.loss;
  const into: Loss["into"] = (out, logits, targets, options) => {
    const result = real.into(out, logits, targets, options);
    const i = targets[0] === 0 ? logits.indexOf(at) : -1;
    if (i >= 0 && out.losses) out.losses[i] = loss(out.losses[i]);
    if (i >= 0 && out.grad) out.grad[i] = grad(out.grad[i]);
    return result;
  };
  return {
    ...setting,
    row: { ...setting.row, loss: Object.assign((() => {}) as unknown as Loss, { into }) },
  };
}

function same(value: number): number {
  return value;
}

for (const setting of SETTINGS) {
  test(`${setting.name} is within its bound at every logit of a few blocks`, () => {
    // A loss of residuals is straight, and exact, in most of the few blocks.
    const verdict = runLogits(setting, setting.row.real ? STEP / 8 : STEP);
    assert.ok(verdict.loss.share <= 1 && verdict.grad.share <= 1, JSON.stringify(verdict));
    assert.deepEqual([verdict.foul, verdict.unlike], [0, 0]);
    assert.ok(verdict.points > 5e5 && verdict.loss.ulp > 0.3 && verdict.grad.ulp > 0.3);
  });
}

const [bce] = SETTINGS;

for (const at of [NEAR, -NEAR, INSIDE, -INSIDE, FAR]) {
  test(`one value too far away is seen, at ${at}`, () => {
    const further = (value: number): number => neighbour(value, 7);
    const loss = runLogits(forge(bce, at, further, same), STEP).loss;
    assert.ok(loss.share > 1 && loss.at === at && loss.shareAt === at);
    const grad = runLogits(forge(bce, at, same, further), STEP).grad;
    assert.ok(grad.share > 1 && grad.at === at && grad.shareAt === at);
  });
}

test("a value that is not small where the truth is nothing is seen", () => {
  const { loss } = runLogits(
    forge(bce, -FAR, () => 1e-30, same),
    STEP,
  );
  assert.ok(loss.share > 1 && loss.shareAt === -FAR);
});

test("a NaN, an infinity, a wrong sign and targets that do not mirror each other are seen", () => {
  const count = ({ foul, unlike }: Verdict): number[] => [foul, unlike];
  for (const wrong of [() => Number.NaN, () => Infinity, (v: number) => -v, () => -0]) {
    for (const at of [NEAR, INSIDE, FAR, -FAR]) {
      assert.deepEqual(count(runLogits(forge(bce, at, wrong, same), STEP)), [1, 1], `loss at ${at}`);
      assert.deepEqual(count(runLogits(forge(bce, at, same, wrong), STEP)), [1, 1], `gradient at ${at}`);
    }
  }
  const lastBit = forge(bce, INSIDE, same, (value) => neighbour(value, 1));
  assert.deepEqual(count(runLogits(lastBit, STEP)), [0, 1]);
});
