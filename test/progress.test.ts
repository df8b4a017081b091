/** The progress line: on a terminal only, within its width, gone at the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress, short } from "../src/cli/progress.ts";

function draw(
  terminal: { isTTY?: boolean; columns?: number },
  steps: [ms: number, fraction: number, n: number][],
) {
  const written: string[] = [];
  let now = 0;
  const progress = new Progress({ ...terminal, write: (text) => written.push(text) }, "focal", () => now);
  for (const [ms, fraction, n] of steps) {
    now = ms;
    progress.update(fraction, n);
  }
  progress.end();
  return written;
}

test("draws one line per tenth of a second, over the last one, and takes it away", () => {
  const written = draw({ isTTY: true, columns: 100 }, [
    [50, 0.1, 1e6],
    [100, 0.25, 2.5e6],
    [150, 0.5, 3e6],
    [200, 1, 10],
  ]);
  assert.deepEqual(written, [
    "\rfocal ██████░░░░░░░░░░░░░░░░░░  25%  2.50M at 25.0M/s",
    `\r${`focal ${"█".repeat(24)} 100%  10 at 50/s`.padEnd(53)}`,
    `\r${" ".repeat(47)}\r`,
  ]);
});

test("leaves the last column of a narrow terminal free", () => {
  for (const text of draw({ isTTY: true, columns: 30 }, [
    [100, 0.5, 1e9],
    [300, 0.9, 1e9],
  ])) {
    assert.ok(text.replaceAll("\r", "").length <= 29);
  }
});

test("writes nothing where stderr is no terminal, and nothing for work that is done at once", () => {
  assert.deepEqual(draw({}, [[1000, 0.5, 1e6]]), []);
  assert.deepEqual(draw({ isTTY: true }, [[99, 1, 1e6]]), []);
});

test("shortens counts", () => {
  assert.deepEqual([7.4, 999, 1234, 4.56e6, 1e9].map(short), ["7", "999", "1.23k", "4.56M", "1.00G"]);
});
