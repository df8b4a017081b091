import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import asc from "assemblyscript/asc";
import binaryen from "binaryen";
import { interleave, type LoopReport, requireInterleaved } from "../tools/interleave.ts";

// Exported names of test/fixtures/loops.ts: what must be interleaved, and what must not with a word of the reason.
const TAKEN = [
  "mapTwo",
  "driver",
  "accumulators",
  "carried",
  "bytesByShift",
  "bytesByPointer",
  "pointers",
  "indexed",
  "liveOut",
  "gather",
  "rows",
  "fromBelowZero",
  "atMost",
  "endBesideMax",
  "signedMax",
  "storedThenRead",
  "rotated",
  "biased",
  "lookAhead",
  "overlappingStores",
  "scalars",
];
const REFUSED: Record<string, RegExp> = {
  histogram: /store whose address depends on data/,
  scatter: /store whose address depends on data/,
  cell: /cell read and written/,
  cellAmongResults: /distance is not known/,
  prefix: /carried through memory/,
  prefixByPointer: /carried through memory/,
  shiftedOutput: /carried through memory/,
  lagByPointer: /distance is not known/,
  shiftedByMask: /carried through memory/,
  lag: /distance is not known/,
  twoCounters: /distance is not known/,
  ring: /store whose address depends on data/,
  ringByMask: /carried through memory|cell read and written/,
  narrowInPlace: /distance is not known/,
  widenInPlace: /distance is not known/,
  chase: /distance is not known/,
  readsItsTable: /distance is not known/,
  division: /i32\.div_s/,
  down: /no counter that rises/,
  downUntilWrap: /no counter that rises/,
  notEqual: /i32\.ne/,
  branch: /if in the body/,
  leaves: /not a for loop|back edge|in the body/,
  movingEnd: /end that changes/,
  endInMemory: /./,
  variableStep: /no counter that rises/,
  doWhile: /not a for loop/,
  noVector: /no vector instruction/,
};
const COUNTS = [...Array(71).keys(), 128, 1000];
const BUILDS = [2, 4, 6].flatMap((copies) => [true, false].map((hoist) => ({ copies, hoist })));

// Memory: five arrays, 8 kB apart, inside one page.
const [A, B, C, OUT, MORE] = [8192, 16384, 24576, 32768, 40960];

type Kernel = (n: number, a: number, b: number, c: number, out: number, more: number, k: number) => number;

let plain: Uint8Array<ArrayBuffer>;

before(async () => {
  const source = readFileSync("test/fixtures/loops.ts", "utf8");
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "loops.ts",
      "-o",
      "loops.wasm",
      "--runtime",
      "stub",
      "--enable",
      "simd",
      "-O3",
      "--noAssert",
      "--initialMemory",
      "1",
    ],
    {
      readFile: (name) => (name === "loops.ts" ? source : null),
      writeFile: (_, contents) => {
        if (typeof contents !== "string") bytes = contents;
      },
      listFiles: () => [],
    },
  );
  assert.equal(error, null, stderr.toString());
  plain = new Uint8Array(bytes!);
});

/** Uniform floats with the awkward ones mixed in; NaN and infinities only on request. */
function fill(memory: ArrayBuffer, seed: number, odd: boolean): void {
  const awkward = [0, -0, 90, -90, 1e30, -1e30, 1e-45, -1e-40, 1, -1];
  if (odd) awkward.push(Number.NaN, Infinity, -Infinity, 3.4e38);
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 0x1000000;
  };
  const floats = new Float32Array(memory);
  for (let i = 256; i < floats.length; i++) {
    floats[i] = next() < 0.2 ? awkward[Math.floor(next() * awkward.length)] : next() * 20 - 10;
  }
}

interface Loaded {
  exports: Record<string, Kernel>;
  memory: ArrayBuffer;
}

function load(wasm: Uint8Array): Loaded {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(wasm)));
  const { memory, ...kernels } = exports as unknown as { memory: WebAssembly.Memory } & Record<
    string,
    Kernel
  >;
  return { exports: kernels as Record<string, Kernel>, memory: memory.buffer as ArrayBuffer };
}

const LAYOUTS: Record<string, number[]> = {
  apart: [A, B, C, OUT, MORE],
  "in place": [A, B, C, A, B],
  "optional arrays absent": [A, 0, C, OUT, 0],
};

