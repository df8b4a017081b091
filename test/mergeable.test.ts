/** Every mergeable state keeps the laws of `laws.ts`; kinds, parameters and rows are told apart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asl1,
  asymmetric,
  bce,
  focal,
  focalStar,
  ghmc,
  ghmr,
  hardTruncation,
  pairwise,
  type Row as StateRow,
  smoothL1,
  softmaxCrossEntropy,
  softTruncation,
} from "../src/mod.ts";
import { batch } from "./data.ts";
import { mergeable, type State } from "./laws.ts";
import { saved } from "./saved.ts";

/** Runs the laws and the checks of the saved form. */
function subject<S extends State<S>>(
  name: string,
  make: () => S,
  load: (bytes: Uint8Array) => S,
  fromRows: (rows: StateRow[]) => S,
  real = false,
): void {
  mergeable({ name, make, load, fromRows });
  saved({ name, real, make, load, fromRows });
}

subject(
  "bce",
  () => bce.stream(),
  bce.load,
  (rows) => bce.fromRows(rows),
);
subject(
  "bce, summed",
  () => bce.stream({ reduction: "sum", posWeight: 0.3 }),
  bce.load,
  (rows) => bce.fromRows(rows, { reduction: "sum", posWeight: 0.3 }),
);
subject(
  "focal, by positives",
  () => focal.stream({ gamma: 1.5, alpha: null, normalizer: "positives" }),
  focal.load,
  (rows) => focal.fromRows(rows, { gamma: 1.5, alpha: null, normalizer: "positives" }),
);
subject(
  "focalStar",
  () => focalStar.stream({ gamma: 1.5, beta: -1, alpha: 0.25 }),
  focalStar.load,
  (rows) => focalStar.fromRows(rows, { gamma: 1.5, beta: -1, alpha: 0.25 }),
);
subject(
  "hardTruncation",
  () => hardTruncation.stream({ margin: 0.6 }),
  hardTruncation.load,
  (rows) => hardTruncation.fromRows(rows, { margin: 0.6 }),
);
subject(
  "softTruncation",
  () => softTruncation.stream({ k: 3, reduction: "sum" }),
  softTruncation.load,
  (rows) => softTruncation.fromRows(rows, { k: 3, reduction: "sum" }),
);
subject(
  "asymmetric",
  () => asymmetric.stream({ gammaPos: 0.3, clip: 0.1 }),
  asymmetric.load,
  (rows) => asymmetric.fromRows(rows, { gammaPos: 0.3, clip: 0.1 }),
);
subject(
  "ghmc",
  () => ghmc.stream(),
  ghmc.load,
  (rows) => ghmc.fromRows(rows),
);
subject(
  "ghmc, 256 bins of mmdetection",
  () => ghmc.stream({ bins: 256, convention: "mmdet" }),
  ghmc.load,
  (rows) => ghmc.fromRows(rows, { bins: 256, convention: "mmdet" }),
);

subject(
  "smoothL1",
  () => smoothL1.stream({ beta: 1 / 9 }),
  smoothL1.load,
  (rows) => smoothL1.fromRows(rows, { beta: 1 / 9 }),
  true,
);
subject(
  "asl1, by a number",
  () => asl1.stream({ normalizer: 17 }),
  asl1.load,
  (rows) => asl1.fromRows(rows, { normalizer: 17 }),
  true,
);

subject(
  "ghmr",
  () => ghmr.stream({ mu: 0.5 }),
  ghmr.load,
  (rows) => ghmr.fromRows(rows, { mu: 0.5 }),
  true,
);

test("states of another kind or other parameters are refused by load and merge, with both sides named", () => {
  const kinds = {
    bce: bce.stream(),
    heavy: bce.stream({ posWeight: 2 }),
    focal: focal.stream(),
    steep: focal.stream({ gamma: 3 }),
    ghmc: ghmc.stream(),
    ghmr: ghmr.stream(),
    wide: ghmr.stream({ mu: 0.1 }),
    coarse: ghmc.stream({ bins: 10 }),
  };
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  let refused = 0;
  for (const one of names) {
    for (const other of names) {
      if (one === other) continue;
      const [a, b] = [kinds[one], kinds[other]] as unknown as [typeof kinds.bce, typeof kinds.bce];
      assert.throws(
        () => a.merge(b),
        { name: "TypeError", message: /^Cannot .*: expected .*, got .*/s },
        `${one} ${other}`,
      );
      refused++;
    }
  }
  assert.equal(refused, 56);
  assert.throws(() => kinds.focal.merge(kinds.steep), /2.*3|3.*2/s);
  assert.throws(() => kinds.ghmc.merge(kinds.coarse), /30.*10|10.*30/s);
  assert.throws(() => focal.load(kinds.bce.save()), { name: "TypeError", message: /focal.*bce|bce.*focal/s });
  assert.throws(() => bce.load(kinds.ghmc.save()), { name: "TypeError", message: /bce.*ghmc|ghmc.*bce/s });
  assert.throws(() => ghmc.load(kinds.focal.save()), {
    name: "TypeError",
    message: /ghmc.*focal|focal.*ghmc/s,
  });
  assert.throws(() => ghmc.load(ghmc.create().save()), TypeError);
  assert.throws(() => ghmc.loadState(kinds.ghmc.save()), TypeError);
});

