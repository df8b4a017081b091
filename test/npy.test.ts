/** The `.npy` reader and writer: every type, shape and chunking comes through; every other file is refused. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Values } from "../src/cli/convert.ts";
import { type NpyReader, openNpy } from "../src/cli/npy.ts";
import { createNpy } from "../src/cli/npy-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "counterpoise-npy-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "a.npy");

interface Plan {
  descr?: string;
  shape?: string;
  fortran?: string;
  version?: [number, number];
  header?: string;
  pad?: number;
}

/** An encoder of its own: the test must not believe the project's. */
function npy(values: ArrayBufferView, plan: Plan = {}): Uint8Array {
  const { descr = "<f4", shape = "(3,)", fortran = "False", version = [1, 0], pad = 8 } = plan;
  const dictionary = plan.header ?? `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const header = new TextEncoder().encode(`${dictionary}${" ".repeat(pad)}\n`);
  const long = version[0] > 1;
  const size = new Uint8Array(long ? 4 : 2);
  for (let i = 0; i < size.length; i++) size[i] = header.length >> (8 * i);
  const body = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    ...version,
    ...size,
    ...header,
    ...body,
  ]);
}

async function* parts(reader: NpyReader, max: number): AsyncGenerator<Values> {
  for (let part = await reader.next(max); part.length > 0; part = await reader.next(max)) yield part;
}

async function readAll(path: string, max: number): Promise<number[]> {
  const reader = await openNpy(path);
  try {
    const all: number[] = [];
    for await (const part of parts(reader, max)) {
      assert.ok(part.length <= max);
      all.push(...part);
    }
    return all;
  } finally {
    await reader.close();
  }
}

const TYPES = [
  { descr: "<f4", make: (v: number[]) => Float32Array.from(v), kept: Math.fround },
  { descr: "<f8", make: (v: number[]) => Float64Array.from(v), kept: Math.fround },
  { descr: "|u1", make: (v: number[]) => Uint8Array.from(v), kept: (v: number) => Uint8Array.of(v)[0] },
  { descr: "|i1", make: (v: number[]) => Int8Array.from(v), kept: (v: number) => Int8Array.of(v)[0] },
  { descr: "<u2", make: (v: number[]) => Uint16Array.from(v), kept: (v: number) => Uint16Array.of(v)[0] },
  { descr: "<i2", make: (v: number[]) => Int16Array.from(v), kept: (v: number) => Int16Array.of(v)[0] },
  { descr: "<u4", make: (v: number[]) => Uint32Array.from(v), kept: (v: number) => Uint32Array.of(v)[0] },
  { descr: "<i4", make: (v: number[]) => Int32Array.from(v), kept: (v: number) => Int32Array.of(v)[0] },
  {
    descr: "<i8",
    make: (v: number[]) => BigInt64Array.from(v, (x) => BigInt(Math.trunc(x))),
    kept: (v: number) => Math.trunc(v) + 0,
  },
  {
    descr: "<u8",
    make: (v: number[]) => BigUint64Array.from(v, (x) => BigInt(Math.trunc(Math.abs(x) * 2 ** 40))),
    kept: (v: number) => Math.fround(Math.trunc(Math.abs(v) * 2 ** 40)),
  },
  { descr: "|b1", make: (v: number[]) => Uint8Array.from(v, (x) => +(x > 0)), kept: (v: number) => +(v > 0) },
];

for (const { descr, make, kept } of TYPES) {
  test(`reads ${descr} of any shape, version and header padding in chunks of any size`, async () => {
    const versions = fc.constantFrom<[number, number]>([1, 0], [2, 0], [3, 0]);
    const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        shapes,
        versions,
        fc.integer({ min: 0, max: 80 }),
        fc.integer({ min: 1, max: 40 }),
        async (shape, version, pad, max) => {
          const n = shape.reduce((a, b) => a * b, 1);
          const values = Array.from({ length: n }, (_, i) => ((i * 37.7) % 251) - 100.1);
          const shown = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
          writeFileSync(file, npy(make(values), { descr, shape: shown, version, pad }));
          assert.deepEqual(await readAll(file, max), values.map(kept));
        },
      ),
      { numRuns: 60 },
    );
  });
}

test("reads the same bits that the writer wrote, shape included, whatever the chunks on either side", async () => {
  const float = fc.float({ noNaN: false });
  await fc.assert(
    fc.asyncProperty(
      fc.array(float, { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      async (list, inSize, outSize) => {
        const values = Float32Array.from([...list, ...list]);
        const writer = await createNpy(file, [2, list.length]);
        for (let i = 0; i < values.length; i += inSize) await writer.write(values.subarray(i, i + inSize));
        await writer.finish();
        const reader = await openNpy(file);
        assert.deepEqual(reader.header, { dtype: "float32", shape: [2, list.length], length: values.length });
        await reader.close();
        assert.deepEqual(Float32Array.from(await readAll(file, outSize)), values);
      },
    ),
    { numRuns: 60 },
  );
  assert.deepEqual(readdirSync(folder), ["a.npy"]);
});

test("a written file is laid out as numpy lays it out", async () => {
  const writer = await createNpy(file, [3]);
  await writer.write(Float32Array.of(1, -2, 0.5));
  await writer.finish();
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }`.padEnd(117);
  assert.deepEqual(new Uint8Array(readFileSync(file)), npy(Float32Array.of(1, -2, 0.5), { header, pad: 0 }));
});

