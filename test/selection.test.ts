/** `ohem` against its definition: every tie, mask, budget, box, group and ratio. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc, ohem } from "../src/mod.ts";
import { batch, mask, random } from "./data.ts";
import fc from "./property.ts";
import { balanced, ranked, survivors } from "./reference/selection.ts";

/** Losses with heavy ties, of both signs, of all sizes. */
const loss = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, -0, 0.5, 1, 1.5, 2, -1) },
  { weight: 2, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -1e-45) },
);

interface Example {
  loss: number;
  exists: boolean;
  positive: boolean;
  group: number;
  box: number[];
}

/** Boxes on a coarse grid, so that equal ones, empty ones and IoUs equal to the threshold are common. */
const box = fc
  .tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4))
  .map(([x, y, w, h]) => [x - 2, y - 2, x - 2 + w, y - 2 + h]);

const example: fc.Arbitrary<Example> = fc.record({
  loss,
  exists: fc.boolean(),
  positive: fc.boolean(),
  group: fc.nat(2),
  box,
});
const examples = fc.array(example, { maxLength: 70, size: "max" });

function arrays(list: readonly Example[]) {
  return {
    losses: Float32Array.from(list, (e) => e.loss),
    mask: Uint8Array.from(list, (e) => (e.exists ? 3 : 0)),
    positives: Uint8Array.from(list, (e) => (e.positive ? 255 : 0)),
    groups: Int32Array.from(list, (e) => e.group - 1),
    boxes: Float32Array.from(list.flatMap((e) => e.box)),
  };
}

/** The three parts of a selection agree with each other and with the indices that were expected. */
function same(got: ReturnType<typeof ohem>, want: readonly number[], n: number): void {
  assert.deepEqual([...got.indices], [...want]);
  assert.equal(got.count, want.length);
  const bytes = new Uint8Array(n);
  for (const i of want) bytes[i] = 1;
  assert.deepEqual(got.mask, bytes);
}

