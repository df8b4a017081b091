/** The examples of the documentation run, and print what they say they print. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { agrees, blocksOf, PAGES, runBlock } from "./markdown.ts";
import { pathOf, text } from "./project.ts";

for (const page of PAGES) {
  const { run } = blocksOf(text(page));
  for (const block of run) {
    test(`${page}, line ${block.line}: the example runs and prints what it says`, async () => {
      for (const statement of await runBlock(block)) {
        assert.ok(
          agrees(statement),
          `${page}, line ${statement.line}: stated ${statement.stated}, printed ${statement.printed}`,
        );
      }
    });
  }
}

test("the README has examples, and one of them states what it prints", async () => {
  const { run } = blocksOf(text("README.md"));
  assert.ok(run.length > 0);
  const statements = (await Promise.all(run.map(runBlock))).flat();
  assert.ok(statements.length > 0);
});

test("links between the pages lead somewhere", () => {
  let seen = 0;
  for (const page of PAGES) {
    for (const [, link] of text(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      assert.ok(existsSync(pathOf(page, "..", link)), `${page} links to ${link}`);
      seen++;
    }
  }
  assert.ok(seen > 0);
});

/** The anchor of a heading, as the readers of Markdown make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .replace(/\s/g, "-");
}

test("links to a heading lead to one", () => {
  let seen = 0;
  for (const page of PAGES) {
    for (const [, link, anchor] of text(page).matchAll(/\]\(([^)#\s]*)#([^)]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const target = link === "" ? text(page) : text(page, "..", link);
      const anchors = [...target.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading));
      assert.ok(anchors.includes(anchor), `${page} links to ${link}#${anchor}`);
      seen++;
    }
  }
  assert.ok(seen > 10);
});

test("files that the pages name exist", () => {
  let seen = 0;
  for (const page of PAGES) {
    for (const [path] of text(page).matchAll(
      /\b(?:assembly|bench|docs|examples|src|test|tools)\/[\w./-]+\.\w+/g,
    )) {
      if (path === "src/wasm/bytes.ts" || /\/x\.ts$/.test(path)) continue; // made by the build; a placeholder
      assert.ok(existsSync(pathOf(path)), `${page} names ${path}`);
      seen++;
    }
  }
  assert.ok(seen > 10);
});

test("tests that the pages quote exist", () => {
  const missing: string[] = [];
  let seen = 0;
  for (const page of PAGES) {
    for (const [whole, file] of text(page).matchAll(/`(test\/[\w.-]+\.ts)`(?:,? (?:and )?"[^"`]+")+/g)) {
      for (const [, title] of whole.matchAll(/"([^"]+)"/g)) {
        seen++;
        if (!text(file).includes(title)) missing.push(`${page}: ${file}, "${title}"`);
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(seen > 5);
});

test("the reader of pages finds blocks, runs them and sees a wrong statement", async () => {
  const page = [
    "text",
    "```ts",
    'import { bce } from "counterpoise";',
    "",
    "const { loss, grad } = bce(Float32Array.of(0), Float32Array.of(1));",
    "console.log(loss); // 0.6931",
    "console.log(grad, grad.length); // [-0.5] 1",
    'console.log("unstated");',
    "console.log(loss); // 0.7",
    "console.log(loss); // 0.71",
    "```",
    "```ts skip",
    "nonsense(",
    "```",
  ].join("\n");
  const { run, skipped } = blocksOf(page);
  assert.deepEqual([run.length, skipped.length], [1, 1]);
  const statements = await runBlock(run[0]);
  assert.deepEqual(
    statements.map((s) => [s.line, agrees(s)]),
    [
      [6, true],
      [7, true],
      [9, true],
      [10, false],
    ],
  );
  await assert.rejects(runBlock({ line: 1, code: "unknownName();" }), ReferenceError);
  await assert.rejects(runBlock({ line: 1, code: "if (false)\n  console.log(1); // 1" }), /line 2/);
});
