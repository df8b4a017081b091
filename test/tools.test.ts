/** Tools refuse what they do not know, in one line that says what they do, and run nothing. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { findEngine } from "../tools/engines.ts";

const REFUSED: [tool: string, args: string[], says: RegExp][] = [
  ["test", ["bun", "--", "nosuchfile"], /^Cannot test: expected bun, deno, node, or .*, got "nosuchfile"$/],
  ["test", ["bun", "--", "tools", "nosuchfile"], /, got "nosuchfile"$/],
  ["test", ["nosuchengine"], /^Cannot test: expected bun, deno, node, .*, got "nosuchengine"$/],
  ["exhaust", ["nope"], /^Cannot exhaust: expected one of expNonPositive, .*, got "nope"$/],
  ["exhaust", ["losses", "nope"], /^Cannot exhaust: expected one of bce, focal-2, .*, got "nope"$/],
  ["bench", ["--contest=nope"], /^Cannot benchmark: expected a contest of bce; .*, got "nope"$/],
  ["bench", ["nope"], /^Cannot benchmark: expected node, deno, bun, .*, got "nope"$/],
];

for (const [tool, args, says] of REFUSED) {
  test(`${[tool, ...args].join(" ")} is refused`, () => {
    const { status, stdout, stderr } = spawnSync(findEngine("bun")!.path, [`tools/${tool}.ts`, ...args], {
      encoding: "utf8",
    });
    assert.equal(stdout, "");
    assert.match(stderr.trimEnd(), says);
    assert.equal(status, 2);
  });
}
