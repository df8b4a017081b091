/** The tables of key values in the documentation: every number by the oracles, and the library on the same points. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drLoss, pairwise } from "../src/mod.ts";
import {
  ASKED,
  asked,
  BINARY,
  CLASSES,
  type Curve,
  cell,
  logitOf,
  PAIRS,
  REAL,
  rowTruth,
  threeClasses,
  valueAt,
  WEIGHTS,
} from "./curves.ts";
import { agrees, type Cell, cellsBelow } from "./markdown.ts";
import { text } from "./project.ts";
import { sigmoid, softplus } from "./reference/logistic.ts";
import { ROWS } from "./rows-table.ts";
import { rowOf, TABLE } from "./table.ts";

/** The cells of a table, whose labels are those given. */
function tableOf(page: string, heading: string, labels: readonly string[]): Cell[] {
  const cells = cellsBelow(text("docs", page), heading);
  assert.deepEqual([...new Set(cells.map(({ label }) => label))], labels);
  assert.ok(cells.every(({ at }) => Number.isFinite(at)));
  return cells;
}

/** Whether a cell states a number to all its digits, and has three of them unless it is a round one. */
function states({ label, quantity, at, text: stated }: Cell, value: number): void {
  const what = `${label}, ${quantity} at ${at}`;
  assert.ok(agrees({ line: 0, stated, printed: String(value) }), `${what}: stated ${stated}, is ${value}`);
  const off = Math.abs(Number(stated) - value);
  assert.ok(off <= 6e-4 * Math.abs(value), `${what}: ${stated} has too few digits of ${value}`);
}

/** The library at the point of a cell: its argument is rounded to float32, which moves the result a little. */
function computes(curve: Curve, at: number): void {
  const { loss, real } = rowOf(curve.row);
  const x = real ? at : logitOf(at) * (curve.target ? 1 : -1);
  const out = loss(Float32Array.of(x), Float32Array.of(curve.target), { ...curve.params, reduction: "sum" });
  const want = valueAt(curve, at);
  assert.ok(Math.abs(out.loss - want.loss) <= 1e-5 * want.loss + 1e-37, `${curve.label} at ${at}`);
  assert.ok(Math.abs(out.grad[0] - want.grad) <= 1e-5 * want.scale + 1e-37, `${curve.label} at ${at}`);
}

for (const [page, heading, curves] of [
  ["losses.md", "### Binary losses", BINARY],
  ["regression.md", "## Key values", REAL],
] as const) {
  test(`docs/${page}, ${heading}: every number, by the oracle and by the library`, () => {
    const labels = curves.map(({ label }) => label);
    const cells = tableOf(page, heading, labels);
    for (const one of cells) {
      const curve = curves[labels.indexOf(one.label)];
      states(one, cell(curve, one.quantity, one.at));
      computes(curve, one.at);
    }
    assert.ok(cells.length >= 12 * curves.length);
  });
}

test("every pointwise loss has its curve, and every loss of rows", () => {
  const names = new Set([...BINARY, ...REAL].map(({ row }) => row));
  assert.deepEqual([...names].sort(), TABLE.map(({ name }) => name).sort());
  const rows = new Set(CLASSES.map(({ row }) => row));
  assert.deepEqual([...rows].sort(), ROWS.map(({ name }) => name).sort());
});

test("docs/rows.md, key values: every number, by the oracle and by the library", () => {
  const labels = CLASSES.map(({ label }) => label);
  const cells = tableOf("rows.md", "## Key values", labels);
  for (const one of cells) {
    const { row, params } = CLASSES[labels.indexOf(one.label)];
    const x = Float32Array.from(threeClasses(one.at));
    const truth = rowTruth({ label: one.label, row, params }, threeClasses(one.at));
    states(one, one.quantity === "loss" ? truth.loss : Math.abs(truth.grad[0]));
    const loss = ROWS.find(({ name }) => name === row)?.loss;
    const got = loss?.(x, Uint8Array.of(0), { ...params, classes: 3 });
    assert.ok(got && Math.abs(got.loss - truth.loss) <= 1e-5 * truth.loss, one.label);
    assert.ok(Math.abs(got.grad[0] - truth.grad[0]) <= 1e-5 * truth.scale[0], one.label);
  }
  assert.equal(cells.length, 12 * labels.length);
});

