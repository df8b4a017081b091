/** The declarations as a user's compiler meets them: the package by its name, library checks on. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { typesOnly } from "../tools/declarations.ts";
import { findEngine } from "../tools/engines.ts";

const USER = "test/fixtures/user/user.ts";

test("TypeScript accepts a user's file, and nothing but it", () => {
  const bun = findEngine("bun")!.path;
  const flags = ["--ignoreConfig", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
  const args = ["node_modules/typescript/bin/tsc", ...flags, "--lib", "es2023,dom", "--types", "", USER];
  const { status, stdout } = spawnSync(bun, args, { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

test("Deno's type check accepts it too", () => {
  const { status, stderr } = spawnSync(findEngine("deno")!.path, ["check", USER], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

test("typesOnly() makes every import one of types", () => {
  assert.equal(
    typesOnly('import { a, type B } from "./x.js";\nexport type { C } from "../y.ts";'),
    'import type { B, a } from "./x.d.ts";\nexport type { C } from "../y.d.ts";',
  );
  assert.equal(
    typesOnly('export { type D, f } from "./z.js";'),
    'export type { D } from "./z.d.ts";\nexport declare const f: typeof import("./z.d.ts").f;',
  );
  assert.equal(typesOnly('import x from "node:fs";'), 'import x from "node:fs";');
});
