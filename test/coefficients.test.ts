/** The literals of assembly/math are those that the tool computes, and the comment beside each has its bits. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Constants, constants, hexFloat } from "../tools/coefficients.ts";

function body({ file, method }: Constants): string {
  const source = readFileSync(file, "utf8");
  const from = source.indexOf(`@inline static ${method}(`);
  assert.ok(from >= 0, `no ${method} in ${file}`);
  const to = source.indexOf("@inline static", from + 1);
  return source.slice(from, to < 0 ? undefined : to);
}

function literals(text: string, width: "f32" | "f64"): number[] {
  const values = Array.from(text.matchAll(/\blit\((-?[\d.]+(?:e-?\d+)?)\)/g), ([, digits]) => Number(digits));
  return width === "f32" ? values.map(Math.fround) : values;
}

const ALL = constants();

test("the literals of assembly/math are the computed ones", () => {
  for (const row of ALL)
    assert.deepEqual(literals(body(row), row.width), row.literals, `${row.file} ${row.method}`);
});

test("no literal of assembly/math escapes the tool", () => {
  for (const file of new Set(ALL.map((row) => row.file))) {
    const inFile = literals(readFileSync(file, "utf8"), "f64").length;
    const known = ALL.filter((row) => row.file === file).reduce((n, row) => n + row.literals.length, 0);
    assert.equal(inFile, known, file);
  }
});

test("every literal but 1 and 2 has its bits beside it", () => {
  for (const row of ALL) {
    const comments =
      body(row)
        .match(/\/\/ .*/g)
        ?.join(", ")
        .split(/[ ,]+/) ?? [];
    for (const value of row.literals) {
      if (value === 1 || value === 2) continue;
      assert.ok(comments.includes(hexFloat(value)), `${row.file} ${row.method} ${hexFloat(value)}`);
    }
  }
});

test("the polynomials are as good as their width needs", () => {
  const fits = ALL.filter((row) => row.error !== undefined);
  assert.equal(fits.length, 7);
  for (const { file, method, width, error } of fits) {
    assert.ok(error! < (width === "f32" ? -27 : -43), `${file} ${method}: 2^${error}`);
  }
});
