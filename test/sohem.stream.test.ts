/** The streaming selection by strata: one plan, any pieces, the one shot's examples, bytes that are checked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ohem, sohem } from "../src/mod.ts";
import { mask, pieces, random, shuffled } from "./data.ts";
import { mergeTree } from "./laws.ts";
import fc from "./property.ts";
import { ranked } from "./reference/selection.ts";
import { loose, put, refuse } from "./refusal.ts";
import { forge, seal } from "./seal.ts";

type Stream = ReturnType<typeof sohem.stream>;
type Options = Parameters<typeof sohem.stream>[0];

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, -0, 0.25, 0.5, 1, 3, 1e-45) },
  { weight: 1, arbitrary: fc.float({ min: 0, max: 50, noNaN: true }) },
);
const list = fc.array(fc.tuple(value, value, fc.float({ noNaN: true })), { maxLength: 90, size: "max" });
const plan = fc.record({
  budget: fc.oneof(fc.nat(40), fc.nat(120)),
  key: fc.constantFrom("ratio", "combined", "given"),
  cuts: fc.constantFrom(
    [0.25, 0.5, 0.75],
    [0, 0, 1],
    [0.5, Infinity, Infinity],
    [-Infinity, 0.5, Infinity],
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ),
  quotas: fc.constantFrom([1, 1, 1, 1], [0, 0, 0, 1], [5, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], [3, 0, 2, 1]),
  a: fc.constantFrom(1, 0, 0.3),
});

test("a stream is the one shot for any chunking, order and merge tree, as bytes", () => {
  const seen = { spilled: 0, full: 0, beyond: 0 };
  const run = fc.property(list, plan, fc.nat(1000), fc.boolean(), (rows, { a, ...given }, seed, isMasked) => {
    const n = rows.length;
    const [c, l, key] = [0, 1, 2].map((k) => Float32Array.from(rows, (row) => row[k]));
    const valid = isMasked ? mask(n, seed) : undefined;
    const isGiven = given.key === "given";
    const options = { ...given, schedule: () => ({ a }) } as Options;
    const make = (): Stream => sohem.stream(options);
    const cuts = pieces(n, seed, 30);
    const part = (stream: Stream, [from, to]: [number, number]): Stream =>
      stream.update(c.subarray(from, to), l.subarray(from, to), {
        mask: valid?.subarray(from, to),
        offset: from,
        key: isGiven ? key.subarray(from, to) : undefined,
      });
    const whole = make().update(c, l, { mask: valid, key: isGiven ? key : undefined });
    const mixed = shuffled(cuts.length, seed).map((k) => cuts[k]);
    assert.deepEqual(mixed.reduce(part, make()).save(), whole.save());
    const forest = cuts.map((cut) => part(make(), cut));
    const tree = mergeTree([make(), ...forest, make()], seed);
    assert.deepEqual(tree.save(), whole.save());
    assert.deepEqual(sohem.load(tree.save()).result(), whole.result());
    const shot = sohem(c, l, { ...options, key: isGiven ? key : (given.key as "ratio"), mask: valid });
    const { indices, losses, strata, quotas, count } = tree.result();
    assert.deepEqual(indices, shot.indices);
    assert.deepEqual([quotas, count], [shot.quotas, shot.count]);
    const combined = Float32Array.from(indices, (i) => a * c[i] + l[i] + 0);
    assert.deepEqual(losses, combined);
    assert.deepEqual(
      strata,
      Uint8Array.from(indices, (i) => shot.strata[i]),
    );
    if (quotas.some((share, s) => strata.filter((t) => t === s).length > share)) seen.spilled++;
    if (given.budget < n && count === given.budget && count > 0) seen.full++;
    if (given.budget > n && n > 0) seen.beyond++;
  });
  fc.assert(run, { numRuns: 600 });
  assert.ok(Math.min(...Object.values(seen)) > 60, JSON.stringify(seen));
});

test("one stratum is the stream of plain selection; both losses 0 are in the first", () => {
  const next = random(5);
  const [c, l] = [0, 1].map(() => Float32Array.from({ length: 70000 }, () => Math.floor(next() * 64)));
  const budget = 1500;
  const plain = ohem.stream({ budget }).update(c.map((v, i) => v + l[i]));
  for (const cuts of [Array(3).fill(Infinity), Array(3).fill(-Infinity)]) {
    const { indices, losses, count } = sohem.stream({ budget, cuts }).update(c, l).result();
    assert.deepEqual({ indices, losses, count }, plain.result());
  }
  const zeros = new Float32Array(5);
  const none = sohem.stream({ budget: 2 }).update(zeros, zeros).result();
  assert.deepEqual(
    [[...none.indices], [...none.strata]],
    [
      [0, 1],
      [0, 0],
    ],
  );
});

test("leftovers are the hardest of the rest though every stratum keeps no more than the budget", () => {
  const n = 100000;
  const c = Float32Array.from({ length: n }, (_, i) => (i * 7919) % 99991);
  const key = Float32Array.from(c, (_, i) => (i % 1000 === 0 ? i % 3000 : -1));
  const budget = 700;
  const stream = sohem.stream({ budget, key: "given", cuts: [0, 1000, 2000] });
  for (const [from, to] of pieces(n, 2, 50000)) {
    stream.update(c.subarray(from, to), new Float32Array(to - from), { key: key.subarray(from, to) });
  }
  const strata = key.map((k) => (k < 0 ? 0 : 1 + k / 1000));
  const order = ranked(c);
  const chosen = new Set<number>();
  for (let s = 0; s < 4; s++)
    for (const i of order.filter((k) => strata[k] === s).slice(0, 175)) chosen.add(i);
  assert.equal(chosen.size, 175 + 100, "three strata of hardly forty");
  for (const i of order) if (chosen.size < budget) chosen.add(i);
  assert.deepEqual(
    [...stream.result().indices],
    order.filter((i) => chosen.has(i)),
  );
  assert.ok(
    stream.save().length < 8 * (budget + 100) + 200,
    "the state is the budget's size, not the data's",
  );
});

test("masks of many chunks; a stream goes on after it was saved, loaded, merged with itself", () => {
  const n = 150001;
  const next = random(23);
  const [c, l] = [0, 1].map(() => Float32Array.from({ length: n }, () => Math.floor(next() * 999)));
  const valid = mask(n, 7);
  const a = sohem.stream({ budget: 90 }).update(c, l, { mask: valid });
  assert.deepEqual(a.result().indices, sohem(c, l, { budget: 90, mask: valid }).indices);
  const b = sohem.load(a.save());
  assert.deepEqual(b.update(c, l, { mask: valid }).save(), a.update(c, l, { mask: valid }).save());
  const twice = sohem.load(a.merge(a).save());
  assert.deepEqual(twice.save(), a.save());
  assert.equal(twice.result().count, 90, "an index that came twice counts twice");
  assert.equal(new Set(twice.result().indices).size, 12 + 12 + 11 + 11, "quotas 23, 23, 22, 22 in pairs");
});

test("without an offset a chunk begins behind the last one, and indices reach up to 2^32", () => {
  const ones = new Float32Array(3).fill(1);
  const stream = sohem.stream({ budget: 2 }).update(ones, ones, { offset: 2 ** 32 - 4 });
  stream.update(Float32Array.of(9), Float32Array.of(9));
  assert.deepEqual([...stream.result().indices], [2 ** 32 - 1, 2 ** 32 - 4]);
  assert.deepEqual(sohem.load(stream.save()).save(), stream.save());
  refuse(() => stream.update(ones, ones), "RangeError", /4294967296/);
});

test("a schedule is asked once, when the stream is made", () => {
  const seen: number[] = [];
  const schedule = (progress: number) => {
    seen.push(progress);
    return { a: 1 - progress, b: progress, quotas: [1, 0, 0, 0], cuts: [1, 1, 1] };
  };
  const stream = sohem.stream({ budget: 1, schedule, progress: 1 });
  stream.update(Float32Array.of(4, 3), Float32Array.of(1, 2)).update(Float32Array.of(9), Float32Array.of(0));
  assert.deepEqual([[...stream.result().indices], [...stream.result().losses], seen], [[1], [2], [1]]);
});

test("a refused chunk leaves the bytes as they were", () => {
  const n = 70000;
  const c = Float32Array.from({ length: n }, (_, i) => i);
  const options: Options = { budget: 900, key: "given", cuts: [1, 2, 3] };
  const key = c.map((_, i) => i % 5);
  const stream = sohem.stream(options).update(c, c, { key });
  const before = stream.save();
  const harder = c.map((v) => 2 * n - v);
  for (const at of [0, 511, 32767, 32768, 65536, n - 1]) {
    const says = new RegExp(`\\b${at}\\b`);
    for (const bad of [Number.NaN, Infinity, -1]) {
      refuse(() => stream.update(put(harder, at, bad), harder, { key }), "RangeError", says);
      refuse(() => stream.update(harder, put(harder, at, bad), { key }), "RangeError", says);
    }
    refuse(() => stream.update(harder, harder, { key: put(key, at, Number.NaN) }), "RangeError", says);
    assert.deepEqual(stream.save(), before);
  }
  const one = Float32Array.of(1);
  const call =
    (given: object, l: unknown = one) =>
    () =>
      stream.update(one, loose(l), loose({ key: one, ...given }));
  refuse(call({}, [1]), "TypeError", /localizationLosses/);
  refuse(call({}, c), "RangeError", /70000/);
  refuse(call({ key: undefined }), "TypeError", /key/);
  refuse(call({ key: c }), "RangeError", /70000/);
  refuse(call({ mask: new Uint8Array(3) }), "RangeError", /\b3\b/);
  refuse(call({ offset: 2 ** 32 }), "RangeError", /4294967296/);
  refuse(call({ boxes: one }), "TypeError", /"boxes"/);
  refuse(
    () => sohem.stream({ budget: 1 }).update(one, one, { key: one }),
    "TypeError",
    /"ratio".*Float32Array/,
  );
  refuse(() => stream.merge(loose(ohem.stream({ budget: 900 }))), "TypeError", /SohemStream/);
  for (const [other, says] of [
    [{ budget: 901 }, /900.*901/],
    [{ cuts: [1, 2, Infinity] }, /\[1,2,3\].*\[1,2,"Infinity"\]/],
    [{ quotas: [1, 1, 1, 2] }, /\[1,1,1,1\].*\[1,1,1,2\]/],
    [{ key: "combined" }, /given.*combined/],
    [{ schedule: () => ({ b: 0.5 }) }, /"b":1,.*"b":0.5,/],
  ] as const) {
    refuse(() => stream.merge(sohem.stream({ ...options, ...other } as Options)), "TypeError", says);
  }
  assert.deepEqual(stream.save(), before);
});

test("what a stream cannot be made with", () => {
  const call = (options: object) => () => sohem.stream(loose({ budget: 2, ...options }));
  for (const name of ["boxes", "groups", "iou", "seed", "mask"]) {
    refuse(call({ [name]: undefined }), "TypeError", new RegExp(`"${name}"`));
  }
  refuse(() => sohem.stream(loose(undefined)), "TypeError", /budget/);
  refuse(call({ budget: 2e8 }), "RangeError", /200000000/);
  refuse(call({ key: new Float32Array(2), cuts: [1, 2, 3] }), "TypeError", /ratio, combined, given/);
  refuse(call({ key: "given" }), "TypeError", /cuts/);
  refuse(call({ progress: 2 }), "RangeError", /progress/);
});

/** Saved bytes with words of the header exchanged for as long ones. */
function rewritten(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const changed = bytes.slice();
  const at = new TextDecoder("latin1").decode(bytes).indexOf(from);
  assert.ok(at > 0 && from.length === to.length);
  changed.set(new TextEncoder().encode(to), at);
  return seal(changed);
}