test("the hardest are selected, hardest first, ties by index, for every budget", () => {
  let tied = 0;
  fc.assert(
    fc.property(examples, fc.nat(75), fc.boolean(), (list, budget, isMasked) => {
      const { losses, mask } = arrays(list);
      const order = ranked(losses, (i) => !isMasked || mask[i] !== 0);
      const want = order.slice(0, budget);
      same(ohem(losses, isMasked ? { budget, mask } : { budget }), want, list.length);
      if (budget > 0 && losses[order[budget]] === losses[order[budget - 1]]) tied++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(tied > 100, `${tied} cuts went through a tie`);
});

test("batches that take several cuts and chunks: random, sorted, tied, masked", () => {
  const next = random(11);
  const shapes: [string, (i: number, n: number) => number][] = [
    ["random", () => next() ** 4 * 9],
    ["ascending", (i) => i],
    ["descending", (i, n) => n - i],
    ["all equal", () => 0.25],
    ["few values", () => Math.floor(next() * 3)],
    ["one binade", () => 1 + next()],
    ["ascending stairs", (i) => Math.floor(i / 1000)],
    ["hard ones last", (i, n) => (i > n - 50 ? 5 : next())],
  ];
  for (const [name, make] of shapes) {
    for (const n of [511, 1025, 40001, 100003]) {
      const losses = Float32Array.from({ length: n }, (_, i) => make(i, n));
      const valid = mask(n, 7, 0.4);
      const [all, some] = [ranked(losses), ranked(losses, (i) => valid[i] !== 0)];
      for (const budget of [0, 1, 15, 16, 300, Math.floor(n / 100), Math.floor(n / 3), n - 1, n, n + 1]) {
        const got = ohem(losses, { budget });
        assert.deepEqual(got.indices, Uint32Array.from(all.slice(0, budget)), `${name} ${n} ${budget}`);
        const masked = ohem(losses, { budget, mask: valid });
        assert.deepEqual(masked.indices, Uint32Array.from(some.slice(0, budget)), `${name} ${n} ${budget}`);
      }
    }
  }
});

test("a share of up to an eighth: periodic, tied, scarce, hard in one place, whatever the mask hides", () => {
  const next = random(29);
  const shapes: [string, (i: number, n: number) => number][] = [
    ["random", () => next() ** 4 * 9 - 1],
    ["all equal", () => 0.25],
    ["two values", (i) => i & 1],
    ["ascending", (i) => i],
    ["one in four", (i) => (i % 4 === 1 ? 5 + next() : next())],
    ["one in 32", (i) => (i % 32 === 9 ? 5 + next() : next())],
    ["one in eighty", (i) => (i % 80 === 3 ? 5 + next() : next())],
    ["hard at the end of a quarter", (i, n) => (Math.abs(i - n / 4) < 9 ? 5 + next() : next())],
    ["around zero", () => Math.round(next() * 4 - 2) * 1.401298464324817e-45],
    ["lowest", () => -3.4028234663852886e38],
  ];
  for (const [name, make] of shapes) {
    for (const n of [37, 1000, 12345, 2 ** 17 + 3]) {
      const losses = Float32Array.from({ length: n }, (_, i) => make(i, n));
      const valid = Uint8Array.from({ length: n }, (_, i) => (i % (n < 50 ? 2 : 100) === 1 ? 1 : 0));
      const hidden = losses.map((loss, i) => (valid[i] ? loss : [NaN, -Infinity, Infinity, 9][i & 3]));
      const [all, some] = [ranked(losses), ranked(losses, (i) => valid[i] !== 0)];
      for (const budget of [1, 2, 100, 1311, 8000, n >> 3, (n >> 3) + 1]) {
        const got = ohem(losses, { budget }).indices;
        assert.deepEqual(got, Uint32Array.from(all.slice(0, budget)), `${name} ${n} ${budget}`);
        const masked = ohem(hidden, { budget, mask: valid }).indices;
        assert.deepEqual(masked, Uint32Array.from(some.slice(0, budget)), `${name} ${n} ${budget}, masked`);
      }
    }
  }
  const n = 2 ** 17 + 3;
  const bad = new Float32Array(n).fill(NaN, 70_000);
  assert.throws(() => ohem(bad, { budget: 10 }), { name: "RangeError", message: /got NaN at index 70000/ });
});

test("suppression is greedy by loss, within groups, and the budget is over all survivors", () => {
  let suppressed = 0;
  fc.assert(
    fc.property(
      examples,
      fc.nat(75),
      fc.constantFrom(0, 0.25, 1 / 3, 0.5, 0.7, 1),
      fc.boolean(),
      (list, budget, iou, isGrouped) => {
        const { losses, mask, groups, boxes } = arrays(list);
        const order = ranked(losses, (i) => mask[i] !== 0);
        const left = survivors(order, { boxes, iou, groups: isGrouped ? groups : undefined });
        const options = { budget, mask, boxes, iou, ...(isGrouped && { groups }) };
        same(ohem(losses, options), left.slice(0, budget), list.length);
        suppressed += order.length - left.length;
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(suppressed > 1000, `${suppressed} suppressed`);
});

test("boxes whose intersection over union is the threshold, as float64, stay both", () => {
  const squares = Float32Array.of(0, 0, 5, 5, 4, 4, 9, 9);
  const left = (iou: number): number[] => [
    ...ohem(Float32Array.of(2, 1), { budget: 2, boxes: squares, iou }).indices,
  ];
  assert.ok((1 / 49) * 49 < 1, "the product would tell");
  assert.deepEqual([left(1 / 49), left(1 / 50)], [[0, 1], [0]]);
});

test("a ratio holds: positives take the place of negatives, then negatives go", () => {
  const seen = { plain: 0, swapped: 0, short: 0 };
  fc.assert(
    fc.property(
      examples,
      fc.nat(40),
      fc.constantFrom(0, 0.5, 1, 3, 1e9, Infinity),
      fc.boolean(),
      (list, budget, ratio, isBoxed) => {
        const { losses, mask, positives, boxes } = arrays(list);
        const order = ranked(losses, (i) => mask[i] !== 0);
        const left = isBoxed ? survivors(order, { boxes, iou: 0.5 }) : order;
        const want = balanced(left, budget, (i) => positives[i] !== 0, ratio);
        const options = { budget, mask, positives, ratio, ...(isBoxed && { boxes, iou: 0.5 }) };
        const got = ohem(losses, options);
        same(got, want, list.length);
        const chosen = [...got.indices].filter((i) => positives[i]).length;
        assert.ok(ratio === Infinity || got.count - chosen <= ratio * chosen);
        const plain = ohem(losses, { budget, mask, ...(isBoxed && { boxes, iou: 0.5 }) });
        if (plain.indices.join() === got.indices.join()) seen.plain++;
        else if (plain.count === got.count) seen.swapped++;
        else seen.short++;
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(Math.min(seen.plain, seen.swapped, seen.short) > 40, JSON.stringify(seen));
});

test("a ratio that no float64 is takes as many positives as it needs, and not one fewer", () => {
  for (const [budget, ratio, positive] of [
    [153, 0.7, 90],
    [1105, 0.7, 650],
    [8052, 5.1, 1320],
    [6, 5, 1],
  ]) {
    const losses = Float32Array.from({ length: 2 * budget }, (_, i) => (i < budget ? 100 : 1));
    const positives = Uint8Array.from({ length: 2 * budget }, (_, i) => (i < budget ? 0 : 1));
    const { count, indices } = ohem(losses, { budget, ratio, positives });
    const chosen = [...indices].filter((i) => positives[i]).length;
    assert.equal(count, budget, "the budget is full");
    assert.ok(count - chosen <= ratio * chosen && count - chosen + 1 > ratio * (chosen - 1));
    assert.ok(Math.abs(chosen - positive) <= 1, `${chosen} positives of ${budget} at ${ratio}`);
  }
});

test("few boxes of many are ranked first, and more where too few survive", () => {
  const n = 3000;
  const next = random(5);
  // The hardest crowd together in few clusters; positives are the easiest, in clusters of their own.
  const positives = Uint8Array.from({ length: n }, (_, i) => (i % 31 ? 0 : 1));
  const cluster = (i: number): number => (positives[i] ? 97 + (i % 40) : i % 97);
  const losses = Float32Array.from({ length: n }, (_, i) => 200 - cluster(i) + next());
  const clusters = Float32Array.from({ length: 4 * n }, (_, k) => (k & 2 ? 8 : 0) + cluster(k >> 2) * 16);
  const spread = clusters.map((v, k) => v + ((k >> 2) % 3) * 0.5);
  for (const boxes of [clusters, spread]) {
    const left = survivors(ranked(losses), { boxes, iou: 0.7 });
    assert.ok(left.length > 97 && left.length < 400);
    for (const budget of [1, 5, 60, 90, 97, 98, 290, n]) {
      same(ohem(losses, { budget, boxes }), left.slice(0, budget), n);
      const few = Math.min(budget, 60);
      const want = balanced(left, few, (i) => positives[i] !== 0, 3);
      same(ohem(losses, { budget: few, boxes, positives, ratio: 3 }), want, n);
    }
  }
});

test("iou 1 and a budget of all is the identity; a constant added changes nothing", () => {
  const next = random(3);
  const losses = Float32Array.from({ length: 300 }, () => Math.floor(next() * 64) / 8);
  const boxes = Float32Array.from({ length: 1200 }, (_, k) => (k & 2 ? 5 : 0) + Math.floor(next() * 3));
  assert.deepEqual([...ohem(losses, { budget: 300, boxes, iou: 1 }).indices], ranked(losses));
  const plain = ohem(losses, { budget: 40, boxes });
  assert.deepEqual(
    ohem(
      losses.map((v) => v + 16),
      { budget: 40, boxes },
    ),
    plain,
  );
  assert.deepEqual(
    ohem(
      losses.map((v) => v - 16),
      { budget: 40, boxes },
    ),
    plain,
  );
  assert.ok(plain.indices.join() !== ohem(losses, { budget: 40 }).indices.join());
});

test("empty and fully masked batches select nothing", () => {
  const none = new Float32Array(0);
  for (const budget of [0, 1, 100]) {
    same(ohem(none, { budget, boxes: none, groups: new Uint8Array(0) }), [], 0);
    const bad = Float32Array.of(Number.NaN, Infinity, 1);
    same(ohem(bad, { budget, mask: new Uint8Array(3), boxes: new Float32Array(12).fill(Number.NaN) }), [], 3);
  }
});

test("a selection leaves nothing behind in the module's memory", () => {
  const { logits, targets } = batch(50000, 3);
  const before = ghmc(logits, targets, { bins: 256 });
  ohem(logits, { budget: 700 });
  ohem(logits, { budget: 70, boxes: new Float32Array(200000) });
  assert.deepEqual(ghmc(logits, targets, { bins: 256 }), before);
});
