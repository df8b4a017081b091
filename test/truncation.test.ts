/** What holds for the losses of one margin that are cut off, step by step or at a clip. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ceiling, factor, logit } from "../src/losses/float32.ts";
import { asymmetric, bce, focal, focalStar, hardTruncation, softTruncation } from "../src/mod.ts";
import { atanhRatio, div, exp, fixed, LN2, mul, number, ONE } from "../tools/fixed.ts";
import { batch } from "./data.ts";
import { lossesOf, none } from "./element.ts";
import { MIN_NORMAL, neighbour, walk } from "./reference/float32.ts";
import { logError } from "./reference/wide.ts";
import { rowOf } from "./table.ts";

const { logits, targets } = batch(5003, 107, 0.3);
const wide = walk(999983);
const alternate = Float32Array.from(wide, (_, i) => i & 1);
const positives = (n: number): Float32Array<ArrayBuffer> => new Float32Array(n).fill(1);

test("logit is within 2^-50 of itself, and exactly 0 at one half", () => {
  assert.equal(logit(0.5), 0);
  let seen = 0;
  for (let i = 1; i < 4000; i++) {
    const p = i / 4001;
    const ratio = fixed(2 * p - 1);
    const series = 2 * number(mul(ratio, atanhRatio(mul(ratio, ratio))));
    const want = p < 0.1 || p > 0.9 ? Math.log(p / (1 - p)) : series;
    assert.ok(Math.abs(logit(p) - want) <= 2 ** -49 * Math.abs(want), `${p}: ${logit(p)}, want ${want}`);
    assert.ok(Math.abs(logit(p) + logit(1 - p)) <= 2 ** -49 * Math.abs(want) + 2 ** -53 / p);
    seen++;
  }
  for (const p of [1e-300, 1e-30, 2 ** -24]) {
    // For a probability this small the logit is log p, and log(1 - p) is below its last place.
    assert.ok(logError(p, logit(p)) < 2 ** -49 || p > 1e-16);
    assert.ok(Math.abs(logit(p) - Math.log(p / (1 - p))) <= 2 ** -49 * Math.abs(logit(p)));
  }
  assert.ok(seen > 3000);
});

test("a number rounds up to a float32, and a factor splits into parts that add up to it", () => {
  for (const v of [0.1, -0.1, 0.5, -3.3, 1 / 3, 1e-40, 12345.678]) {
    const up = ceiling(v);
    assert.ok(up >= v && neighbour(up, -1) < v, `${v} to ${up}`);
    const [rounded, head, rest] = factor(v);
    assert.equal(rounded, Math.fround(v));
    assert.equal(head + rest, v);
    if (Math.abs(v) > 1e-30) assert.ok(Math.abs(rest) <= 2 ** -11 * Math.abs(v));
  }
});

test("FL* with gamma 1 and beta 0 is cross-entropy, bit for bit", () => {
  for (const [x, y] of [
    [logits, targets],
    [wide, alternate],
  ]) {
    const star = focalStar(x, y, { gamma: 1, beta: 0, reduction: none });
    assert.deepEqual(star, bce(x, y, { reduction: none }));
  }
  const ce = bce(logits, targets, { reduction: none });
  assert.notDeepEqual(focalStar(logits, targets, { reduction: none }).losses, ce.losses);
});

test("FL* is finite where gamma x overflows, and its slope is that of x", () => {
  const x = Float32Array.of(-3.4028234663852886e38, 3.4028234663852886e38);
  for (const beta of [-1000, 0, 1000]) {
    const { losses, grad } = focalStar(x, positives(2), { gamma: 1000, beta, reduction: none });
    assert.deepEqual([...lossesOf({ losses })], [x[1], 0]);
    assert.deepEqual([...grad], [-1, -0]);
  }
});

test("the margin of FL* decides where it falls off", () => {
  // Where gamma u + beta = 0 the slope is one half, however far out that is.
  for (const [gamma, beta] of [
    [2, 1],
    [4, -1000],
    [0.5, 900],
  ]) {
    const { grad } = focalStar(Float32Array.of(-beta / gamma), positives(1), {
      gamma,
      beta,
      reduction: none,
    });
    assert.equal(grad[0], -0.5);
  }
});

test("FL* keeps its bound at the float32 nearest to beta / gamma, on whichever side that lies", () => {
  const { truth, bound } = rowOf("focalStar");
  const sides = [0, 0];
  for (const gamma of [0.3, 3, 7, 7.7, 99.9]) {
    for (const beta of [1, -1, 3.3, 100, -1000, 999]) {
      const near = Math.fround(beta / gamma);
      sides[near < beta / gamma ? 0 : 1]++;
      for (const steps of [-2, -1, 0, 1, 2]) {
        for (const y of [0, 1]) {
          const x = neighbour(y ? -near : near, steps);
          const got = focalStar(Float32Array.of(x), Uint8Array.of(y), { gamma, beta, reduction: "sum" });
          const want = truth(x, y, { gamma, beta });
          const most = bound(x, y, { gamma, beta }, want);
          assert.ok(Math.abs(got.loss - want.loss) <= most.loss, `${gamma}, ${beta} at ${x}: ${got.loss}`);
          assert.ok(Math.abs(got.grad[0] - want.grad) <= most.grad, `${gamma}, ${beta} at ${x}`);
        }
      }
    }
  }
  assert.ok(sides[0] > 5 && sides[1] > 5);
});

test("hard truncation keeps cross-entropy bit for bit or leaves nothing, by p_t against the margin", () => {
  const ce = bce(logits, targets, { reduction: none });
  for (const margin of [0.25, 0.5, 0.6, 0.9]) {
    const cut = hardTruncation(logits, targets, { margin, reduction: none });
    const seen = [0, 0];
    logits.forEach((x, i) => {
      const isKept = 1 / (1 + Math.exp(targets[i] ? -x : x)) <= margin;
      seen[isKept ? 1 : 0]++;
      assert.equal(lossesOf(cut)[i], isKept ? lossesOf(ce)[i] : 0);
      assert.equal(Math.abs(cut.grad[i]), isKept ? Math.abs(ce.grad[i]) : 0);
    });
    assert.ok(seen[0] > 100 && seen[1] > 100, `${seen}`);
  }
  assert.deepEqual(
    hardTruncation(wide, alternate, { margin: 1, reduction: none }),
    bce(wide, alternate, { reduction: none }),
  );
});

test("theta(0) is one half, met at margin 1/2 by logits of 0 of either sign", () => {
  const x = Float32Array.of(0, -0, 1e-45, -1e-45);
  const { losses, grad } = hardTruncation(x, positives(4), { reduction: none });
  const full = Math.fround(Math.LN2);
  assert.deepEqual([...lossesOf({ losses })], [full / 2, full / 2, 0, full]);
  assert.deepEqual([...grad], [-0.25, -0.25, -0, -0.5]);
});

test("the boundary of hard truncation lies between two neighbouring float32, on the right side of logit(margin)", () => {
  for (const margin of [0.1, 0.3, 0.6, 0.75, 0.999]) {
    const near = Math.fround(logit(margin));
    const last = near <= logit(margin) ? near : neighbour(near, -1);
    const x = Float32Array.of(last, neighbour(last, 1));
    const [kept, gone] = lossesOf(hardTruncation(x, positives(2), { margin, reduction: none }));
    assert.ok(kept > 0 && gone === 0, `${margin}: ${kept} ${gone}`);
    assert.equal(kept, bce(x.subarray(0, 1), positives(1)).loss, "in full, as the margin is met by none");
    const mirrored = hardTruncation(
      x.map((v) => -v),
      new Float32Array(2),
      { margin, reduction: none },
    );
    assert.deepEqual([...lossesOf(mirrored)], [kept, gone]);
  }
});

test("soft truncation with k = 1 is focal with gamma 1, and its neighbours run into it", () => {
  for (const [x, y] of [
    [logits, targets],
    [wide, alternate],
  ]) {
    const soft = softTruncation(x, y, { k: 1, reduction: none });
    assert.deepEqual(soft, focal(x, y, { gamma: 1, alpha: null, reduction: none }));
    const next = softTruncation(x, y, { k: 1 + 2 ** -40, reduction: none });
    let most = 0;
    lossesOf(next).forEach((v, i) => {
      const want = lossesOf(soft)[i];
      if (want < 1e-36) return;
      most = Math.max(most, Math.abs(v - want) / want, Math.abs(next.grad[i] / soft.grad[i] - 1));
    });
    assert.ok(most < 16 * 2 ** -23, `${most}`);
  }
});

test("soft truncation runs into hard truncation as k grows", () => {
  const hard = lossesOf(hardTruncation(logits, targets, { reduction: none }));
  for (const k of [10, 100, 1000]) {
    const soft = lossesOf(softTruncation(logits, targets, { k, reduction: none }));
    let far = 0;
    logits.forEach((x, i) => {
      if (Math.abs(x) * k < 30) return;
      far++;
      assert.ok(Math.abs(soft[i] - hard[i]) <= 1e-6 * hard[i] + 1e-12);
    });
    assert.ok(far > 500);
  }
});

test("asymmetric with a clip of 0 and equal exponents is focal, bit for bit", () => {
  for (const gamma of [0, 0.5, 1, 1.5, 2, 3, 0.3, 4.4]) {
    for (const [x, y] of [
      [logits, targets],
      [wide, alternate],
    ]) {
      const options = { gammaPos: gamma, gammaNeg: gamma, clip: 0, reduction: none };
      assert.deepEqual(asymmetric(x, y, options), focal(x, y, { gamma, alpha: null, reduction: none }));
    }
  }
  const clipped = asymmetric(logits, targets, { gammaPos: 2, gammaNeg: 2, reduction: none });
  assert.notDeepEqual(clipped.losses, focal(logits, targets, { alpha: null, reduction: none }).losses);
});

test("asymmetric: the clip leaves positives alone, and negatives below it count for nothing", () => {
  const plain = asymmetric(logits, targets, { clip: 0, gammaNeg: 0, reduction: none });
  for (const gammaNeg of [0, 0.5, 4, 0.3]) {
    const { losses, grad } = asymmetric(logits, targets, { clip: 0.2, gammaNeg, reduction: none });
    let below = 0;
    logits.forEach((x, i) => {
      const loss = lossesOf({ losses })[i];
      if (targets[i]) assert.deepEqual([loss, grad[i]], [lossesOf(plain)[i], plain.grad[i]]);
      else if (1 / (1 + Math.exp(-x)) < 0.2) {
        assert.deepEqual([loss, grad[i]], [0, 0]);
        below++;
      } else assert.ok(loss > 0 && grad[i] > 0);
    });
    assert.ok(below > 1000);
  }
});

test("asymmetric: a negative at the clip counts for nothing, met by logits of 0 at clip 1/2", () => {
  const x = Float32Array.of(0, -0, 1e-45);
  for (const gammaNeg of [0, 0.3, 4]) {
    const { losses, grad } = asymmetric(x, new Float32Array(3), { clip: 0.5, gammaNeg, reduction: none });
    assert.deepEqual([...lossesOf({ losses }).subarray(0, 2), ...grad.subarray(0, 2)], [0, 0, 0, 0]);
    if (gammaNeg === 0) assert.ok(grad[2] > 0.2, "the next one does");
  }
});

test("asymmetric: a hopeless negative stops at its limit, and its gradient fades", () => {
  for (const [gammaNeg, clip, limit] of [
    [4, 0.05, 2.440043],
    [2, 0.2, 1.03004],
  ]) {
    const { losses, grad } = asymmetric(Float32Array.of(40, 3.4e38), new Float32Array(2), {
      gammaNeg,
      clip,
      reduction: none,
    });
    for (const loss of lossesOf({ losses })) assert.ok(Math.abs(loss - limit) < 1e-6, `${loss}`);
    assert.ok(grad[0] > 0 && grad[0] < 1e-15 && grad[1] === 0);
  }
  const { grad } = asymmetric(Float32Array.of(40), new Float32Array(1), { clip: 0, reduction: none });
  assert.equal(grad[0], 1, "without a clip it learns from what may be a wrong label");
});

test("asymmetric: the slope peaks where the paper's formula says", () => {
  for (const [gammaNeg, clip, p, peak] of [
    [4, 0.05, 0.90007, 0.732629],
    [2, 0.2, 0.8394, 0.328677],
    [4, 0, 0.94591, 1.262543],
  ]) {
    const x = Float32Array.from({ length: 16001 }, (_, i) => i / 2000 - 3);
    const { grad } = asymmetric(x, new Float32Array(x.length), { gammaNeg, clip, reduction: none });
    const most = grad.reduce((at, g, i) => (g > grad[at] ? i : at), 0);
    assert.ok(Math.abs(grad[most] - peak) < 2e-6, `${grad[most]}`);
    assert.ok(Math.abs(1 / (1 + Math.exp(-x[most])) - p) < 2e-3);
  }
});

test("asymmetric: exponents between 0 and 1 are finite, below the clip, at it and far out", () => {
  for (const gamma of [0.1, 0.3, 0.5, 0.9]) {
    for (const clip of [0, 0.05, 0.5, 0.9]) {
      const edge = clip > 0 ? Math.fround(logit(clip)) : 0;
      const near = [-2, -1, 0, 1, 2].map((steps) => neighbour(edge, steps));
      const x = Float32Array.of(...near, -100, -17, 17, 88, 104, 3.4e38, -3.4e38, 1e-45, -1e-45, 0);
      for (const y of [0, 1]) {
        const options = { gammaPos: gamma, gammaNeg: gamma, clip, reduction: none };
        const { losses, grad } = asymmetric(x, new Float32Array(x.length).fill(y), options);
        assert.ok(lossesOf({ losses }).every((v) => Number.isFinite(v) && v >= 0));
        assert.ok(grad.every((v) => Number.isFinite(v) && (y ? v <= 0 : v >= 0)));
      }
    }
  }
});

/** p - m of a float32 logit and a float64 clip, in 160-bit fixed point. */
function gap(x: number, clip: number): number {
  const n = Math.round(-x / Math.LN2);
  const power = exp(fixed(-x) - BigInt(n) * LN2);
  const decay = n >= 0 ? power << BigInt(n) : power >> BigInt(-n);
  const miss = mul(ONE + decay, fixed(clip));
  return number(div(ONE - miss, ONE + decay));
}

