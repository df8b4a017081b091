/** The overview of docs/losses.md: its defaults are those of the code, and every loss is in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as library from "../src/mod.ts";
import { drLoss, ghmc, ghmcSoftmax, ghmr, pairwise } from "../src/mod.ts";
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

test("every loss that the library has is in the overview", () => {
  const isLoss = (value: unknown): boolean =>
    value instanceof Object && ("create" in value || (typeof value === "function" && "into" in value));
  const losses = Object.entries(library).filter(([, value]) => isLoss(value));
  assert.ok(losses.length > 15);
  for (const [name] of losses) assert.ok(said.has(name), `${name} has no line in docs/losses.md`);
});

test("drLoss and pairwise: the defaults that the overview states are the defaults", () => {
  const { lambdaNeg, ...own } = said.get("drLoss") as Record<string, number>;
  assert.equal(lambdaNeg, 0.1);
  const labels = rows.labels.map((label) => label % 3);
  const of = { classes: 4 };
  const plain = drLoss(rows.logits, labels, of).loss;
  assert.equal(drLoss(rows.logits, labels, { ...of, ...own, lambdaNeg: 0.1 / Math.log(3.5) }).loss, plain);
  for (const [key, value] of Object.entries(own)) {
    assert.notEqual(drLoss(rows.logits, labels, { ...of, [key]: value + 0.1 }).loss, plain, key);
  }
  const { loss, gamma, bins } = said.get("pairwise") as { loss: "bpr"; gamma: number; bins: number };
  const pairs = Uint32Array.from({ length: 200 }, (_, i) => i * 2);
  const run = (options: object): unknown => pairwise(logits, pairs, options).grad;
  assert.deepEqual(run({ loss }), run({}));
  assert.deepEqual(run({ loss: "focal", gamma }), run({ loss: "focal" }));
  assert.deepEqual(run({ loss: "ghm", bins }), run({ loss: "ghm" }));
  assert.notDeepEqual(run({ loss: "focal", gamma: 3 }), run({ loss: "focal" }));
});
