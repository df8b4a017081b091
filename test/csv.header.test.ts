/** Whether a `.csv` file begins with a header, which columns its names are, and that all lines are as long. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { openCsv } from "../src/cli/csv.ts";
import { csvFile } from "./csv-text.ts";
import fc from "./property.ts";

const { file, read } = csvFile("csv-header");

type Case = [what: string, text: string, columns: string | undefined, header?: boolean];

const READ: [...Case, values: number[]][] = [
  ["a first line without a number is a header", "logit,y\n1,9\n2,9\n", undefined, undefined, [1, 2]],
  ["a first line of numbers holds values", "2,3\n4,5\n", "2", undefined, [3, 5]],
  ["one column may begin with 0", "0\n1\n", undefined, undefined, [0, 1]],
  ["one column may begin with a name", "logit\n1\n", undefined, undefined, [1]],
  ["numbers that do not count from 0 hold values", "0,2\n1,1\n", undefined, undefined, [0, 1]],
  ["numbers that count in another way hold values", "0.0,1.0\n3,1\n", undefined, undefined, [0, 3]],
  ["quotes make no number a name", '"2","3"\n4,5\n', "2", undefined, [3, 5]],
  ["true, nan and inf are values", "true,nan\n0,1\n", undefined, undefined, [1, 0]],
  ["a column without a name", ",logit\n7,1\n", "1", undefined, [7]],
  ["a header of numbers where it is stated", "0,1,2\n7,8,9\n", "1..3", true, [7, 8, 9]],
  ["values that count where they are stated", "0,1\n7,8\n", "2", false, [1, 8]],
  ["a header with a number in it", "id,2020\n7,8\n", "id,2", true, [7, 8]],
  ["a name that is a word for a number", "pred,true\n7,8\n", "true", true, [8]],
  ["a column of words beside values", "a.jpg,3\nb.jpg,4\n", "2", false, [3, 4]],
  ["a name that another column has twice", "x,y,x\n1,2,3\n", "y", undefined, [2]],
  ["a column by number whose name is there twice", "x,y,x\n1,2,3\n", "3", undefined, [3]],
];

for (const [what, text, columns, header, values] of READ) {
  test(`reads: ${what}`, async () => {
    assert.deepEqual(await read(text, columns, { header }), values);
  });
}

const either = (line: string) =>
  `expected --header yes or --header no with a first line that may be names or values, got ${line}`;
const column = (wanted: string, got: string, line: string) =>
  `expected a column ${wanted}, got "${got}" (the first line is "${line}")`;
const known = (got: string, line = "a,b") =>
  column("name of its first line or a number from 1 to 2", got, line);
const nameless = (got: string, line: string) => column("without a name, a number from 1 to 2", got, line);
const once = (got: string, line: string) => column("name that its first line has once", got, line);
const cells = (wanted: number, got: number, line: number) =>
  `expected as many cells as on the first line, ${wanted}, got ${got} on line ${line}`;
const EMPTY = "expected a line of names or values, got an empty file";
const BAD = 'expected a number in column 1, got "bad" on line 1';

const REFUSED: [...Case, line: string][] = [
  ["names that count from 0", "0,1,2\n2,.3,-1\n", "1..3", undefined, either('"0,1,2"')],
  ["the same in another column", "0,1,2\n2,.3,-1\n", "3", undefined, either('"0,1,2"')],
  ["a slip among values", "1,O\n2,1\n", "1", undefined, either('"1,O"')],
  ["the same in the other column", "1,O\n2,1\n", "2", undefined, either('"1,O"')],
  ["words beside values", "a.jpg,3\nb.jpg,4\n", "2", undefined, either('"a.jpg,3"')],
  ["an index without a name beside numbers", ",0,1\n0,2,3\n", "2..3", undefined, either('",0,1"')],
  ["a first line of empty cells", ",\n1,2\n", "2", undefined, either('","')],
  ["a word among values that are stated", "bad\n5\n", undefined, false, BAD],
  ["an unknown name", "a,b\n1,2\n", "c", undefined, known("c")],
  ["an unknown name in a list", "a,b\n1,2\n", "a,c", undefined, known("c")],
  ["a range that runs backwards", "a,b\n1,2\n", "b..a", undefined, known("b..a")],
  ["a range of three ends", "a,b\n1,2\n", "a..b..b", undefined, known("a..b..b")],
  ["column 0", "a,b\n1,2\n", "0", undefined, known("0")],
  ["a column behind the last", "a,b\n1,2\n", "3", undefined, known("3")],
  ["names 0, 1 in place of numbers", "0,1\n5,6\n", "0..1", true, known("0..1", "0,1")],
  ["a name of values", "5,6\n7,8\n", "a", undefined, nameless("a", "5,6")],
  ["a name of what are stated to be values", "a,b\n1,2\n", "b", false, nameless("b", "a,b")],
  ["a name that is there twice", "x,y,x\n1,2,3\n", "x", undefined, once("x", "x,y,x")],
  ["a range from a name that is there twice", "x,y,x\n1,2,3\n", "x..y", undefined, once("x", "x,y,x")],
  ["a short line", "1,2,3\n1,2\n", "3", undefined, cells(3, 2, 2)],
  ["a short line whose column is there", "1,2\n1\n", "1", undefined, cells(2, 1, 2)],
  ["a long line", "a\n1\n2,3\n", "a", undefined, cells(1, 2, 3)],
  ["a long line with quotes", 'a,b\n"1",2,3\n', "1", undefined, cells(2, 3, 2)],
  ["a long line of several columns", "a,b\n1,2,\n", "1,2", undefined, cells(2, 3, 2)],
  ["nothing", "", undefined, undefined, EMPTY],
  ["nothing with a name", "", "logit", undefined, EMPTY],
  ["nothing but empty lines", "\n\r\n", undefined, true, EMPTY],
];

for (const [what, text, columns, header, line] of REFUSED) {
  test(`refuses ${what}`, async () => {
    const message = `Cannot read ${file}: ${line}`;
    await assert.rejects(read(text, columns, { header }), { name: "RangeError", message });
  });
}

test("all columns of a file agree on its header, and a stated one is taken at its word", async () => {
  const cell = fc.constantFrom("0", "1", "2", "-3.5", "x", "y", "", "true", '"0"', '"b"');
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 4 }), async (first) => {
      const wide = first.length === 1 && first[0] === "" ? ["x"] : first;
      writeFileSync(file, `${wide.join()}\n${wide.map(() => "5").join()}\n`);
      const found = wide.map(async (_, k) => {
        try {
          const reader = await openCsv(`${file}:${k + 1}`);
          const { length } = await reader.next(9);
          await reader.close();
          return String(length);
        } catch (error) {
          return (error as Error).message;
        }
      });
      const [one, ...others] = await Promise.all(found);
      for (const other of others) assert.equal(other, one);
      seen.add(one.replace(/got .*/, ""));
      assert.deepEqual(
        await read(`${wide.join()}\n${wide.map(() => "5").join()}\n`, "1", { header: true }),
        [5],
      );
    }),
  );
  assert.equal(seen.size, 3);
});