test("asymmetric: nothing cancels at the clip", () => {
  let worst = 0;
  let naive = 0;
  let seen = 0;
  for (const clip of [1e-6, 0.01, 0.05, 0.2, 0.3, 0.7, 0.95]) {
    const edge = Math.fround(logit(clip));
    for (const steps of [-3, -2, -1, 0, 1, 2, 3, 5, 10, 100, 1e4]) {
      const x = neighbour(edge, steps);
      const b = gap(x, clip);
      for (const gammaNeg of [0, 0.5, 1, 3]) {
        const { losses, grad } = asymmetric(Float32Array.of(x), new Float32Array(1), {
          gammaNeg,
          clip,
          reduction: none,
        });
        const [loss] = lossesOf({ losses });
        if (b <= 0) {
          assert.deepEqual([loss, grad[0]], [0, 0], `${clip} ${steps}`);
          continue;
        }
        const p = b + clip;
        const ce = -Math.log1p(-b);
        const power = b ** gammaNeg;
        const slope = power * p * (1 - p) * (1 / (1 - b) + (gammaNeg * ce) / b);
        if (Math.min(power * ce, slope) < MIN_NORMAL) continue;
        const error = Math.max(Math.abs(loss / (power * ce) - 1), Math.abs(grad[0] / slope - 1));
        worst = Math.max(worst, error / (8 + 6 * gammaNeg));
        const single = Math.fround(Math.fround(1 / (1 + Math.exp(-x))) - Math.fround(clip));
        naive = Math.max(naive, Math.abs(single - b) / b);
        seen++;
      }
    }
  }
  assert.ok(worst <= 2 ** -23, `${worst * 2 ** 23} of the bound`);
  assert.ok(naive > 0.1 && seen > 100, "a difference of float32 numbers is far off there");
});

test("asymmetric: the worst that is known of the exponents by parts is within the bound, and beyond 8 + 5 g", () => {
  const { truth, bound } = rowOf("asymmetric");
  let most = 0;
  for (const [gammaNeg, clip, x] of [
    [4, 0.125, -0.9107123017311096],
    [3.5, 0.155, -0.6930422186851501],
    [4, 0.053, -1.8666353225708008],
    [3, 0.095, -1.0107427835464478],
    [4, 0.076, -1.5886094570159912],
  ]) {
    const params = { gammaNeg, clip };
    const { loss, grad } = asymmetric(Float32Array.of(x), new Float32Array(1), {
      ...params,
      reduction: "sum",
    });
    const want = truth(x, 0, params);
    const admitted = bound(x, 0, params, want);
    const error = Math.abs(loss - want.loss);
    assert.ok(
      error <= admitted.loss && Math.abs(grad[0] - want.grad) <= admitted.grad,
      `${gammaNeg}, ${clip}`,
    );
    most = Math.max(most, (error / admitted.loss) * ((8 + 6 * gammaNeg) / (8 + 5 * gammaNeg)));
  }
  assert.ok(most > 1, `${most}`);
});
