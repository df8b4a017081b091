/** Properties of the emitted module: a golden of a kernel would say *changed*, a property says *broken*. */
import assert from "node:assert/strict";
import { test } from "node:test";
import binaryen from "binaryen";
import { kernel } from "../src/wasm/kernel.ts";
import { bytes } from "./project.ts";

/** Kernels whose loops must be straight-line SIMD, with no call, no dispatch and no trap inside. */
const POINTWISE = [
  "bceHard",
  "bceSoft",
  "focalSquare",
  "focalHalves",
  "focalReal",
  "focalStar",
  "hardTruncation",
  "softTruncation",
];
/** Losses of a residual, and their loops for values near the end of float32. */
const RESIDUALS = ["smoothL1", "asl1"];
const FAR = ["smoothL1Far", "asl1Far"];
/** Losses that move elements before they compute them. */
const CLIPPED = ["asymmetricParts", "asymmetricReal"];
const HELPERS = [
  ...FAR,
  "decay",
  "admitRows",
  "countLabels",
  "marginRows",
  "exceed",
  "settleRows",
  "marginPairs",
  "levelRows",
  "settleTail",
  "settleRival",
  "survey",
  "surveySoft",
  "surveyReal",
  "widen",
  "blank",
  "gauge",
  "weigh",
  "divide",
  "extent",
  "narrow",
  "corners",
  "turns",
  "admitLosses",
  "groupMaxima",
  "floorKey",
  "drDecays",
  "drPowers",
  "drScores",
  "drGrad",
];

/** Loops over maps around such a loop. */
const ADVERSARIES = [
  "occlude",
  "keepLanes",
  "addProducts",
  "blend",
  "slopes",
  "toCells",
  "toPlanes",
  "affineGrid",
];

/** Loops over rows around such a loop. */
const ROWS = [
  "decayRows",
  "liftRows",
  "liftLongRows",
  "spreadRows",
  "spreadLongRows",
  "joinRows",
  "weighRows",
  "tailRows",
  "rivalRows",
  "smoothRows",
];

/** Kernels with such a loop, and another one for the rare elements. */
const MIXED = [
  "sum",
  "drSums",
  "magnitudes",
  "tallyFloor",
  "tallyRounded",
  ...CLIPPED,
  ...ADVERSARIES,
  ...ROWS,
];

const STRAIGHT =
  /^(?![\s\S]*\((call|call_indirect|return_call|unreachable|throw)\b)[\s\S]*\bv128\.(load|store)/;

const FILES = ["plain.wasm", "kernel.wasm"];

/** The text of a module, and the parts of it that tests ask for. */
class Text {
  readonly text: string;

  constructor(file: string) {
    const module = binaryen.readBinary(bytes("build", file));
    this.text = module.emitText();
    module.dispose();
  }

  /** From an opening parenthesis to the one that closes it. */
  static balanced(text: string, start: number): string {
    let depth = 0;
    for (let i = start; i < text.length; i++) {
      if (text[i] === "(") depth++;
      else if (text[i] === ")" && --depth === 0) return text.slice(start, i + 1);
    }
    throw new Error("Cannot read the module's text: expected a closing parenthesis, got its end");
  }

  /** The body of an exported function. */
  exported(name: string): string {
    const inner = new RegExp(`\\(export "${name}" \\(func ([^)\\s]+)\\)\\)`).exec(this.text)?.[1];
    assert.ok(inner, `${name} is exported`);
    const start = this.text.indexOf(`(func ${inner} `);
    assert.ok(start > 0, `${name} has a body`);
    return Text.balanced(this.text, start);
  }

  /** Every loop of a function, outermost first. */
  loops(name: string): string[] {
    const body = this.exported(name);
    return [...body.matchAll(/\(loop\b/g)].map((match) => Text.balanced(body, match.index));
  }

  /** Those without a loop in them: a loop over blocks may call. */
  inner(name: string): string[] {
    return this.loops(name).filter((loop) => !loop.includes("(loop", 1));
  }
}

const texts = new Map(FILES.map((file) => [file, new Text(file)]));

for (const [file, module] of texts) {
  test(`${file} imports nothing and has no start function`, () => {
    const compiled = new WebAssembly.Module(bytes("build", file));
    assert.deepEqual(WebAssembly.Module.imports(compiled), []);
    assert.doesNotMatch(module.text, /\(start /);
    assert.ok(
      WebAssembly.Module.exports(compiled).some(({ name, kind }) => name === "memory" && kind === "memory"),
    );
  });

  test(`${file} has no dynamic call, no global that changes, no relaxed operation`, () => {
    assert.doesNotMatch(module.text, /call_indirect|\(elem |relaxed/);
    assert.doesNotMatch(module.text, /\(global\.set /, "globals hold constants that no one changes");
  });

  for (const name of [...POINTWISE, ...RESIDUALS, ...HELPERS]) {
    test(`${file}: the loops of ${name} are straight-line SIMD`, () => {
      const loops = module.inner(name);
      assert.ok(loops.length >= 1);
      for (const loop of loops) assert.match(loop, STRAIGHT);
    });
  }

  for (const name of MIXED) {
    test(`${file}: ${name} has a loop of straight-line SIMD`, () => {
      assert.ok(module.inner(name).some((loop) => STRAIGHT.test(loop)));
    });
  }

  for (const name of [...POINTWISE, ...RESIDUALS, ...CLIPPED]) {
    test(`${file}: the main loop of ${name} computes four lanes at a time`, () => {
      const [main] = module.loops(name);
      const least = RESIDUALS.includes(name) ? 4 : 10;
      assert.ok((main.match(/f32x4\.mul/g) ?? []).length >= least);
      assert.match(main, /f32x4\.div/);
      assert.doesNotMatch(main, /\bf32\.(mul|add|div)\b/, "no scalar arithmetic");
    });
  }
}

test("the plain and the interleaved module export the same names and kinds", () => {
  const [plain, interleaved] = FILES.map((file) =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytes("build", file)))
      .map(({ name, kind }) => `${kind} ${name}`)
      .sort(),
  );
  assert.deepEqual(interleaved, plain);
});

test("interleaving is there: a pointwise kernel holds several copies of its main loop, and the plain one", () => {
  for (const name of [...POINTWISE, ...RESIDUALS, ...CLIPPED]) {
    const [plain, interleaved] = FILES.map((file) => {
      return (
        texts
          .get(file)
          ?.exported(name)
          .match(/f32x4\.div/g) ?? []
      ).length;
    });
    assert.ok(
      plain >= 1 && interleaved >= 3 * plain,
      `${name}: ${plain} divisions plain, ${interleaved} interleaved`,
    );
  }
});

test("the library runs the interleaved module", () => {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(bytes("build", "kernel.wasm")));
  for (const { name } of exports) assert.ok(name in kernel, `${name} is there`);
});

test("the reader of the text finds calls where there are some", () => {
  const wat = `(module (func $f (export "f") (result i32) (loop (result i32) (call $g))) (func $g (result i32) (i32.const 1)))`;
  const module = binaryen.parseText(wat);
  const body = module.emitText();
  module.dispose();
  assert.match(body, /\(loop[\s\S]*\(call \$g\)/);
  assert.equal(Text.balanced("(a (b) (c (d)))) e", 3), "(b)");
});
