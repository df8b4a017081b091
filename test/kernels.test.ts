/** The module that is shipped does what the plain one does, bit for bit: in every kernel, length and arrangement. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { accelerate, COPIES } from "../tools/build.ts";
import { CALLS, UNCALLED } from "./calls.ts";
import { bytes, text } from "./project.ts";
import { Twins } from "./twins.ts";

const plain = bytes("build", "plain.wasm");
const shipped = bytes("build", "kernel.wasm");

/** Blocks of the losses, of the exact sums and of the tables hold 1024, 2048 and 4096 elements. */
const BORDERS = [127, 128, 129, 1000, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097];
const LENGTHS = [...Array(71).keys(), ...BORDERS];

for (const [name, calls] of Object.entries(CALLS)) {
  test(`${name} keeps every bit when it is interleaved`, () => {
    const twins = new Twins(plain, shipped);
    assert.equal(twins.difference(name, calls, LENGTHS), undefined);
    assert.ok(twins.effects >= LENGTHS.length - 1, `only ${twins.effects} calls had an effect`);
  });
}

test("every export is called, or it is said why not", () => {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(shipped)).map(({ name }) => name);
  assert.deepEqual(exports.sort(), [...Object.keys(CALLS), ...Object.keys(UNCALLED)].sort());
});

test("the comparison sees one wrong instruction", () => {
  // f32x4.mul becomes f32x4.add: the first in the module, the last, and one between.
  const places: number[] = [];
  for (let i = 0; i + 2 < shipped.length; i++) {
    if (shipped[i] === 0xfd && shipped[i + 1] === 0xe6 && shipped[i + 2] === 1) places.push(i);
  }
  for (const place of [places[0], places[places.length >> 1], places[places.length - 1]]) {
    const broken = shipped.slice();
    broken[place + 1] = 0xe4;
    const found = Object.entries(CALLS).find(([name, calls]) =>
      new Twins(plain, broken).difference(name, calls, [3, 37, 64]),
    );
    assert.ok(found, `the instruction at ${place} was not missed`);
  }
});

test("the build ships what it made of the plain module, and checked", () => {
  const { wasm, loops } = accelerate(plain);
  assert.deepEqual(new Uint8Array(wasm), shipped);
  for (const [kernel, copies] of Object.entries(COPIES)) {
    const own = loops.filter(({ func, interleaved }) => func === kernel && interleaved);
    assert.equal(own.length > 0, copies > 1, `${kernel} has ${own.length} interleaved loops`);
    assert.ok(own.every((report) => report.copies === copies));
  }
  const [, run] = text("tools", "build.ts").split("import.meta.main");
  assert.match(run, /\baccelerate\(readFileSync\("build\/plain.wasm"\)\)/);
  assert.doesNotMatch(run, /\binterleave\(/);
});

test("the build fails if a listed kernel is left plain", () => {
  const expected = /^Error: Cannot build: expected an interleaved loop in kernel "focalSoft", got /;
  assert.throws(() => accelerate(plain, { ...COPIES, focalSoft: 4 }), expected);
  assert.throws(() => accelerate(plain, { ...COPIES, absent: 2 }), /in kernel "absent", got no loop/);
});
