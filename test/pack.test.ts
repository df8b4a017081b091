/** What a tarball of the package holds, and that its pages lead to nothing else. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { posix } from "node:path";
import { test } from "node:test";
import { json, root, text } from "./project.ts";

const { scripts, bin, exports } = json<{
  scripts: Record<string, string>;
  bin: Record<string, string>;
  exports: object;
}>("package.json");

/** The files that npm would pack; null where there is no npm. Without scripts: the suite has built. */
function packed(): string[] | null {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { error, status, stdout, stderr } = spawnSync("npm", args, { cwd: root, encoding: "utf8" });
  if (error) return null;
  assert.equal(status, 0, stderr);
  // A list of packages in one version of npm, an object of them in another.
  const [{ files }] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>);
  return files.map(({ path }) => path);
}

/** The paths in a tree of conditions. */
function paths(tree: unknown): string[] {
  return typeof tree === "string" ? [tree] : Object.values(tree as object).flatMap(paths);
}

test("the tarball has every file that the package points to, and none of the sources", (t) => {
  const files = packed();
  if (!files) return t.skip("no npm on this machine");
  for (const path of [...paths(exports), ...paths(bin)])
    assert.ok(files.includes(posix.normalize(path)), `${path} is packed`);
  assert.deepEqual(
    files.filter((path) => /^(src|test|tools|assembly|bench|build)\//.test(path)),
    [],
  );
});

test("links between the packed pages lead to packed files", (t) => {
  const files = packed();
  if (!files) return t.skip("no npm on this machine");
  const pages = files.filter((path) => path.endsWith(".md"));
  assert.ok(pages.length > 10);
  for (const page of pages) {
    for (const [, link] of text(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const path = posix.join(posix.dirname(page), link);
      assert.ok(files.includes(path), `${page} links to ${path}`);
    }
  }
});

test("packing builds, and so does what npm runs for a git dependency", () => {
  assert.equal(scripts.prepack, scripts.build);
  assert.match(text("tools", "prepare.js"), /npm run build/);
  assert.equal(scripts.prepare, "node tools/prepare.js");
});
