/** The list of what other implementations do differently: each line names the test in which the true value is met. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { pathOf, text } from "./project.ts";

const HEADING = "What other implementations do";

/** The rows of the table, as cells. */
function lines(): string[][] {
  const [, below] = text("docs", "losses.md").split(new RegExp(`\\n## .*${HEADING}\\n`));
  assert.ok(below, `docs/losses.md has a section "${HEADING}"`);
  return below
    .split(/\n## /)[0]
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** The titles of the tests of a file that are there as they stand, in quotes of any kind. */
function titles(file: string): Set<string> {
  return new Set([...text(file).matchAll(/\btest\(\s*(["'`])(.+?)\1,/g)].map(([, , title]) => title));
}

test("every line names its tests, and each of them is there", () => {
  const rows = lines();
  for (const row of rows) {
    assert.equal(row.length, 4, row.join(" | "));
    assert.ok(
      row.every((cell) => cell.length > 0),
      row.join(" | "),
    );
    const quoted = [...row[3].matchAll(/`(test\/[\w.-]+)`((?:,? (?:and )?"[^"]+")+)/g)];
    assert.ok(quoted.length > 0, `no test shows: ${row.join(" | ")}`);
    assert.equal(row[3].match(/`test\//g)?.length, quoted.length, `a file without a title: ${row[3]}`);
    for (const [, file, names] of quoted) {
      assert.ok(existsSync(pathOf(file)), file);
      const found = titles(file);
      for (const [, title] of names.matchAll(/"([^"]+)"/g))
        assert.ok(found.has(title), `${file}: no test "${title}"`);
    }
  }
  assert.ok(rows.length >= 20, `${rows.length} lines`);
});

test("every test of what others do is in the list", () => {
  const quoted = lines()
    .map((row) => row[3])
    .join(" ");
  for (const file of readdirSync(pathOf("test")).filter((name) => /^peers\..*\.test\.ts$/.test(name))) {
    if (file === "peers.table.test.ts") continue;
    for (const title of titles(`test/${file}`)) assert.ok(quoted.includes(`"${title}"`), `${file}: ${title}`);
  }
});

test("every golden file is read by a test and has its source in the list of files", () => {
  const readme = text("test", "golden", "README.md");
  const tests = readdirSync(pathOf("test"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => text("test", name))
    .join("\n");
  const files = readdirSync(pathOf("test", "golden")).filter((name) => name.endsWith(".json"));
  for (const file of files) {
    const name = file.replace(".json", "");
    assert.ok(readme.includes(`\`${file}\``), `test/golden/README.md does not say where ${file} is from`);
    const stem = name.replace(".expected", "");
    assert.ok(
      tests.includes(`"${name}"`) || tests.includes(`"${stem}"`) || tests.includes(`"${file}"`),
      `no test reads ${file}`,
    );
  }
  assert.ok(files.length > 30);
});
