/** The overview of docs/losses.md: its defaults are those of the code, and every loss is in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc, ghmcSoftmax, ghmr } from "../src/mod.ts";
import { batch } from "./data.ts";
import { text } from "./project.ts";
import { ROWS, rowData } from "./rows-table.ts";
import { TABLE } from "./table.ts";

type Options = Record<string, unknown>;

/** The losses of the first column with what the column of defaults says: `name` value, ... */
function overview(): Map<string, Options> {
  const rows = text("docs", "losses.md").split("## Which loss\n")[1].split("\n## ")[0].split("\n");
  const found = new Map<string, Options>();
  for (const row of rows.filter((line) => line.startsWith("| `"))) {
    const [names, , , , defaults] = row.split("|").slice(1, -1);
    const said: Options = {};
    for (const [, name, word, value] of defaults.matchAll(/`(\w+)` (?:`"(\w+)"`|([\w./]+))/g)) {
      said[name] = word ?? read(value);
    }
    for (const [, name] of names.matchAll(/`([\w.]+)`/g)) found.set(name, said);
  }
  return found;
}

/** A value as the code takes it: a number, a quotient or null. */
function read(value: string): number | null {
  const [over, under = 1] = value.split("/").map(Number);
  return value === "null" ? null : over / under;
}

const said = overview();
const { logits, targets } = batch(500, 3, 0.3);
const rows = rowData(200, 4, 5, 6, 0);

for (const { name, loss } of TABLE) {
  test(`${name}: the defaults that the overview states are the defaults`, () => {
    const options = said.get(name);
    assert.ok(options && Object.keys(options).length > 0, name);
    assert.deepEqual(loss(logits, targets, options), loss(logits, targets));
    for (const key of Object.keys(options)) {
      const other = { ...options, [key]: key === "margin" || key === "clip" ? 0.3 : 0.7 };
      assert.notDeepEqual(loss(logits, targets, other).grad, loss(logits, targets).grad, key);
    }
  });
}

for (const { name, loss } of ROWS) {
  test(`${name}: the defaults that the overview states are the defaults`, () => {
    const options = said.get(name);
    const run = (given: Options): unknown => loss(rows.logits, rows.labels, { classes: 4, ...given }).grad;
    assert.ok(options && Object.keys(options).length > 0, name);
    assert.deepEqual(run(options), run({}));
    for (const key of Object.keys(options)) {
      assert.notDeepEqual(run({ ...options, [key]: key === "form" ? "rival" : 0.7 }), run({}), key);
    }
  });
}

test("ghmc, ghmc.exact and ghmr: the defaults that the overview states are the defaults", () => {
  for (const [name, loss] of Object.entries({ ghmc, ghmr })) {
    const { bins, momentum, mu } = said.get(name) as Record<string, number>;
    const harmonized = loss as typeof ghmr;
    const given = { bins, ...(mu && { mu }) };
    const steps = (options: Options): Float64Array => {
      const state = harmonized.create(options);
      state.step(logits, targets);
      state.step(logits.slice(9), targets.slice(9));
      return state.counts;
    };
    assert.deepEqual(harmonized(logits, targets, given), harmonized(logits, targets));
    assert.deepEqual(steps({ ...given, momentum }), steps({}));
    assert.notDeepEqual(steps({ ...given, momentum: 0.5 }), steps({}));
  }
  const { width } = said.get("ghmc.exact") as Record<string, number>;
  assert.equal(width, 1 / 30);
  assert.deepEqual(ghmc.exact(logits, targets, { width }), ghmc.exact(logits, targets));
});

test("ghmcSoftmax: the defaults that the overview states are the defaults", () => {
  const stated = said.get("ghmcSoftmax") as Record<string, number>;
  const bytes = (options: Options): Uint8Array => ghmcSoftmax.create({ classes: 4, ...options }).save();
  assert.deepEqual(Object.keys(stated), ["bins", "momentum"]);
  assert.deepEqual(bytes(stated), bytes({}));
  for (const other of [{ bins: 10 }, { momentum: 0.5 }]) assert.notDeepEqual(bytes(other), bytes({}));
});
