/** Streams of rows keep the laws of `laws.ts`; they count rows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asymmetricSingleLabel,
  bce,
  type RowStream,
  type Row as StateRow,
  softmaxCrossEntropy,
  softmaxFocal,
} from "../src/mod.ts";
import { mergeable } from "./laws.ts";
import { Pairs } from "./row-pairs.ts";
import { ROWS, rowData } from "./rows-table.ts";
import { saved } from "./saved.ts";

for (const { name, loss, settings } of ROWS) {
  const options = { classes: 2, ...settings[1] };
  const subject = {
    name,
    make: () => new Pairs(loss.stream(options)),
    load: (bytes: Uint8Array) => new Pairs(loss.load(bytes)),
    fromRows: (rows: StateRow[]) => new Pairs(loss.fromRows(rows, options)),
  };
  mergeable(subject);
  saved(subject);

  test(`${name}: a stream is the one shot, bit for bit, for every reduction and normalizer`, () => {
    for (const classes of [1, 3, 80, 20000]) {
      const rows = classes > 100 ? 5 : 9001;
      const { logits, labels } = rowData(rows, classes, 6, 8);
      const rowWeights = Float32Array.from({ length: rows }, (_, r) => (r % 7) / 3);
      for (const reduction of ["mean", "sum", "none"] as const) {
        for (const normalizer of ["count", "positives", 7.3] as const) {
          const stream = loss.stream({ classes, reduction, normalizer });
          const step = Math.ceil(rows / 4);
          for (let r = 0; r < rows; r += step) {
            stream.update(logits.subarray(r * classes, (r + step) * classes), labels.subarray(r, r + step), {
              rowWeights: rowWeights.subarray(r, r + step),
            });
          }
          const shot = loss(logits, labels, { classes, reduction, normalizer, rowWeights });
          const { loss: value, count } = stream.result();
          assert.deepEqual([value, count], [shot.loss, shot.count]);
        }
      }
    }
  });
}

test("streams of rows with other classes, parameters or kinds do not merge", () => {
  const alpha = Float32Array.of(0.25, 0.5, 1);
  const one = softmaxFocal.stream({ classes: 3, alpha });
  const others: unknown[] = [
    softmaxFocal.stream({ classes: 4 }),
    softmaxFocal.stream({ classes: 3 }),
    softmaxFocal.stream({ classes: 3, alpha, ignoreIndex: 2 }),
    softmaxCrossEntropy.stream({ classes: 3 }),
    bce.stream(),
  ];
  for (const other of others) assert.throws(() => one.merge(other as RowStream), { name: "TypeError" });
  assert.throws(() => asymmetricSingleLabel.load(one.save()), { name: "TypeError", message: /softmaxFocal/ });
  const { logits, labels } = rowData(50, 3, 1, 5);
  const made = one.update(logits, labels);
  const loaded = softmaxFocal.load(made.save());
  assert.deepEqual(loaded.update(logits, labels).save(), made.update(logits, labels).save());
});
