/** Kernels that are timed against C can be written in C. That it computes the same is seen when they are timed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CASES } from "../bench/twin/cases.ts";
import { program } from "../bench/twin/program.ts";
import { bytes } from "./project.ts";

test("every kernel that has a twin uses only instructions that are known in C", () => {
  const text = program(
    bytes("build", "plain.wasm"),
    CASES.map(() => [0]),
  );
  for (const k of CASES.keys())
    assert.match(text, new RegExp(`void twin${k}\\(void\\) \\{ f_\\d+\\(0\\); \\}`));
});
