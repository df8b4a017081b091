/** The declarations as a user's compiler meets them: the package by its name, library checks on. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { typesOnly } from "../tools/declarations.ts";
import { findEngine } from "../tools/engines.ts";
import { blocksOf, PAGES } from "./markdown.ts";
import { text } from "./project.ts";

const USER = "test/fixtures/user/user.ts";
const BLOCKS = "build/blocks";

/** Compiles files as a user would, and nothing but them. */
function compile(files: readonly string[], lib: string, types: string): string {
  const flags = ["--ignoreConfig", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
  const args = ["node_modules/typescript/bin/tsc", ...flags, "--lib", lib, "--types", types, ...files];
  const { status, stdout } = spawnSync(findEngine("bun")!.path, args, { encoding: "utf8" });
  return status === 0 ? "" : stdout || `tsc ended with ${status}`;
}

test("TypeScript accepts a user's file, without the types of any host, and nothing but it", () => {
  assert.equal(compile([USER], "es2022", ""), "");
});

test("TypeScript accepts every example of the documentation", () => {
  rmSync(BLOCKS, { recursive: true, force: true });
  mkdirSync(BLOCKS, { recursive: true });
  const files = PAGES.flatMap((page) =>
    blocksOf(text(page)).run.map(({ line, code }) => {
      const file = `${BLOCKS}/${page.replace("/", "-")}-${line}.ts`;
      writeFileSync(file, code);
      return file;
    }),
  );
  assert.ok(files.length > 30);
  assert.equal(compile(files, "es2023,dom", "node"), "");
});

test("Deno's type check accepts a user's file too", () => {
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
