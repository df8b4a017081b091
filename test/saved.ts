/** What the bytes and rows of a saved state promise, and what is refused in their place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bce, type Row as StateRow } from "../src/mod.ts";
import { batch, random } from "./data.ts";
import { type State, type Subject, seen, spelled } from "./laws.ts";
import { refuse as refuseAs } from "./refusal.ts";

const refuse = (run: () => unknown, says = /./): void => refuseAs(run, "TypeError", says);

function rowColumns<S extends State<S>>(subject: Subject<S>): void {
  const { name, fromRows } = subject;
  test(`${name}: rows are whole numbers below 2^32 that fit signed 64-bit columns`, () => {
    const { logits, targets } = batch(1000, 3);
    const rows = seen(subject, { logits, targets }).toRows();
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
}

function refusedChunks<S extends State<S>>(subject: Subject<S>): void {
  const { name } = subject;
  test(`${name}: a refused chunk leaves the bytes as they were`, () => {
    const { logits, targets } = batch(40000, 3);
    const state = seen(subject, { logits, targets });
    const before = state.save();
    for (const at of [0, 777, 32768, 39999]) {
      const named = { name: "RangeError", message: new RegExp(`\\b${at}\\b`) };
      const x = logits.slice();
      x[at] = Number.NaN;
      assert.throws(() => state.update(x, targets), named);
      const y = targets.slice();
      y[at] = subject.real ? Infinity : 2;
      assert.throws(() => state.update(logits, y), named);
      assert.deepEqual(state.save(), before);
    }
    assert.throws(() => state.update(logits, targets.subarray(1)), RangeError);
    assert.throws(() => state.merge(bce.stream({ posWeight: 77 }) as unknown as S), TypeError);
    assert.throws(() => state.merge(undefined as unknown as S), TypeError);
    assert.deepEqual(state.save(), before);
    assert.deepEqual(
      state.update(logits, targets).save(),
      seen(subject, { logits, targets }, { logits, targets }).save(),
    );
  });
}

function refusedBytes<S extends State<S>>(subject: Subject<S>): void {
  const { name, load } = subject;
  test(`${name}: foreign, truncated and altered bytes are refused`, () => {
    const { logits, targets } = batch(300, 3);
    const saved = seen(subject, { logits, targets }).save();
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
}

function placement<S extends State<S>>(subject: Subject<S>): void {
  const { name, make, load } = subject;
  test(`${name}: another version is refused, and both sides are named`, () => {
    const saved = make().save();
    assert.equal(new TextDecoder().decode(saved.subarray(0, 4)).length, 4, "a magic of four bytes");
    const other = saved.slice();
    other[4] += 1;
    refuse(() => load(other), new RegExp(`${saved[4]}.*${saved[4] + 1}`, "s"));
  });

  test(`${name}: bytes may sit anywhere in a buffer, and do not share memory with the state`, () => {
    const { logits, targets } = batch(300, 3);
    const state = seen(subject, { logits, targets });
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

/** Everything about the saved form of one kind of state. */
export function saved<S extends State<S>>(subject: Subject<S>): void {
  rowColumns(subject);
  refusedChunks(subject);
  refusedBytes(subject);
  placement(subject);
}
