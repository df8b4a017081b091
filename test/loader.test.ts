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
  sum(n: number, values: number, words: number): number;
  total(words: number): number;
}

test("the module loads through @assemblyscript/loader and computes the same bits", () => {
  const { exports } = instantiateSync<Exports>(bytes("build", "kernel.wasm"));
  const n = 1001;
  const { logits, targets } = batch(n, 3);
  const { losses, loss } = bce(logits, targets, { reduction: "none" });
  const words = Math.ceil(exports.heapBase() / 64) * 64;
  const values = words + 128;
  new Uint8Array(exports.memory.buffer, words, 128).fill(0);
  new Float32Array(exports.memory.buffer, values, n).set(losses);
  exports.sum(n, values, words);
  assert.equal(exports.total(words), loss);
  assert.ok(loss > 0);
});
