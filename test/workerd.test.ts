/** The entry of the conditions `workerd` and `edge-light`, run in workerd itself. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as library from "counterpoise";
import { findEngine } from "../tools/engines.ts";
import { conformance } from "./conformance.ts";

/** The binary that came with the package for this platform. */
function workerd(): string | undefined {
  const scope = "node_modules/@cloudflare";
  if (!existsSync(scope)) return undefined;
  const names = ["workerd", "workerd.exe"];
  const paths = readdirSync(scope).flatMap((platform) =>
    names.map((name) => join(scope, platform, "bin", name)),
  );
  return paths.find((path) => existsSync(path));
}

/** A folder with the worker and everything that it embeds. */
function assemble(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const file of ["worker.js", "config.capnp"])
    copyFileSync(`test/fixtures/workerd/${file}`, join(folder, file));
  copyFileSync("dist/workerd.js", join(folder, "counterpoise.js"));
  copyFileSync("dist/kernel.wasm", join(folder, "kernel.wasm"));
  const bun = findEngine("bun")!.path;
  const args = [
    "build",
    "--target=browser",
    `--outfile=${join(folder, "conformance.js")}`,
    "test/conformance.ts",
  ];
  assert.equal(spawnSync(bun, args).status, 0);
}

test("workerd computes the bits that this engine computes", () => {
  const binary = workerd();
  assert.ok(binary, "no workerd binary among the installed packages");
  const folder = "build/workerd";
  assemble(folder);
  const { stdout, stderr } = spawnSync(binary, ["test", join(folder, "config.capnp")], { encoding: "utf8" });
  const said = /conformance: (.*)/.exec(stdout + stderr)?.[1];
  assert.equal(said, conformance(library));
});

test("every function of the library is among them", () => {
  const names = conformance(library)
    .split("; ")
    .map((result) => result.split(/[:,]/)[0]);
  const missing = Object.keys(library).filter((name) => name !== "version" && !names.includes(name));
  assert.deepEqual(missing, []);
});

test("the entry for workerd compiles nothing and carries no bytes", () => {
  const text = readFileSync("dist/workerd.js", "utf8");
  assert.match(text, /from ".\/kernel.wasm"/);
  assert.doesNotMatch(text, /WebAssembly\.Module\(|AGFzbQ/);
});
