/** An element's bits depend on that element and the options only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { batch, pick, shuffled, softTargets } from "./data.ts";
import { soil } from "./soil.ts";
import { type Options, type Outputs, type Row, SOFT, TABLE } from "./table.ts";

/** Values around every seam of the kernels' arithmetic. */
const ODD: number[] = [0, -0, 1e-45, -1e-45, 1e-38, 3e-5, -3e-5, 16.64, -16.64, 17, -17, 86.5, 87.4, 88.8];
const FAR: number[] = [-87.4, -88.8, 103.98, -103.98, 104, 1e4, -1e4, 9e37, -9e37, 0.7, -0.7];

/** Logits with odd values between; the largest ones fit a float32 also after a factor of 3.5. */
function mixed(n: number): Float32Array<ArrayBuffer> {
  const { logits } = batch(n, 53);
  [...ODD, ...FAR].forEach((v, k) => {
    logits[(k * 7) % n] = v;
  });
  return logits;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.slice().buffer);
}

function elements(
  row: Row,
  x: Float32Array,
  y: Float32Array | Uint8Array,
  options: Options,
): Required<Outputs> {
  const { grad, losses } = row.loss(x, y, { ...options, reduction: "none" });
  return { grad, losses: losses as Float32Array };
}

function same(got: Required<Outputs>, want: Required<Outputs>, what: string): void {
  assert.deepEqual(bitsOf(got.losses), bitsOf(want.losses), `losses, ${what}`);
  assert.deepEqual(bitsOf(got.grad), bitsOf(want.grad), `gradients, ${what}`);
}

/** Hard targets, and soft ones where the loss takes them. */
function kinds(row: Row, n: number, seed: number): Float32Array<ArrayBuffer>[] {
  const { targets } = batch(n, seed);
  return row.isHard ? [targets] : [targets, softTargets(n, seed)];
}

for (const row of TABLE) {
  test(`${row.name}: a permuted batch is a permuted result`, () => {
    for (const n of [3, 4, 37, 1000, 16387]) {
      const order = shuffled(n, 59);
      const x = mixed(n);
      for (const y of kinds(row, n, 61)) {
        for (const params of row.settings.slice(0, 3)) {
          const want = elements(row, x, y, params);
          const got = elements(row, pick(x, order), pick(y, order), params);
          same(got, { grad: pick(want.grad, order), losses: pick(want.losses, order) }, `${n} elements`);
        }
      }
    }
  });

  test(`${row.name}: position, length and tail do not show`, () => {
    const x = mixed(96);
    for (const params of row.settings) {
      for (const y of kinds(row, 96, 67)) {
        const want = elements(row, x, y, params);
        for (let from = 0; from < 20; from++) {
          const to = 96 - ((from * 5) % 23);
          const cut = (v: Float32Array): Float32Array<ArrayBuffer> => v.slice(from, to);
          const got = elements(row, cut(x), cut(y), params);
          same(got, { grad: cut(want.grad), losses: cut(want.losses) }, `from ${from} to ${to}`);
        }
      }
    }
  });

  test(`${row.name}: what lies behind the last element does not show`, () => {
    const x = mixed(40);
    for (const y of kinds(row, 40, 67)) {
      for (let n = 0; n < 20; n++) {
        const cut = (v: Float32Array): Float32Array<ArrayBuffer> => v.slice(40 - n);
        const weights = new Float32Array(n).fill(1);
        for (const options of [{}, { weights }, { mask: new Uint8Array(n).fill(1) }]) {
          soil();
          const got = elements(row, cut(x), cut(y), options);
          soil();
          const { count, positives } = row.loss.stream().update(cut(x), cut(y), options).result();
          same(got, elements(row, cut(x), cut(y), {}), `${n} elements`);
          assert.equal(count, n);
          if (!row.real) assert.equal(positives, cut(y).filter((v) => v > 0.5).length);
        }
      }
    }
  });

  test(`${row.name}: neither the outputs asked for, nor mask, weights or classes change a bit`, () => {
    const n = 16500;
    const x = mixed(n);
    const { targets } = batch(n, 73);
    for (const params of row.settings) {
      const want = elements(row, x, targets, params);
      const whole = row.loss(x, targets, { ...params, reduction: "sum" });
      for (const options of [
        { mask: new Uint8Array(n).fill(1) },
        { weights: new Float32Array(n).fill(1) },
        { mask: new Uint8Array(n).fill(255), weights: new Float32Array(n).fill(1) },
      ] as Options[]) {
        same(
          elements(row, x, targets, { ...params, ...options }),
          want,
          JSON.stringify(Object.keys(options)),
        );
      }
      const wants: ("grad" | "losses")[][] = [[], ["grad"], ["losses"], ["grad", "losses"]];
      for (const names of wants) {
        const out: Outputs = Object.fromEntries(names.map((name) => [name, new Float32Array(n)]));
        const { loss, count } = row.loss.into(out, x, targets, { ...params, reduction: "sum" });
        assert.deepEqual([loss, count], [whole.loss, n], `asked for ${names}`);
        if (out.losses) assert.deepEqual(bitsOf(out.losses), bitsOf(want.losses));
        if (out.grad) assert.deepEqual(bitsOf(out.grad), bitsOf(want.grad));
      }
    }
  });

  test(`${row.name}: Uint8 and Float32 targets give the same bits`, () => {
    for (const n of [0, 1, 6, 71, 16386]) {
      const x = n ? mixed(n) : new Float32Array(0);
      const { targets } = batch(n, 79);
      for (const params of row.settings) {
        same(
          elements(row, x, Uint8Array.from(targets), params),
          elements(row, x, targets, params),
          `${n} elements`,
        );
      }
    }
  });
}

for (const row of SOFT) {
  test(`${row.name}: one soft target among hard ones changes only itself`, () => {
    for (const n of [5, 64, 333, 16400]) {
      const x = mixed(n);
      const { targets } = batch(n, 71);
      for (const hard of [targets, targets.map((t) => 1 - t)]) {
        for (const params of row.settings) {
          const want = elements(row, x, hard, params);
          const at = Math.floor(n / 2);
          const y = hard.slice();
          y[at] = row.real ? x[at] + 3 : 0.4;
          const got = elements(row, x, y, params);
          assert.notEqual(got.losses[at], want.losses[at]);
          got.losses[at] = want.losses[at];
          got.grad[at] = want.grad[at];
          same(got, want, `${n} elements, ${JSON.stringify(params)}`);
        }
      }
    }
  });
}