test("parameters travel with the bytes", () => {
  const { logits, targets } = batch(100, 3);
  const alpha = Float32Array.of(0.1, 0.5, 0.9, 0.25);
  for (const options of [
    { gamma: 0.7, alpha: 0.3 },
    { alpha: null },
    { alpha, classes: 4 },
    { normalizer: 17 },
  ]) {
    const made = focal.stream(options).update(logits, targets);
    const loaded = focal.load(made.save());
    assert.deepEqual(loaded.update(logits, targets).save(), made.update(logits, targets).save());
    assert.deepEqual(loaded.result(), made.result());
    const twice = (v: Float32Array): Float32Array<ArrayBuffer> => Float32Array.of(...v, ...v);
    assert.equal(loaded.result().loss, focal(twice(logits), twice(targets), options).loss);
  }
});

test("a stream is the one shot, bit for bit, for every reduction and normalizer", () => {
  for (const n of [0, 1, 70, 40001]) {
    const { logits, targets } = batch(n, 5);
    const weights = logits.map((x) => Math.abs(x));
    for (const reduction of ["mean", "sum", "none"] as const) {
      for (const normalizer of ["count", "positives", 7.3] as const) {
        for (const loss of [bce, focal, focalStar, hardTruncation, softTruncation, asymmetric]) {
          const stream = loss.stream({ reduction, normalizer });
          for (let i = 0; i < n; i += 9973) {
            const cut = (v: Float32Array): Float32Array => v.subarray(i, i + 9973);
            stream.update(cut(logits), cut(targets), { weights: cut(weights) });
          }
          const shot = loss(logits, targets, { reduction, normalizer, weights });
          const { loss: value, count } = stream.result();
          assert.deepEqual([value, count], [shot.loss, shot.count]);
        }
      }
    }
  }
});

test("rows that cannot be a state are refused", () => {
  const [row] = bce.stream().toRows();
  const cases: [unknown, string][] = [
    [{ ...row, bin: 1n }, "RangeError"],
    [{ ...row, count: -1n }, "RangeError"],
    [{ ...row, count: 2n ** 53n }, "RangeError"],
    [{ ...row, w3: 0.5 }, "TypeError"],
    [{ ...row, w3: "12" }, "TypeError"],
    [{ ...row, w3: undefined }, "TypeError"],
    [null, "TypeError"],
    [7, "TypeError"],
  ];
  for (const [value, name] of cases) {
    assert.throws(() => bce.fromRows([value as StateRow]), { name, message: /^Cannot [^:]+: .+, got .+/s });
  }
  assert.throws(() => bce.fromRows(row as unknown as StateRow[]), TypeError);
  assert.throws(() => ghmc.fromRows([{ ...row, bin: 10n }], { bins: 10 }), RangeError);
  assert.deepEqual(bce.fromRows([]).save(), bce.stream().save());
  const numbers = Object.fromEntries(Object.entries(row).map(([k, v]) => [k, Number(v)]));
  assert.deepEqual(bce.fromRows([numbers as unknown as StateRow]).save(), bce.stream().save());
});

test("options that call the library while they are read leave no trace in a stream", () => {
  const [x, y] = [Float32Array.of(1, -2, 3), Float32Array.of(1, 0, 1)];
  const labels = Int32Array.of(0);
  const ones = (n: number): Float32Array => {
    focal(new Float32Array(9).fill(-50), new Float32Array(9).fill(1));
    return new Float32Array(n).fill(1);
  };
  const lazy = {
    get weights() {
      return ones(3);
    },
  };
  const lazyRows = {
    get rowWeights() {
      return ones(1);
    },
  };
  const pairs = Uint32Array.of(0, 1, 1, 2, 2, 0);
  const rows = () => softmaxCrossEntropy.stream({ classes: 3 });
  assert.deepEqual(bce.stream().update(x, y, lazy).save(), bce.stream().update(x, y).save());
  assert.deepEqual(rows().update(x, labels, lazyRows).save(), rows().update(x, labels).save());
  assert.deepEqual(
    pairwise.stream().update(x, pairs, lazy).save(),
    pairwise.stream().update(x, pairs).save(),
  );
});