test("saved bytes are checked, also when they were sealed again", () => {
  const options: Options = { budget: 2, key: "combined", cuts: [2, 4, Infinity] };
  const saved = sohem
    .stream(options)
    .update(Float32Array.of(1, 3, 2, 5, 0.5), new Float32Array(5))
    .save();
  for (let at = 0; at < saved.length; at++) {
    const altered = saved.slice();
    altered[at] ^= 1;
    assert.throws(() => sohem.load(altered), TypeError);
    assert.throws(() => sohem.load(saved.subarray(0, at)), TypeError);
  }
  refuse(() => sohem.load(ohem.stream({ budget: 2 }).save()), "TypeError", /sohem.*ohem/);
  refuse(() => ohem.load(saved), "TypeError", /ohem.*sohem/);
  assert.deepEqual(sohem.load(forge(saved, 0, 5)).save(), saved, "the seal is right");
  // Words: next (2), lengths 2, 2, 1; then 1, 0.5 of stratum 0, 3, 2 of 1, 5 of 2.
  for (const [word, value, says] of [
    [0, 4, /indices below 4/],
    [1, 2 ** 21, /2\^53/],
    [2, 3, /at most 2 pairs/],
    [2, 1, /hardest first|stratum/],
    [4, 2, /at most 2 pairs/],
    [4, 0, /stratum 3, got 5/],
    [6, 0x7f000000, /hardest first/],
    [8, 0x70000000, /stratum 0, got -/],
    [14, 0xc0000000, /stratum 2, got 2/],
  ] as const)
    refuse(() => sohem.load(forge(saved, word, value)), "TypeError", says);
  for (const [from, to] of [
    ['"Infinity"', '"infinity"'],
    ["[2,4,", "[4,2,"],
    ['"a":1', '"a":-'],
    ['"a":1', '"c":1'],
    ["combined", "combinet"],
    ["[1,1,1,1]", "[0,0,0,0]"],
    ["[1,1,1,1]", "[1,1,1e0]"],
    ['"budget":2', '"budget":1'],
  ] as const) {
    assert.throws(() => sohem.load(rewritten(saved, from, to)), /^TypeError: Cannot load a sohem stream/);
  }
  refuse(
    () => sohem.load(rewritten(saved, '"quotas":[1,1,1,1]', '"quotas":[1,1,1]  ')),
    "TypeError",
    /quotas/,
  );
});
