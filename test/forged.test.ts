/** States whose checksum is right and whose content is not: written by other hands, refused all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  adaptiveAsymmetry,
  asl1,
  bce,
  drLoss,
  ghmc,
  ohem,
  pairwise,
  softmaxCrossEntropy,
  softTruncation,
  sohem,
} from "../src/mod.ts";
import { seal } from "./seal.ts";

const saved = bce.stream().update(Float32Array.of(1, 2), Float32Array.of(0, 1)).save();
const WORDS = saved.length - 4 - 14 * 4;

function withText(from: string, to: string, of = saved): Uint8Array {
  const bytes = of.slice();
  const at = new TextDecoder("latin1").decode(bytes).indexOf(from);
  assert.ok(at > 0 && from.length === to.length);
  bytes.set(new TextEncoder().encode(to), at);
  return seal(bytes);
}

function withWord(bytes: Uint8Array, offset: number, word: number): Uint8Array {
  const changed = bytes.slice();
  new DataView(changed.buffer).setUint32(offset, word, true);
  return seal(changed);
}

const FORGED: [string, () => unknown, RegExp][] = [
  ["a header that is no JSON", () => bce.load(withText('{"', 'x"')), /header of kind and options/],
  ["a header without options", () => bce.load(withText("options", "optiens")), /header of kind and options/],
  ["an unknown option", () => bce.load(withText("posWeight", "posWeighx")), /options among/],
  [
    "a parameter out of range",
    () => softTruncation.load(withText('"k":5', '"k":0', softTruncation.stream({ k: 5 }).save())),
    /k in/,
  ],
  [
    "regions out of range",
    () => ghmc.load(withText('"bins":30', '"bins": 0', ghmc.stream().save())),
    /bins in/,
  ],
  [
    "regions of an average out of range",
    () => ghmc.loadState(withText('"bins":30', '"bins": 0', ghmc.create().save())),
    /bins in/,
  ],
  [
    "a scale out of range",
    () => drLoss.load(withText('"scale":6', '"scale":0', drLoss.stream({ classes: 2 }).save())),
    /scale in/,
  ],
  [
    "a budget out of range",
    () => ohem.load(withText('"budget":50', '"budget":-1', ohem.stream({ budget: 50 }).save())),
    /budget in/,
  ],
  [
    "a budget of strata out of range",
    () => sohem.load(withText('"budget":50', '"budget":-1', sohem.stream({ budget: 50 }).save())),
    /budget in/,
  ],
  [
    "a rate out of range",
    () =>
      adaptiveAsymmetry.load(withText('"rate":1', '"rate":0', adaptiveAsymmetry.create({ rate: 1 }).save())),
    /rate in/,
  ],
  ["a count of 2^53 and more", () => bce.load(withWord(saved, WORDS + 4, 1 << 21)), /counts below 2\^53/],
  [
    "counts of regions that are 2^53 together",
    () => {
      const bytes = ghmc.stream({ bins: 2 }).save();
      const words = bytes.length - 4 - 4 * 24;
      return ghmc.load(withWord(withWord(bytes, words + 4, 1 << 20), words + 4 * 13, 1 << 20));
    },
    /fewer than 2\^53/,
  ],
  [
    "more positives than elements",
    () => bce.load(withWord(saved, WORDS + 8, 3)),
    /at most 2 positives, got 3/,
  ],
  [
    "an option of another loss of pairs",
    () => pairwise.load(withText('"focal"', '"bpr"  ', pairwise.stream({ loss: "focal" }).save())),
    /gamma beside the loss "focal" alone/,
  ],
  [
    "harmonized pairs of more regions than it has words for",
    () => pairwise.load(withText('"bins":30', '"bins":31', pairwise.stream({ loss: "ghm" }).save())),
    /expected 372 words, got 360/,
  ],
  [
    "a state with bytes behind its words",
    () => bce.load(seal(Uint8Array.of(...saved, 0, 0, 0, 0))),
    new RegExp(`expected ${saved.length} saved bytes, got ${saved.length + 4}`),
  ],
  [
    "an average that is NaN",
    () => {
      const bytes = ghmc.create({ bins: 3 }).save();
      return ghmc.loadState(withWord(bytes, bytes.length - 8, 0x7ff80000));
    },
    /averages >= 0 .*, got NaN at index 3/,
  ],
  [
    "a running product above 1",
    () => {
      const bytes = ghmc.create({ bins: 3 }).save();
      return ghmc.loadState(withWord(bytes, bytes.length - 8, 0x40000000));
    },
    /powers of at most 1, got 2 at index 3/,
  ],
];

test("words that no average has a place for are refused", () => {
  const bytes = ghmc.create({ bins: 3 }).save();
  const longer = new Uint8Array(bytes.length + 4);
  longer.set(bytes);
  const count = bytes.length - 4 - 4 * 9;
  const view = new DataView(longer.buffer);
  assert.equal(view.getUint32(count, true), 8, "three regions and one power, as float64");
  view.setUint32(count, 9, true);
  assert.throws(() => ghmc.loadState(seal(longer)), /expected 8 words, got 9/);
});

test("the seal itself is right: what was only sealed again loads", () => {
  assert.deepEqual(bce.load(seal(saved.slice())).save(), saved);
});

for (const [name, load, message] of FORGED) {
  test(`${name} is refused`, () => {
    assert.throws(load, (error: unknown) => error instanceof TypeError && message.test(error.message));
  });
}

test("counts that leave the exact integers are refused, and nothing changes", () => {
  const [row] = bce.stream().toRows();
  const full = bce.fromRows([{ ...row!, count: 2n ** 53n - 1n }]);
  const before = full.save();
  assert.throws(() => full.merge(bce.load(before)), /fewer than 2\^53/);
  assert.throws(() => full.update(Float32Array.of(1), Float32Array.of(1)), /fewer than 2\^53/);
  assert.deepEqual(full.save(), before);
  const bins = ghmc.fromRows([{ ...row!, count: 2n ** 53n - 1n }]);
  const others = ghmc.fromRows([{ ...row!, bin: 3n, count: 1n }]);
  const regions = bins.save();
  for (const other of [bins, others]) assert.throws(() => bins.merge(other), /fewer than 2\^53/);
  assert.deepEqual(bins.save(), regions);
  assert.throws(() => ghmc.fromRows([...bins.toRows(), ...others.toRows()]), /fewer than 2\^53/);
  assert.throws(() => bce.fromRows([{ ...row!, positives: 1n }]), /at most 0 positives/);
});

test("a row without positives is refused where the state counts them", () => {
  const focus = Float32Array.of(1, -2);
  const [row] = bce.stream().update(focus, Uint8Array.of(1, 0)).toRows();
  const [ofRow] = softmaxCrossEntropy.stream({ classes: 2 }).update(focus, Uint8Array.of(1)).toRows();
  const dr = drLoss.stream({ classes: 2 }).update(focus, Uint8Array.of(1)).toRows();
  for (const missing of [undefined, null]) {
    const without = (of: object): never => ({ ...of, positives: missing }) as never;
    assert.throws(() => bce.fromRows([without(row!)]), { name: "TypeError", message: /positives/ });
    assert.throws(() => softmaxCrossEntropy.fromRows([without(ofRow!)], { classes: 2 }), /positives/);
    assert.throws(() => drLoss.fromRows(dr.map(without), { classes: 2 }), /positives/);
    const regions = ghmc.stream().update(focus, Uint8Array.of(1, 0)).toRows();
    assert.equal(ghmc.fromRows(regions.map(without)).result().count, 2, "regions count no positives");
  }
  assert.throws(() => bce.fromRows(new Array(1)), { name: "TypeError", message: /rows as objects/ });
});

test("a saved option that is left out is refused, and not taken for its default", () => {
  const [x, y] = [Float32Array.of(1, -2), Float32Array.of(1, 0)];
  const mmdet = { convention: "mmdet", bins: 3 } as const;
  const saved: [(bytes: Uint8Array) => unknown, Uint8Array, string][] = [
    [asl1.load, asl1.stream({ reduction: "sum" }).update(x, y).save(), '"reduction":"sum",'],
    [ghmc.load, ghmc.stream(mmdet).update(x, y).save(), ',"convention":"mmdet"'],
    [ghmc.loadState, ghmc.create(mmdet).save(), '"convention":"mmdet",'],
    [drLoss.load, drLoss.stream({ classes: 2, tau: 1 }).save(), '"tau":1,'],
    [adaptiveAsymmetry.load, adaptiveAsymmetry.create({ rate: 1, max: 5 }).save(), '"max":5,'],
    [pairwise.load, pairwise.stream({ loss: "ghm", reduction: "sum" }).save(), '"reduction":"sum",'],
    [
      softmaxCrossEntropy.load,
      softmaxCrossEntropy.stream({ classes: 2, labelSmoothing: 0.5 }).save(),
      '"labelSmoothing":0.5,',
    ],
  ];
  for (const [load, bytes, option] of saved) {
    load(bytes);
    const without = withText(option, " ".repeat(option.length), bytes);
    assert.throws(() => load(without), { name: "TypeError", message: /expected a state of .*, got one of/ });
  }
});

test("a region without samples has no losses", () => {
  const stream = ghmc.stream({ bins: 3 }).update(Float32Array.of(1), Uint8Array.of(1));
  const [row] = stream.toRows();
  const refusal = { name: "RangeError", message: /no losses without a sample, got some in region 0/ };
  assert.throws(() => ghmc.fromRows([{ ...row!, count: 0n }], { bins: 3 }), refusal);
  const bytes = stream.save();
  const words = bytes.length - 4 - 4 * 36;
  assert.throws(() => ghmc.load(withWord(bytes, words, 0)), { ...refusal, name: "TypeError" });
});

test("harmonized counts that leave the exact integers are refused, and nothing changes", () => {
  const rest = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`w${i}`, 0n]));
  const full = ghmc.fromRows([{ bin: 0n, count: 2n ** 53n - 1n, ...rest } as never], { bins: 3 });
  const before = full.save();
  assert.throws(() => full.update(Float32Array.of(9, 9), Uint8Array.of(1, 1)), /fewer than 2\^53/);
  assert.deepEqual(full.save(), before);
});