test("docs/losses.md, what a weight of gradient harmonizing is: every number", () => {
  const cells = tableOf("losses.md", "### The weight of gradient harmonizing", Object.keys(WEIGHTS));
  for (const one of cells) states(one, WEIGHTS[one.label](one.at));
  assert.equal(cells.length, 6 * Object.keys(WEIGHTS).length);
});

test("docs/losses.md, the probability a loss asks for: every number, and nothing costs less", () => {
  const cells = tableOf("losses.md", "### The probability a loss asks for", Object.keys(ASKED));
  for (const one of cells) {
    const [row, params] = ASKED[one.label];
    const p = asked(row, params, one.at);
    states(one, p);
    const { truth } = rowOf(row);
    const cost = (x: number): number =>
      one.at * truth(x, 1, params).loss + (1 - one.at) * truth(x, 0, params).loss;
    // At the step of hardTruncation the cost is half of what it is beside it: the point itself is not compared.
    const least = Math.min(cost(logitOf(p) - 1e-9), cost(logitOf(p) + 1e-9));
    for (let x = -30; x <= 30; x += 1 / 64)
      if (row !== "hardTruncation") assert.ok(cost(x) >= least * (1 - 1e-9));
    const { grad } = rowOf(row).loss(Float32Array.of(logitOf(p), logitOf(p)), Float32Array.of(1, 0), {
      ...params,
      weights: Float32Array.of(one.at, 1 - one.at),
      reduction: "sum",
    });
    assert.ok(row === "hardTruncation" || Math.abs(grad[0] + grad[1]) <= 1e-5 * grad[1], one.label);
  }
  assert.equal(cells.length, 4 * Object.keys(ASKED).length);
});

test("docs/pairwise.md, key values: every number, by the oracle and by the library", () => {
  const labels = PAIRS.map(({ label }) => label);
  const cells = tableOf("pairwise.md", "## Key values", labels);
  for (const one of cells) {
    const k = labels.indexOf(one.label);
    const truth = rowOf(PAIRS[k].row).truth(one.at, 1, PAIRS[k].params);
    states(one, one.quantity === "loss" ? truth.loss : Math.abs(truth.grad));
    const options = k === 0 ? {} : ({ loss: "focal", gamma: 2 } as const);
    const got = pairwise(Float32Array.of(0, one.at), Uint32Array.of(1, 0), options);
    assert.ok(Math.abs(got.loss - truth.loss) <= 1e-5 * truth.loss, `${one.label} at ${one.at}`);
    assert.ok(Math.abs(got.grad[1] - truth.grad) <= 1e-5 * truth.scale && got.grad[0] === -got.grad[1]);
  }
  assert.equal(cells.length, 24);
});

test("docs/dr-loss.md, key values: every number, by the formula and by the library", () => {
  const cells = tableOf("dr-loss.md", "## Key values", ["`drLoss`"]);
  for (const one of cells) {
    const z = 6 * (one.at + 0.5);
    const value = one.quantity === "loss" ? (4 / 6) * softplus(z) : 4 * sigmoid(z);
    states(one, value);
    // One positive and one negative are their own expectations: they lie around 1/2.
    if (Math.abs(one.at) === 1 || one.quantity !== "loss") continue;
    const apart = Float32Array.of(logitOf(0.5 - one.at / 2), logitOf(0.5 + one.at / 2));
    assert.ok(Math.abs(drLoss(apart, Uint8Array.of(1), { classes: 2 }).loss / value - 1) < 1e-5);
  }
  assert.equal(cells.length, 14);
});

test("docs/losses.md, values of focal: every number", () => {
  const page = text("docs", "losses.md");
  const rows = [...page.matchAll(/^\|((?: -?[\d.]+ \|){4}(?: -?[\d.]+(?:e-?\d+)? \|){2})$/gm)];
  for (const [, row] of rows) {
    const [x, t, gamma, alpha, loss, grad] = row.split("|").map((stated) => stated.trim());
    // 0.3 is the decimal number: its float32 neighbour has other digits.
    const truth = rowOf("focal").truth(Number(x), Number(t), { gamma: Number(gamma), alpha: Number(alpha) });
    for (const [stated, value] of [
      [loss, truth.loss],
      [grad, truth.grad],
    ] as const) {
      assert.ok(agrees({ line: 0, stated, printed: String(value) }), `${row}: ${value}`);
    }
  }
  assert.equal(rows.length, 8);
});