/** One run on a copy of `image`: the result. */
function run(
  side: Loaded,
  name: string,
  n: number,
  [a, b, c, out, more]: number[],
  image: Uint8Array,
): number {
  new Uint8Array(side.memory).set(image);
  return side.exports[name](n, a, b, c, out, more, 2);
}

/** Index of the first word that differs, -1 if none does. Any NaN equals any NaN if `anyNaN`: engines may choose its bits. */
function difference(a: Uint32Array, b: Uint32Array, anyNaN: boolean): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    const nan = (bits: number): boolean => (bits & 0x7fffffff) > 0x7f800000;
    if (!(anyNaN && nan(a[i]) && nan(b[i]))) return i;
  }
  return -1;
}

function compare(
  names: readonly string[],
  counts: readonly number[],
  options: { copies: number; hoist: boolean },
): void {
  const left = load(plain),
    right = load(interleave(plain, options).wasm);
  const image = new Uint8Array(left.memory.byteLength);
  for (const odd of [false, true]) {
    for (const n of counts) {
      fill(image.buffer, n + 1, odd);
      for (const name of names) {
        for (const [layout, arrays] of Object.entries(LAYOUTS)) {
          const want = run(left, name, n, arrays, image),
            got = run(right, name, n, arrays, image);
          const what = `${name}, ${layout}, n = ${n}, special values ${odd}`;
          assert.ok(Object.is(want, got), `${what}: expected ${want}, got ${got}`);
          const at = difference(new Uint32Array(left.memory), new Uint32Array(right.memory), odd);
          assert.equal(at, -1, `${what}: word ${at} differs`);
        }
      }
    }
  }
}

function reportOf(loops: LoopReport[], name: string): LoopReport[] {
  return loops.filter(({ func }) => func === name);
}

for (const options of BUILDS) {
  const title = `${options.copies} copies, literals ${options.hoist ? "hoisted" : "in place"}`;
  test(`kernel-like loops are interleaved and keep every bit: ${title}`, { timeout: 60_000 }, () => {
    const { loops } = interleave(plain, options);
    for (const name of TAKEN) {
      assert.ok(
        reportOf(loops, name).some((report) => report.interleaved),
        `${name}: ${JSON.stringify(reportOf(loops, name))}`,
      );
    }
    compare(TAKEN, COUNTS, options);
  });
}

test("odd loops are refused with a reason", () => {
  const { loops } = interleave(plain);
  for (const [name, reason] of Object.entries(REFUSED)) {
    const own = reportOf(loops, name);
    assert.ok(own.length > 0, `${name} has no loop`);
    for (const report of own) {
      assert.equal(report.interleaved, false, `${name} was interleaved`);
      assert.match(report.reason, reason, name);
    }
  }
});

test("odd loops keep every bit", () => {
  compare(Object.keys(REFUSED), [0, 4, 5, 16, 33, 70, 128], { copies: 4, hoist: true });
});

/** A module with one loop as asc prints it, with more statements in its body or another test. */
function loopOf(statements: string, test = "(i32.lt_u (local.get $i) (local.get $n))"): Uint8Array {
  const module = binaryen.parseText(`(module (memory 1) (global $g (mut i32) (i32.const 0)) (table 1 funcref)
    (func $other (param i32) (result i32) (loop $l (br_if $l (global.get $g))) (local.get 0))
    (func $f (export "f") (param $x i32) (param $n i32) (local $i i32) (local $v v128) (local $w i64)
      (loop $l (if ${test} (then
        (v128.store (i32.add (local.get $x) (local.get $i))
          (f32x4.neg (v128.load (i32.add (local.get $x) (local.get $i)))))
        ${statements}
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br $l))))))`);
  module.setFeatures(binaryen.Features.All);
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}

test("a loop in text form is interleaved", () => {
  const { loops } = interleave(loopOf("(drop (i32.const 1)) (nop)"));
  assert.deepEqual(
    reportOf(loops, "f").map(({ loop, copies, reason }) => [loop, copies, reason]),
    [["label", 4, ""]],
  );
});