test("reads a real file again after rewind", async () => {
  const path = "examples/data/ssd-face/logits.npy";
  const reader = await openNpy(path);
  assert.deepEqual(reader.header, { dtype: "float32", shape: [20, 5118], length: 102360 });
  const head = Array.from(await reader.next(5));
  reader.rewind();
  assert.equal(reader.fraction, 0);
  assert.deepEqual(Array.from(await reader.next(5)), head);
  await reader.close();
  const bytes = readFileSync(path).subarray(-4 * 102360);
  assert.deepEqual(
    head,
    [0, 4, 8, 12, 16].map((at) => bytes.readFloatLE(at)),
  );
});

const three = Float32Array.of(1, 2, 3);
const cut = (bytes: Uint8Array, by: number) => bytes.subarray(0, bytes.length + by);
const TYPED = "expected values of type <f4, <f8, |b1, |u1, |i1, <u2, <i2, <u4, <i4, <u8, <i8";
const REFUSED: [string, Uint8Array, string][] = [
  [
    "an empty file",
    new Uint8Array(0),
    "expected a .npy file, which begins with 93 4e 55 4d 50 59, got an empty file",
  ],
  [
    "another format",
    new TextEncoder().encode("PK\x03\x04 and more"),
    "expected a .npy file, which begins with 93 4e 55 4d 50 59, got 50 4b 03 04 20 61",
  ],
  ["a cut preamble", cut(npy(three), -80), "expected a whole .npy header, got a file of 8 bytes"],
  ["a cut header", cut(npy(three), -30), "expected a header of 76 bytes, got a file of 58"],
  ["version 4", npy(three, { version: [4, 0] }), "expected .npy version 1.0, 2.0 or 3.0, got 4.0"],
  [
    "a truncated array",
    cut(npy(three), -1),
    "expected 88 bytes for float32 of shape (3,), got a truncated file of 87",
  ],
  [
    "trailing bytes",
    npy(three, { shape: "(1, 2)" }),
    "expected 86 bytes for float32 of shape (1, 2), got trailing bytes, a file of 90",
  ],
  ["big endian", npy(three, { descr: ">f4" }), `${TYPED}, got >f4`],
  ["big endian integers", npy(three, { descr: ">i4" }), `${TYPED}, got >i4`],
  ["half precision", npy(three, { descr: "<f2" }), `${TYPED}, got <f2`],
  ["pickled objects", npy(three, { descr: "|O" }), `${TYPED}, got |O`],
  [
    "records",
    npy(three, { header: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }" }),
    `${TYPED}, got [('a', '<f4')]`,
  ],
  [
    "Fortran order",
    npy(three, { fortran: "True", shape: "(3, 1, 2)" }),
    "expected C order, got Fortran order of shape (3, 1, 2) (save numpy.ascontiguousarray of it)",
  ],
  [
    "no shape",
    npy(three, { header: "{'descr': '<f4', 'fortran_order': False}" }),
    "expected a header with descr, fortran_order and shape, got \"{'descr': '<f4', 'fortran_order': False}\"",
  ],
  [
    "a negative shape",
    npy(three, { shape: "(-3,)" }),
    "expected a header with descr, fortran_order and shape, got \"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }\"",
  ],
  [
    "no dictionary",
    npy(three, { header: "hello" }),
    'expected a header with descr, fortran_order and shape, got "hello"',
  ],
  [
    "a key of the language",
    npy(three, { header: "{'constructor': True, 'fortran_order': False, 'shape': (3,), }" }),
    "expected a header with descr, fortran_order and shape, got \"{'constructor': True, 'fortran_order': False, 'shape': (3,), }\"",
  ],
  [
    "a key twice",
    npy(three, { header: "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,), }" }),
    "expected a header with descr, fortran_order and shape, got \"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\"",
  ],
  ["a type of the language", npy(three, { descr: "constructor" }), `${TYPED}, got constructor`],
  [
    "an endless shape",
    npy(three, { shape: "(99999999999, 99999999999)" }),
    "expected a shape of at most 2^53 - 1 values, got (99999999999, 99999999999)",
  ],
];

for (const [what, bytes, line] of REFUSED) {
  test(`refuses ${what}`, async () => {
    writeFileSync(file, bytes);
    await assert.rejects(openNpy(file), { message: `Cannot read ${file}: ${line}` });
  });
}

test("refuses a header that says it is longer than any header", async () => {
  const bytes = npy(three, { version: [2, 0] });
  bytes[11] = 0x7f;
  writeFileSync(file, bytes);
  await assert.rejects(openNpy(file), /expected a header of at most 1048576 bytes, got 2130706498$/);
});

test("takes Fortran order where it is the same as C order", async () => {
  for (const shape of ["(3,)", "(3, 1)", "(1, 3, 1)"]) {
    writeFileSync(file, npy(three, { fortran: "True", shape }));
    assert.deepEqual(await readAll(file, 2), [1, 2, 3]);
  }
});

test("takes keys in any order and double quotes", async () => {
  writeFileSync(file, npy(three, { header: `{"shape": (3L,), "fortran_order": False, "descr": "<f4"}` }));
  assert.deepEqual(await readAll(file, 9), [1, 2, 3]);
});

test("refuses a float64 beyond float32 by index and keeps infinities and NaN", async () => {
  writeFileSync(file, npy(Float64Array.of(3.4e38, Infinity, NaN, -1e-300), { descr: "<f8", shape: "(4,)" }));
  assert.deepEqual(await readAll(file, 3), [Math.fround(3.4e38), Infinity, NaN, -0]);
  writeFileSync(file, npy(Float64Array.of(1, 2, 3, -1e39), { descr: "<f8", shape: "(4,)" }));
  await assert.rejects(readAll(file, 3), {
    name: "RangeError",
    message: `Cannot read ${file}: expected values within the range of float32, got -1e+39 at index 3`,
  });
});

test("refuses a missing file and a folder", async () => {
  const missing = join(folder, "none.npy");
  await assert.rejects(openNpy(missing), {
    message: `Cannot read ${missing}: expected a file, got nothing of that name`,
  });
  await assert.rejects(openNpy(folder), {
    message: `Cannot read ${folder}: expected a regular file, got a directory, a pipe or a device`,
  });
});

test("refuses a file that shrinks while it is read", async () => {
  writeFileSync(file, npy(three));
  const reader = await openNpy(file);
  await reader.next(1);
  writeFileSync(file, cut(npy(three), -6));
  await assert.rejects(reader.next(2), {
    message: `Cannot read ${file}: expected 88 bytes as when it was opened, got 82`,
  });
  await reader.close();
});

test("a writer that gives up leaves the old file and nothing else", async () => {
  writeFileSync(file, "old");
  const writer = await createNpy(file, [4]);
  await writer.write(three);
  assert.equal(readdirSync(folder).length, 2);
  await assert.rejects(writer.finish(), {
    message: `Cannot write ${file}: expected values for shape (4,), got 1 too few`,
  });
  await writer.abort();
  assert.deepEqual(readdirSync(folder), ["a.npy"]);
  assert.equal(readFileSync(file, "utf8"), "old");
});

test("a writer refuses a folder that is not there and a name that is a folder", async () => {
  const lost = join(folder, "none", "b.npy");
  await assert.rejects(createNpy(lost, [1]), {
    message: `Cannot write ${lost}: expected a folder to write in, got nothing of that name`,
  });
  await assert.rejects(createNpy(folder, [1]), {
    message: `Cannot write ${folder}: expected a name for a file, got a directory, a pipe or a device`,
  });
});
