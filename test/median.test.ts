/** The median of the density's report: a selection, against a sort. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { median } from "../src/density/median.ts";
import { Random } from "./arena.ts";
import fc from "./property.ts";

function sorted(values: Float64Array): number {
  const copy = values.slice().sort();
  const middle = copy.length >> 1;
  return copy.length % 2 ? copy[middle] : (copy[middle - 1] + copy[middle]) / 2;
}

function check(values: Float64Array): void {
  const before = values.slice();
  assert.equal(median(values), sorted(values), `${values.length} numbers`);
  assert.deepEqual(values, before, "its argument is left alone");
}

test("the median of few numbers", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, noNaN: true }), { minLength: 1, maxLength: 9 }), (values) => {
      check(Float64Array.from(values));
    }),
  );
});

test("the median of many numbers, tied, close together and far apart", () => {
  for (const n of [4096, 4097, 4098, 20000, 65537]) {
    const random = new Random(n);
    const kinds: (() => number)[] = [
      () => 1,
      () => random.below(3),
      () => 1 + random.next() * 2 ** -40,
      () => random.next() * 2 ** (random.below(600) - 300),
      () => (random.next() < 0.5 ? 0 : Infinity),
      () => Math.abs(random.scaled(-1070, 1020)),
    ];
    for (const kind of kinds) check(Float64Array.from({ length: n }, kind));
  }
});
