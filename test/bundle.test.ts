/** What a browser downloads: a bundle of one name holds what that name needs, and no more. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { findEngine } from "../tools/engines.ts";
import { text } from "./project.ts";

const FOLDER = "build/bundles";

/** A page that takes these names: its JavaScript without the module, and what both take in all. */
function bundle(names: string): { code: string; kB: number; whole: number } {
  const file = `${FOLDER}/${names.replace(/\W/g, "") || "all"}`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${file}.js`, `export ${names} from "../../dist/mod.js";\n`);
  const args = ["build", "--minify", "--target=browser", `--outfile=${file}.min.js`, `${file}.js`];
  const { status, stderr } = spawnSync(findEngine("bun")!.path, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const whole = readFileSync(`${file}.min.js`, "utf8");
  const code = whole.replace(/"AGFzb[\w+/=]+"/, '""'); // base64 of "\0asm"
  assert.notEqual(code, whole);
  const kB = (js: string): number => gzipSync(js, { level: 9 }).length / 1000;
  return { code, kB: kB(code), whole: kB(whole) };
}

/** Words of messages, which no minifier renames. */
const HARMONIZING = /momentum|convention|expected groups/;
const COMMANDS = /node:|--logits/;

/** Without printing the bundle. */
function has(code: string, words: RegExp, expected = true): void {
  assert.equal(words.test(code), expected, `${words} in the bundle`);
}

function lacks(code: string, words: RegExp): void {
  has(code, words, false);
}

test("whoever takes one loss gets nothing of the others, and less than 8 KiB of JavaScript", () => {
  for (const name of ["bce", "focal", "softmaxFocal"]) {
    const { code, kB } = bundle(`{ ${name} }`);
    lacks(code, HARMONIZING);
    lacks(code, COMMANDS);
    has(code, /expected normalizer/);
    assert.ok(kB <= 8.192, `${name}: ${kB} kB`);
  }
  has(bundle("{ ghmc }").code, HARMONIZING);
});

test("whoever takes a selection gets no loss", () => {
  const { code } = bundle("{ ohem }");
  lacks(code, HARMONIZING);
  lacks(code, COMMANDS);
  lacks(code, /expected normalizer/);
  has(code, /budget/);
});

test("the sizes that the README states", () => {
  const page = text("README.md");
  const [, one, oneWhole] = /`bce` alone is ([\d.]+) kB, (\d+) kB with the module/.exec(page) ?? [];
  const [, all, allWhole] = /all of it ([\d.]+) kB, (\d+) kB with the module/.exec(page) ?? [];
  const bce = bundle("{ bce }");
  const everything = bundle("*");
  const near = (stated: string, kB: number): void =>
    assert.ok(Math.abs(Number(stated) - kB) < 0.05 * kB, `stated ${stated}, is ${kB}`);
  near(one, bce.kB);
  near(oneWhole, bce.whole);
  near(all, everything.kB);
  near(allWhole, everything.whole);
});