// Instructions that must not run in another order, another number of times, or that the pass cannot read.
const FOREIGN = [
  "(drop (call $other (local.get $i)))",
  "(drop (call_indirect (param i32) (result i32) (local.get $i) (i32.const 0)))",
  "(global.set $g (local.get $i))",
  "(drop (memory.grow (i32.const 1)))",
  "(memory.fill (local.get $x) (i32.const 0) (local.get $n))",
  "(if (local.get $x) (then (unreachable)))",
  "(block $b (br_if $b (local.get $i)) (local.set $x (i32.const 4)))",
  "(br_if $l (local.get $x))",
  "(return)",
  "(drop (i32.rem_u (i32.const 5) (local.get $x)))",
  "(drop (i32.trunc_f32_s (f32.convert_i32_s (local.get $x))))",
  "(drop (i64.div_s (local.get $w) (local.get $w)))",
  "(drop (i32.atomic.rmw.add (local.get $x) (i32.const 1)))",
  "(i32.atomic.store (local.get $x) (i32.const 1))",
  "(loop $m (br_if $m (i32.load (local.get $x))))",
];

test("foreign instructions in the body are refused", () => {
  for (const code of FOREIGN) {
    const [report] = reportOf(interleave(loopOf(code)).loops, "f");
    assert.equal(report.interleaved, false, code);
    assert.notEqual(report.reason, "", code);
  }
});

test("loops with another test than a comparison with an end are refused", () => {
  const TESTS = [
    "(local.get $x)",
    "(i32.eqz (i32.ge_u (local.get $i) (local.get $n)))",
    "(i32.lt_u (local.get $x) (local.get $n))",
    "(i32.gt_u (local.get $i) (local.get $n))",
    "(i32.lt_u (local.get $i) (i32.load (local.get $x)))",
    "(i64.lt_u (local.get $w) (i64.const 8))",
    "(i32.lt_u (i32.shl (local.get $i) (i32.const 2)) (local.get $n))",
    "(call $other (local.get $i))",
  ];
  for (const code of TESTS) {
    const [report] = reportOf(interleave(loopOf("", code)).loops, "f");
    assert.equal(report.interleaved, false, code);
    assert.notEqual(report.reason, "", code);
  }
});

test("every exported loop of the fixtures is in one of the two lists", () => {
  const names = Object.keys(load(plain).exports);
  assert.deepEqual(names.sort(), [...TAKEN, ...Object.keys(REFUSED)].sort());
});

test("interleave() is a function of its bytes", () => {
  const copy = plain.slice();
  const first = interleave(plain),
    second = interleave(copy);
  assert.deepEqual(first, second);
  assert.deepEqual(copy, plain);
});

test("interleave() makes modules without imports that keep all exports", () => {
  const module = new WebAssembly.Module(new Uint8Array(interleave(plain).wasm));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  assert.deepEqual(
    WebAssembly.Module.exports(module),
    WebAssembly.Module.exports(new WebAssembly.Module(plain)),
  );
});

test("interleave() refuses copies out of range", () => {
  for (const copies of [0, 17, 2.5, Number.NaN]) {
    const expected = { name: "RangeError", message: new RegExp(`got ${copies}$`) };
    assert.throws(() => interleave(plain, { copies }), expected);
    assert.throws(() => interleave(plain, { copies: () => copies }), expected);
  }
});

test("interleave() takes the number of copies by export name", () => {
  const { loops } = interleave(plain, {
    copies: (name) => (name === "mapTwo" ? 6 : name === "rows" ? 1 : 2),
  });
  assert.equal(reportOf(loops, "mapTwo")[0].copies, 6);
  assert.equal(reportOf(loops, "carried")[0].copies, 2);
  assert.ok(reportOf(loops, "rows").every(({ interleaved, reason }) => !interleaved && reason !== ""));
});

test("requireInterleaved() passes kernels with an interleaved loop and names the others", () => {
  const { loops } = interleave(plain);
  requireInterleaved(loops, TAKEN);
  assert.throws(() => requireInterleaved(loops, ["mapTwo", "histogram"]), {
    message:
      'Cannot build: expected an interleaved loop in kernel "histogram", got a store whose address depends on data',
  });
  assert.throws(() => requireInterleaved(loops, ["absent"]), {
    message: 'Cannot build: expected an interleaved loop in kernel "absent", got no loop',
  });
});
