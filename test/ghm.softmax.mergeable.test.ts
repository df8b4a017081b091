/** Streams of gradient harmonizing of rows keep the laws of `laws.ts`; kinds and parameters are told apart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ghmc, ghmcSoftmax, type Row as StateRow } from "../src/mod.ts";
import { mergeable } from "./laws.ts";
import { Pairs } from "./row-pairs.ts";
import { saved } from "./saved.ts";

const own = { classes: 2, bins: 30 };
const subject = {
  name: "ghmcSoftmax",
  make: () => new Pairs(ghmcSoftmax.stream(own)),
  load: (bytes: Uint8Array) => new Pairs(ghmcSoftmax.load(bytes)),
  fromRows: (rows: StateRow[]) => new Pairs(ghmcSoftmax.fromRows(rows, own)),
};
mergeable(subject);
saved(subject);

test("streams of other classes, ignored labels or kinds do not merge, and states are told from streams", () => {
  const one = ghmcSoftmax.stream(own);
  for (const other of [{ classes: 3 }, { classes: 2, ignoreIndex: -1 }, { classes: 2, bins: 10 }])
    assert.throws(() => one.merge(ghmcSoftmax.stream(other)), { name: "TypeError", message: /ghmcSoftmax/ });
  assert.throws(() => one.merge(ghmc.stream() as never), { name: "TypeError" });
  assert.throws(() => ghmc.load(one.save()), { name: "TypeError", message: /ghmcSoftmax/ });
  assert.throws(() => ghmcSoftmax.loadState(one.save()), { name: "TypeError", message: /ghmcSoftmax/ });
});
