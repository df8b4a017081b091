/** The `.csv` reader: columns by name and number, quotes, line ends, and a line number for every refusal. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { openCsv } from "../src/cli/csv.ts";
import { csvFile, parts } from "./csv-text.ts";
import fc from "./property.ts";

const { file, inFolder, read } = csvFile("csv");

const READ: [string, string, string | undefined, number[]][] = [
  ["the first column without a header", "1,9\n-2.5,9\n3e2,9\n", undefined, [1, -2.5, 300]],
  ["a column by name", "x,logit,y\n7,1,0\n8,2,1\n", "logit", [1, 2]],
  ["a column by number", "x,logit,y\n7,1,0\n8,2,1\n", "3", [0, 1]],
  ["a column by number without a header", "7,1,0\n8,2,1", "2", [1, 2]],
  ["a name with a space and quotes", '"my ""x""", b\r\n"1", 5\r\n', 'my "x"', [1]],
  ["several columns, in the order asked for", "a,b,c\n1,2,3\n4,5,6\n", "c,a", [3, 1, 6, 4]],
  [
    "a range of columns by name and number",
    "a,b,c,d\n1,2,3,4\n5,6,7,8\n",
    "4,a..3",
    [4, 1, 2, 3, 8, 5, 6, 7],
  ],
  ["a range without a header", "1,2,3\n4,5,6\n", "2..3", [2, 3, 5, 6]],
  ["a name that looks like a list or a range", '"a,b",a..b,b\n1,2,3\n', "a..b,b", [2, 3]],
  ["a name with a comma", '"a,b",a,b\n1,2,3\n', "a,b", [1]],
  ["CRLF", "1\r\n2\r\n", undefined, [1, 2]],
  ["no last line end", "1\n2", undefined, [1, 2]],
  ["empty lines at the end", "1\n2\n\n\r\n\n", undefined, [1, 2]],
  ["a byte order mark", "\ufeff1\n2\n", undefined, [1, 2]],
  ["quoted cells with commas and line ends before the column", 'x,y\n"a,\r\n""b""",1\n"c",2\n', "y", [1, 2]],
  ["spaces around numbers and quotes", ' 1 ,7\n\t+2., "7" \n .5,7\n', undefined, [1, 2, 0.5]],
  ["true and false", "True\nfalse\nTRUE\n", undefined, [1, 0, 1]],
  ["nan and inf", "nan\n-inf\nInfinity\n", undefined, [NaN, -Infinity, Infinity]],
  ["a header alone", "logit\n", "logit", []],
];

for (const [what, text, column, values] of READ) {
  test(`reads ${what}`, async () => {
    for (const max of [1, 2, 100]) assert.deepEqual(await read(text, column, { max }), values);
  });
}

const REFUSED: [string, string, string | undefined, string][] = [
  ["a word", "1\n2\nabc\n", undefined, 'expected a number in column 1, got "abc" on line 3'],
  ["a word after a header", "x\n1\nabc\n", "x", 'expected a number in column 1, got "abc" on line 3'],
  ["an empty cell", "1,2\n1,\n", "2", 'expected a number in column 2, got "" on line 2'],
  ["a hexadecimal number", "1\n0x10\n", undefined, 'expected a number in column 1, got "0x10" on line 2'],
  ["another separator", "x;y\n1;2\n", undefined, 'expected a number in column 1, got "1;2" on line 2'],
  ["an empty line in the middle", "1\n\n2\n", undefined, "expected a number, got an empty line on line 2"],
  [
    "a line after a cell that spans lines",
    'x,y\n"a\nb",1\nc,d\n',
    "2",
    'expected a number in column 2, got "d" on line 4',
  ],
  [
    "a number beyond float32",
    "1\n-1e39\n",
    undefined,
    'expected a number within the range of float32 in column 1, got "-1e39" on line 2',
  ],
  [
    "text behind a quote",
    '"1"5\n2\n',
    undefined,
    'expected quotes around whole cells, got "\\"1\\"5" on line 1',
  ],
  [
    "text before a quote",
    '1\n2"3"\n',
    undefined,
    'expected quotes around whole cells, got "2\\"3\\"" on line 2',
  ],
  [
    "the same in another column",
    '1,2\n1,"a,"b\n',
    "1",
    'expected quotes around whole cells, got "1,\\"a,\\"b" on line 2',
  ],
  [
    "lines that end in CR",
    "1\r0\r2\r",
    undefined,
    "expected lines that end in LF or CRLF, got a CR alone on line 1",
  ],
  [
    "a CR beside quotes",
    '1,2\n1,"a\r"\r3,4\n',
    "1",
    "expected lines that end in LF or CRLF, got a CR alone on line 2",
  ],
  [
    "a word of the language",
    "1\nconstructor\n",
    undefined,
    'expected a number in column 1, got "constructor" on line 2',
  ],
  ["an open quote", '1\n"2\n3\n', undefined, "expected a closing quote for line 2, got the end of the file"],
];

for (const [what, text, column, line] of REFUSED) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(read(text, column), { name: "RangeError", message: `Cannot read ${file}: ${line}` });
  });
}

test("a name is a name, whatever the language does with it", async () => {
  assert.deepEqual(await read("constructor,__proto__\n1,2\n", "constructor"), [1]);
  assert.deepEqual(await read("constructor,__proto__\n1,2\n", "__proto__"), [2]);
});

test("refuses a line without end", async () => {
  await assert.rejects(read(`1\n${"9".repeat(2_000_000)}`), {
    message: `Cannot read ${file}: expected lines of at most 1048576 characters, got more on line 2`,
  });
});

test("a path that holds a colon is a path", async () => {
  const odd = inFolder("run.csv:2");
  writeFileSync(odd, "5\n6\n");
  const reader = await openCsv(odd);
  assert.deepEqual(Array.from(await reader.next(9)), [5, 6]);
  await reader.close();
});

const show = (value: number) => (Object.is(value, -0) ? "-0" : String(value));

test("any floats, any chunking, quoted or not, across block borders, come through and again after rewind", async () => {
  const cell = fc.tuple(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(
      fc.array(cell, { maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      fc.boolean(),
      fc.nat(3),
      async (rows, max, big, extra) => {
        const wide = big ? "w".repeat(20_000) : "";
        const lines = rows.map(
          ([value, quote]) => `"${wide},\n",${quote ? `"${show(value)}"` : show(value)}${",x".repeat(extra)}`,
        );
        writeFileSync(file, `name,value${",x".repeat(extra)}\n${lines.join("\n")}`);
        const reader = await openCsv(`${file}:value`);
        for (let pass = 0; pass < 2; pass++) {
          const all: number[] = [];
          for await (const part of parts(reader, max)) all.push(...part);
          assert.deepEqual(
            all,
            rows.map(([value]) => value),
          );
          assert.equal(reader.fraction, 1);
          reader.rewind();
        }
        await reader.close();
      },
    ),
    { numRuns: 100 },
  );
});

test("asking for more than there is, by far, gives what there is", async () => {
  const text = Array.from({ length: 200_000 }, (_, i) => i + 1).join("\n");
  assert.deepEqual(
    await read(text, undefined, { max: 2 ** 40 }),
    Array.from({ length: 200_000 }, (_, i) => i + 1),
  );
});

test("the line of any value is found, whatever the columns and however far", async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => (i === 7 ? '"1\n",2,3' : "1,2,3"));
  writeFileSync(file, `a,b,c\n${lines.join("\n")}\n`);
  const reader = await openCsv(`${file}:a..c`);
  // The first record is a header, the eighth after it has two lines.
  for (const index of [0, 2, 3, 23, 24, 65_535, 65_536, 89_999]) {
    const row = Math.floor(index / 3);
    assert.equal(await reader.lineOf(index), row + (row > 7 ? 3 : 2));
  }
  assert.equal(await reader.lineOf(90_000), 30_002);
  await reader.close();
});
