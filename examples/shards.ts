/**
 * One loss over shards that never meet: `bun examples/shards.ts`, `deno run examples/shards.ts`.
 *
 * Each worker sends rows of whole numbers; anything that adds integers by column can be the reducer.
 */
import { ghmc, type Row } from "counterpoise";

const N = 90000;
const logits = Float32Array.from({ length: N }, (_, i) => ((i * 7919) % 16001) / 1600 - 8);
const targets = Uint8Array.from(logits, (x, i) => (x > 1 !== (i % 37 === 0) ? 1 : 0));

/** What one worker sends. */
function work(from: number, to: number): Row[] {
  return ghmc.stream({ bins: 30 }).update(logits.subarray(from, to), targets.subarray(from, to)).toRows();
}

/** SELECT bin, SUM(count), SUM(w0), ... FROM shards GROUP BY bin. */
function reduce(rows: Row[]): Row[] {
  const sums = new Map<bigint, Record<string, bigint>>();
  for (const row of rows) {
    const sum = sums.get(row.bin) ?? { bin: row.bin };
    for (const [column, value] of Object.entries(row)) {
      if (column !== "bin") sum[column] = (sum[column] ?? 0n) + value;
    }
    sums.set(row.bin, sum);
  }
  return [...sums.values()] as unknown as Row[];
}

const shards = [work(50000, 90000), work(0, 12345), work(12345, 50000)];
const merged = ghmc.fromRows(reduce(shards.flat()), { bins: 30 });
const whole = ghmc(logits, targets, { bins: 30 });

console.log(
  `${shards.length} shards, ${merged.result().count} samples, loss ${merged.result().loss.toFixed(6)}`,
);
console.log(`the bits of one call: ${merged.result().loss === whole.loss}`);

// The second pass: any worker can now compute the gradient of its own shard.
const grad = merged.grad(logits.subarray(0, 12345), targets.subarray(0, 12345));
console.log(`its gradient too: ${grad.every((value, i) => value === whole.grad[i])}`);
