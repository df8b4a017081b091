/**
 * The module also loads through `@assemblyscript/loader`, which some projects still use although its authors have
 * deprecated it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiateSync } from "@assemblyscript/loader";
import { bce } from "../src/mod.ts";
import { batch } from "./data.ts";
import { bytes } from "./project.ts";

interface Exports extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  heapBase(): number;
  bceHard(...words: number[]): void;
}

test("the module loads through @assemblyscript/loader and computes the same bits", () => {
  const { exports } = instantiateSync<Exports>(bytes("build", "kernel.wasm"));
  const n = 1001;
  const { logits, targets } = batch(n, 3);
  const room = Math.ceil((n * 4 + 64) / 64) * 64;
  const base = Math.ceil(exports.heapBase() / 64) * 64;
  const [op, one, x, t, loss, grad] = [0, 64, 128, 128 + room, 128 + 2 * room, 128 + 3 * room].map(
    (at) => base + at,
  );
  const missing = Math.ceil((grad + room - exports.memory.buffer.byteLength) / 65536);
  if (missing > 0) exports.memory.grow(missing);
  const f32 = new Float32Array(exports.memory.buffer);
  f32[op >> 2] = 1; // the divisor of the gradient
  f32.fill(1, one >> 2, (one >> 2) + 4);
  f32.set(logits, x >> 2);
  f32.set(targets, t >> 2);
  exports.bceHard(n, x, t, one, one, 0, op, loss, grad);
  const want = bce(logits, targets, { reduction: "none" });
  assert.deepEqual(f32.slice(loss >> 2, (loss >> 2) + n), want.losses);
  assert.deepEqual(f32.slice(grad >> 2, (grad >> 2) + n), want.grad);
});
