/**
 * Laws of mergeable states, compared as the bytes of `save`: a field that merge or save forgets cannot hide.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { bce, type Row as StateRow } from "../src/mod.ts";
import { batch, mask, pieces, random, shuffled } from "./data.ts";
import fc from "./property.ts";

export interface Feed {
  logits: Float32Array<ArrayBuffer>;
  targets: Float32Array<ArrayBuffer>;
  mask?: Uint8Array<ArrayBuffer>;
}

export interface State<S> {
  update(logits: Float32Array, targets: Float32Array, options?: { mask?: Uint8Array }): S;
  merge(other: S): S;
  save(): Uint8Array;
  toRows(): StateRow[];
  result(): unknown;
}

/** Logits of every size, most of them ordinary; losses reach from subnormal to 3e38. */
export const logit = fc.oneof(
  { weight: 6, arbitrary: fc.float({ min: -20, max: 20, noNaN: true }) },
  { weight: 2, arbitrary: fc.float({ min: -110, max: 110, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(3e38, -3e38, 2 ** 26, -(2 ** 27), 2 ** 60, 1e-40, 0) },
);

export const feed: fc.Arbitrary<Feed> = fc
  .array(fc.tuple(logit, fc.integer({ min: 0, max: 1 }), fc.boolean()), { maxLength: 40, size: "max" })
  .map((rows) => ({
    logits: Float32Array.from(rows, ([x]) => x),
    targets: Float32Array.from(rows, ([, y]) => y),
    mask: Uint8Array.from(rows, ([, , m]) => (m ? 1 : 0)),
  }));

/** The integer that ten 32-bit digits spell. */
export function spelled(row: StateRow): bigint {
  const digits = [row.w0, row.w1, row.w2, row.w3, row.w4, row.w5, row.w6, row.w7, row.w8, row.w9];
  return digits.reduceRight((sum, digit) => (sum << 32n) + digit, 0n);
}

/** What an engine that can add integers does: one row for each bin, columns added up. */
export function addRows(rows: StateRow[]): StateRow[] {
  const sums = new Map<bigint, Record<string, bigint>>();
  for (const row of rows) {
    const sum = sums.get(row.bin);
    if (!sum) sums.set(row.bin, { ...row });
    else for (const [name, value] of Object.entries(row)) if (name !== "bin") sum[name] += value as bigint;
  }
  return [...sums.values()] as unknown as StateRow[];
}

/** Merges a list of states as a random tree. */
export function mergeTree<S extends State<S>>(states: S[], seed: number): S {
  const next = random(seed);
  const rest = [...states];
  while (rest.length > 1) {
    const [one] = rest.splice(Math.floor(next() * rest.length), 1);
    rest[Math.floor(next() * rest.length)].merge(one);
  }
  return rest[0];
}

export function mergeable<S extends State<S>>(
  name: string,
  make: () => S,
  load: (bytes: Uint8Array) => S,
  fromRows: (rows: StateRow[]) => S,
): void {
  const from = (...feeds: Feed[]): S =>
    feeds.reduce((s, f) => s.update(f.logits, f.targets, f.mask && { mask: f.mask }), make());

  const law = (title: string, sides: (a: Feed, b: Feed, c: Feed) => [S, S]): void => {
    test(`${name}: ${title}`, () => {
      let different = 0;
      fc.assert(
        fc.property(feed, feed, feed, (a, b, c) => {
          const [left, right] = sides(a, b, c);
          assert.deepEqual(left.save(), right.save());
          assert.deepEqual(left.result(), right.result());
          if (Buffer.compare(left.save(), make().save()) !== 0) different++;
        }),
        { numRuns: 120 },
      );
      assert.ok(different > 60, "most of the states compared are not the empty one");
    });
  };

  law("merge equals seeing both batches", (a, b) => [from(a).merge(from(b)), from(a, b)]);
  law("merge commutes", (a, b) => [from(a).merge(from(b)), from(b).merge(from(a))]);
  law("merge associates", (a, b, c) => [
    from(a).merge(from(b)).merge(from(c)),
    from(a).merge(from(b).merge(from(c))),
  ]);
  law("the empty state is neutral", (a) => [from(a).merge(make()), make().merge(from(a))]);
  law("an empty or masked update is none", (a) => [
    from(
      a,
      { logits: new Float32Array(0), targets: new Float32Array(0) },
      { ...a, mask: a.mask?.map(() => 0) },
    ),
    from(a),
  ]);
  law("merging a state into itself doubles it", (a) => {
    const twice = from(a);
    return [twice.merge(twice), from(a, a)];
  });
  law("load undoes save, and the loaded state goes on", (a, b) => [
    load(from(a).save()).update(b.logits, b.targets, { mask: b.mask }),
    from(a, b),
  ]);
  law("a loaded state merges with a made one", (a, b) => [
    load(from(a).save()).merge(load(from(b).save())),
    from(a, b),
  ]);
  law("rows come back as the state", (a) => [fromRows(from(a).toRows()), from(a)]);
  law("rows may be added column by column elsewhere", (a, b, c) => [
    fromRows(addRows([...from(a).toRows(), ...from(b).toRows(), ...from(c).toRows()])),
    from(a, b, c),
  ]);
  law("rows may come unadded and in any order", (a, b) => [
    fromRows([...from(b).toRows(), ...from(a).toRows()].reverse()),
    from(a, b),
  ]);

  test(`${name}: any chunking in any order and any merge tree gives the same bytes`, () => {
    const n = 50003;
    const data = batch(n, 7, 0.02);
    const next = random(9);
    const scaled = data.logits.map((x) => (next() < 1e-3 ? x * 1e6 : x));
    const valid = mask(n, 3);
    const whole = from({ logits: scaled, targets: data.targets, mask: valid });
    assert.equal(Buffer.compare(whole.save(), make().save()) === 0, false);
    for (const most of [300, 5000, 40000]) {
      const cuts = pieces(n, most, most);
      const states = shuffled(cuts.length, most).map((k) => {
        const [i, j] = cuts[k];
        const part = {
          logits: scaled.subarray(i, j),
          targets: data.targets.subarray(i, j),
          mask: valid.subarray(i, j),
        };
        return from(part as Feed);
      });
      assert.ok(states.length > 2);
      const rows = states.flatMap((s) => s.toRows());
      assert.deepEqual(fromRows(addRows(rows)).save(), whole.save());
      const merged = mergeTree(states, most);
      assert.deepEqual(merged.save(), whole.save(), `chunks of at most ${most}`);
      assert.deepEqual(merged.result(), whole.result());
    }
  });

  test(`${name}: rows are whole numbers below 2^32 that fit signed 64-bit columns`, () => {
    const { logits, targets } = batch(1000, 3);
    const rows = from({ logits, targets }).toRows();
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        assert.equal(typeof value, "bigint");
        if (column !== "w9") assert.ok(value >= 0n && value < 2n ** 32n, `${column} = ${value}`);
      }
    }
    assert.equal(
      rows.map((row) => row.count).reduce((a, b) => a + b),
      1000n,
    );
    const many = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([k, v]) => [k, k === "bin" ? v : (v as bigint) * 2n ** 31n]),
      ),
    );
    assert.ok(many.every((row) => Object.values(row).every((v) => (v as bigint) < 2n ** 63n)));
    const [sum] = many.map((row) => spelled(row as unknown as StateRow));
    assert.equal(spelled(fromRows(many as unknown as StateRow[]).toRows()[0]), sum, "2^31 shards");
  });

  test(`${name}: a refused chunk leaves the bytes as they were`, () => {
    const { logits, targets } = batch(40000, 3);
    const state = from({ logits, targets });
    const before = state.save();
    for (const at of [0, 777, 16384, 39999]) {
      const named = { name: "RangeError", message: new RegExp(`\\b${at}\\b`) };
      const x = logits.slice();
      x[at] = Number.NaN;
      assert.throws(() => state.update(x, targets), named);
      const y = targets.slice();
      y[at] = 2;
      assert.throws(() => state.update(logits, y), named);
      assert.deepEqual(state.save(), before);
    }
    assert.throws(() => state.update(logits, targets.subarray(1)), RangeError);
    assert.throws(() => state.merge(bce.stream({ posWeight: 77 }) as unknown as S), TypeError);
    assert.throws(() => state.merge(undefined as unknown as S), TypeError);
    assert.deepEqual(state.save(), before);
    assert.deepEqual(
      state.update(logits, targets).save(),
      from({ logits, targets }, { logits, targets }).save(),
    );
  });

  const FORM = /^Cannot [^:]+: .+, got .+$/s;
  const refuse = (run: () => unknown, says = /./): void => {
    assert.throws(run, (error: Error) => {
      assert.equal(error.name, "TypeError", error.message);
      assert.match(error.message, FORM);
      assert.match(error.message, says);
      return true;
    });
  };

  test(`${name}: foreign, truncated and altered bytes are refused`, () => {
    const { logits, targets } = batch(300, 3);
    const saved = from({ logits, targets }).save();
    refuse(() => load(new Uint8Array(0)));
    refuse(() => load(new Uint8Array(saved.length)));
    refuse(() =>
      load(new TextEncoder().encode(JSON.stringify({ kind: name, count: 12, padding: "x".repeat(100) }))),
    );
    refuse(() => load([...saved] as unknown as Uint8Array), /Uint8Array|Array/);
    refuse(() => load("bytes" as unknown as Uint8Array));
    refuse(() => load(undefined as unknown as Uint8Array));
    for (let length = 0; length < saved.length; length += 1 + (length >> 3))
      refuse(() => load(saved.slice(0, length)));
    refuse(() => load(Uint8Array.of(...saved, 0)));
    refuse(() => load(Uint8Array.of(...saved, 0, 0, 0, 0)));
    const next = random(5);
    const bits = Math.min(saved.length * 8, 3000);
    for (let k = 0; k < bits; k++) {
      const altered = saved.slice();
      const at = saved.length * 8 <= 3000 ? k : Math.floor(next() * saved.length * 8);
      altered[at >> 3] ^= 1 << (at & 7);
      refuse(() => load(altered));
    }
    const swapped = saved.slice();
    [swapped[saved.length - 9], swapped[saved.length - 10]] = [
      swapped[saved.length - 10],
      swapped[saved.length - 9],
    ];
    if (swapped.some((v, i) => v !== saved[i])) refuse(() => load(swapped));
  });

  test(`${name}: another version is refused, and both sides are named`, () => {
    const saved = make().save();
    assert.equal(new TextDecoder().decode(saved.subarray(0, 4)).length, 4, "a magic of four bytes");
    const other = saved.slice();
    other[4] += 1;
    refuse(() => load(other), new RegExp(`${saved[4]}.*${saved[4] + 1}`, "s"));
  });

  test(`${name}: bytes may sit anywhere in a buffer, and do not share memory with the state`, () => {
    const { logits, targets } = batch(300, 3);
    const state = from({ logits, targets });
    const saved = state.save();
    const roomy = new Uint8Array(saved.length + 20).fill(9);
    roomy.set(saved, 7);
    assert.deepEqual(load(roomy.subarray(7, 7 + saved.length)).save(), saved);
    const loaded = load(saved);
    const copy = saved.slice();
    saved.fill(0);
    assert.deepEqual([loaded.save(), state.save()], [copy, copy]);
  });
}
