/**
 * Laws of mergeable states, compared as the bytes of `save`: a field that merge or save forgets cannot hide.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { Row as StateRow } from "../src/mod.ts";
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
export function mergeTree<S extends { merge(other: S): S }>(states: S[], seed: number): S {
  const next = random(seed);
  const rest = [...states];
  while (rest.length > 1) {
    const [one] = rest.splice(Math.floor(next() * rest.length), 1);
    rest[Math.floor(next() * rest.length)].merge(one);
  }
  return rest[0];
}

/** A mergeable state: how to make an empty one, and to get one back from bytes and from rows. */
export interface Subject<S> {
  name: string;
  /** Takes any finite targets. */
  real?: boolean;
  make: () => S;
  load: (bytes: Uint8Array) => S;
  fromRows: (rows: StateRow[]) => S;
}

/** A state that has seen some batches. */
export function seen<S extends State<S>>({ make }: Subject<S>, ...feeds: Feed[]): S {
  return feeds.reduce((s, f) => s.update(f.logits, f.targets, f.mask && { mask: f.mask }), make());
}

/** Two ways to a state that must have the same bytes. */
function law<S extends State<S>>(
  subject: Subject<S>,
  title: string,
  sides: (a: Feed, b: Feed, c: Feed) => [S, S],
): void {
  test(`${subject.name}: ${title}`, () => {
    const empty = subject.make().save();
    let different = 0;
    fc.assert(
      fc.property(feed, feed, feed, (a, b, c) => {
        const [left, right] = sides(a, b, c);
        assert.deepEqual(left.save(), right.save());
        assert.deepEqual(left.result(), right.result());
        if (Buffer.compare(left.save(), empty) !== 0) different++;
      }),
      { numRuns: 120 },
    );
    assert.ok(different > 60, "most of the states compared are not the empty one");
  });
}

function mergeLaws<S extends State<S>>(subject: Subject<S>): void {
  const from = (...feeds: Feed[]): S => seen(subject, ...feeds);
  const { make } = subject;
  law(subject, "merge equals seeing both batches", (a, b) => [from(a).merge(from(b)), from(a, b)]);
  law(subject, "merge commutes", (a, b) => [from(a).merge(from(b)), from(b).merge(from(a))]);
  law(subject, "merge associates", (a, b, c) => [
    from(a).merge(from(b)).merge(from(c)),
    from(a).merge(from(b).merge(from(c))),
  ]);
  law(subject, "the empty state is neutral", (a) => [from(a).merge(make()), make().merge(from(a))]);
  law(subject, "an empty or masked update is none", (a) => [
    from(
      a,
      { logits: new Float32Array(0), targets: new Float32Array(0) },
      { ...a, mask: a.mask?.map(() => 0) },
    ),
    from(a),
  ]);
  law(subject, "merging a state into itself doubles it", (a) => {
    const twice = from(a);
    return [twice.merge(twice), from(a, a)];
  });
}

function passageLaws<S extends State<S>>(subject: Subject<S>): void {
  const from = (...feeds: Feed[]): S => seen(subject, ...feeds);
  const { load, fromRows } = subject;
  law(subject, "load undoes save, and the loaded state goes on", (a, b) => [
    load(from(a).save()).update(b.logits, b.targets, { mask: b.mask }),
    from(a, b),
  ]);
  law(subject, "a loaded state merges with a made one", (a, b) => [
    load(from(a).save()).merge(load(from(b).save())),
    from(a, b),
  ]);
  law(subject, "rows come back as the state", (a) => [fromRows(from(a).toRows()), from(a)]);
  law(subject, "rows may be added column by column elsewhere", (a, b, c) => [
    fromRows(addRows([...from(a).toRows(), ...from(b).toRows(), ...from(c).toRows()])),
    from(a, b, c),
  ]);
  law(subject, "rows may come unadded and in any order", (a, b) => [
    fromRows([...from(b).toRows(), ...from(a).toRows()].reverse()),
    from(a, b),
  ]);
}

function chunking<S extends State<S>>(subject: Subject<S>): void {
  const from = (...feeds: Feed[]): S => seen(subject, ...feeds);
  const { name, make, fromRows } = subject;
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
}

/** Every law, for one kind of state. */
export function mergeable<S extends State<S>>(subject: Subject<S>): void {
  mergeLaws(subject);
  passageLaws(subject);
  chunking(subject);
}
