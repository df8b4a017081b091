/** The streaming selection: the same set in any chunking, order and merge tree, and a saved form that is checked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, ohem } from "../src/mod.ts";
import { mask, pieces, random } from "./data.ts";
import { mergeTree } from "./laws.ts";
import fc from "./property.ts";
import { ranked } from "./reference/selection.ts";
import { loose, put, refuse } from "./refusal.ts";
import { forge } from "./seal.ts";

const loss = fc.oneof(
  fc.constantFrom(0, -0, 0.5, 1, 2, -1, 3.4028234663852886e38, 1e-45),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);
const losses = fc.array(loss, { maxLength: 90, size: "max" }).map((list) => Float32Array.from(list));

type Stream = ReturnType<typeof ohem.stream>;
test("a stream is the one shot for any chunking, order and merge tree, as bytes", () => {
  let full = 0;
  fc.assert(
    fc.property(losses, fc.nat(40), fc.nat(1000), fc.boolean(), (values, budget, seed, isMasked) => {
      const n = values.length;
      const valid = isMasked ? mask(n, seed) : undefined;
      const next = random(seed);
      const cuts = pieces(n, seed, 30);
      const part = (stream: Stream, [from, to]: [number, number]): Stream =>
        stream.update(values.subarray(from, to), { mask: valid?.subarray(from, to), offset: from });
      const whole = ohem.stream({ budget }).update(values, { mask: valid });
      const mixed = [...cuts].sort(() => next() - 0.5).reduce(part, ohem.stream({ budget }));
      const forest = cuts.map((cut) => part(ohem.stream({ budget }), cut));
      const tree = mergeTree([ohem.stream({ budget }), ...forest], seed);
      assert.deepEqual(mixed.save(), whole.save());
      assert.deepEqual(tree.save(), whole.save());
      const { indices, losses: hardest, count } = tree.result();
      const shot = ohem(values, { budget, mask: valid });
      assert.deepEqual(indices, shot.indices);
      assert.deepEqual(
        hardest,
        Float32Array.from(indices, (i) => values[i] + 0),
      );
      assert.equal(count, shot.count);
      if (count === budget && budget > 0) full++;
    }),
    { numRuns: 500 },
  );
  assert.ok(full > 100);
});

test("without an offset a chunk begins behind the last one", () => {
  const values = Float32Array.from({ length: 5000 }, (_, i) => (i * 7919) % 113);
  const stream = ohem.stream({ budget: 60 });
  for (const [from, to] of pieces(5000, 3, 700)) stream.update(values.subarray(from, to));
  assert.deepEqual([...stream.result().indices], ranked(values).slice(0, 60));
  const shards = [0, 2500].map((offset) =>
    ohem.stream({ budget: 60 }).update(values.subarray(offset, offset + 2500), { offset }),
  );
  const both = shards[1].merge(shards[0]).update(Float32Array.of(1e6));
  assert.equal(both.result().indices[0], 5000);
});

test("long streams: many cuts, many chunks, indices up to 2^32", () => {
  const next = random(17);
  const n = 150001;
  const start = 4294967296 - n;
  for (const make of [() => next(), (i: number) => i >> 4, (i: number) => -(i >> 4), () => 1]) {
    const values = Float32Array.from({ length: n }, (_, i) => make(i));
    const order = ranked(values);
    for (const budget of [1, 100, 30000]) {
      const cuts = pieces(n, budget, 90000).reverse();
      const stream = ohem.stream({ budget });
      for (const [from, to] of cuts) stream.update(values.subarray(from, to), { offset: start + from });
      const want = Uint32Array.from(order.slice(0, budget), (i) => start + i);
      assert.deepEqual(stream.result().indices, want);
      assert.deepEqual(ohem.load(stream.save()).result(), stream.result());
    }
  }
});

test("a stream goes on after it was saved, loaded, merged with itself", () => {
  const values = Float32Array.from({ length: 4000 }, (_, i) => (i * 31) % 977);
  const a = ohem.stream({ budget: 51 }).update(values.subarray(0, 3000));
  const b = ohem.load(a.save()).update(values.subarray(3000));
  assert.deepEqual(b.save(), a.update(values.subarray(3000)).save());
  assert.deepEqual(b.result().indices, ohem(values, { budget: 51 }).indices);
  const before = b.result();
  assert.equal(b.merge(b).result().count, 51, "an index that came twice counts twice");
  assert.deepEqual(new Set(b.result().indices), new Set(before.indices.subarray(0, 26)));
});

test("ties of many examples that came out of order are in the order of their indices", () => {
  const stream = ohem.stream({ budget: 100 });
  for (const offset of [11, 10]) stream.update(Float32Array.of(7), { offset });
  stream.update(new Float32Array(50).fill(7), { offset: 12 });
  assert.deepEqual(
    [...stream.result().indices],
    Array.from({ length: 52 }, (_, k) => 10 + k),
  );
});

test("copies of an index stand for one another where a cut parts them", () => {
  const stream = ohem.stream({ budget: 301 }).update(Float32Array.from({ length: 301 }, (_, i) => i));
  const { indices } = stream.merge(stream).result();
  assert.deepEqual(
    [...indices],
    Array.from({ length: 301 }, (_, k) => 300 - (k >> 1)),
  );
});

test("a refused chunk leaves the bytes as they were", () => {
  const n = 40000;
  const values = Float32Array.from({ length: n }, (_, i) => i);
  const stream = ohem.stream({ budget: 900 }).update(values);
  const before = stream.save();
  const harder = values.map((v) => 2 * n - v);
  for (const at of [0, 511, 1900, 32767, 32768, n - 1]) {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      refuse(() => stream.update(put(harder, at, bad)), "RangeError", new RegExp(`\\b${at}\\b`));
      assert.deepEqual(stream.save(), before);
    }
  }
  refuse(() => stream.update(loose([1])), "TypeError", /Float32Array/);
  refuse(() => stream.update(values, { mask: new Uint8Array(3) }), "RangeError", /\b3\b/);
  refuse(() => stream.update(values, { offset: 2 ** 32 - n + 1 }), "RangeError", /4294967296/);
  refuse(() => stream.update(values, { offset: -1 }), "RangeError", /offset/);
  refuse(() => stream.update(values, loose({ first: 1 })), "TypeError", /"first"/);
  refuse(() => stream.merge(ohem.stream({ budget: 901 })), "TypeError", /900.*901|901.*900/);
  refuse(() => stream.merge(loose(bce.stream())), "TypeError", /OhemStream/);
  assert.deepEqual(stream.save(), before);
});

test("saved bytes are checked", () => {
  const saved = ohem
    .stream({ budget: 3 })
    .update(Float32Array.of(1, 3, 2, 5))
    .save();
  assert.deepEqual([...ohem.load(saved).result().losses], [5, 3, 2]);
  for (let at = 0; at < saved.length; at++) {
    const altered = saved.slice();
    altered[at] ^= 1;
    assert.throws(() => ohem.load(altered), TypeError);
    assert.throws(() => ohem.load(saved.subarray(0, at)), TypeError);
  }
  refuse(() => ohem.load(bce.stream().save()), "TypeError", /ohem.*bce/);
  assert.throws(() => bce.load(saved), TypeError);
});

test("bytes that were sealed again after a change are refused by what they say", () => {
  const saved = ohem
    .stream({ budget: 3 })
    .update(Float32Array.of(-1, 3, 2, 5, 2))
    .save();
  assert.deepEqual(ohem.load(forge(saved, 0, 5)).save(), saved, "the seal is right");
  const key = (loss: number): number => new Uint32Array(Float32Array.of(loss).buffer)[0] ^ 0x80000000;
  for (const [word, value, says] of [
    [1, 2 ** 21, /counts below 2\^53/],
    [1, 2, /at most 4294967296 indices/],
    [0, 3, /indices below 3/],
    [2, ~5, /indices below 5/],
    [6, ~5, /indices below 5/],
    [3, key(Infinity), /finite/],
    [3, key(1), /hardest first/],
    [7, key(4), /hardest first/],
    [7, 0x007fffff, /finite/],
  ] as const)
    refuse(() => ohem.load(forge(saved, word, value)), "TypeError", says);
  const tied = forge(saved, 7, key(3));
  assert.deepEqual([...ohem.load(tied).result().indices], [3, 1, 2]);
  refuse(() => ohem.load(forge(tied, 6, ~0)), "TypeError", /hardest first/);
});

test("budgets of a stream", () => {
  refuse(() => ohem.stream(loose({})), "TypeError", /budget/);
  refuse(() => ohem.stream(loose(undefined)), "TypeError", /budget/);
  refuse(() => ohem.stream({ budget: -1 }), "RangeError", /-1/);
  refuse(() => ohem.stream({ budget: 1.5 }), "RangeError", /1.5/);
  refuse(() => ohem.stream({ budget: 2e8 }), "RangeError", /200000000/);
  const none = ohem.stream({ budget: 0 }).update(Float32Array.of(1, 2));
  assert.deepEqual([none.result().count, ohem.load(none.save()).result().count], [0, 0]);
});
