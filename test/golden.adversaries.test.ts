/** torch's affine_grid and grid_sample, and the mask that the released adversarial code makes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deformation, occlusion } from "../src/mod.ts";
import { json } from "./project.ts";

interface Case {
  name: string;
  params: { align_corners: boolean; outSize: number[]; drop: number };
  input: Record<string, number[]>;
  expected: Record<string, number[]> & { minPixelFraction: number };
}

function load(file: string): Case[] {
  return json<{ cases: Case[] }>("test", "golden", `${file}.json`).cases;
}

const floats = (values: number[]): Float32Array => Float32Array.from(values);

function near(got: Float32Array, want: number[], bound: number, what: string): void {
  assert.equal(got.length, want.length, what);
  got.forEach((value, i) => {
    const most = bound * Math.max(1, Math.abs(want[i]));
    assert.ok(Math.abs(value - want[i]) <= most, `${what}[${i}]: got ${value}, want ${want[i]}`);
  });
}

const KINKED =
  "a point on a row or column of centres: the slope jumps there, and rounding decides the side (values and the features' gradient are compared)";

/** Cases whose gradient of the grid decides nothing, counted. */
const SKIPPED: string[] = [];
const SAMPLES = load("torch.affine_grid_sample");

for (const c of SAMPLES) {
  const kink = !(c.expected.minPixelFraction > 1e-4);
  if (kink) SKIPPED.push(c.name);
  test(`torch, ${c.name}${kink ? `, but for the grid's gradient, ${KINKED}` : ""}`, () => {
    const [n, channels, height, width] = c.input.shape;
    const [, , outHeight, outWidth] = c.params.outSize;
    const alignCorners = c.params.align_corners;
    const shape = { n, channels, height, width, outHeight, outWidth, alignCorners };
    const laid = { n, height: outHeight, width: outWidth, alignCorners };
    const x = floats(c.input.x);
    const grid = deformation.affineGrid(floats(c.input.theta), laid);
    near(grid, c.expected.grid, 6e-8, "grid");
    near(deformation.sample(x, grid, shape), c.expected.output, 3e-6, "output");
    const back = deformation.sampleBackward(floats(c.input.gradOutput), x, grid, shape);
    near(back.gradFeatures, c.expected.gradInput, 3e-6, "gradFeatures");
    if (kink) return;
    near(back.gradGrid, c.expected.gradGrid, 1e-5, "gradGrid");
    near(deformation.affineGridBackward(back.gradGrid, laid), c.expected.gradTheta, 1e-5, "gradTheta");
  });
}

test("of torch's 24 cases ten have a grid on a kink", () => {
  assert.equal(SAMPLES.length, 24);
  assert.equal(SKIPPED.length, 10);
});

for (const c of load("oracle.occlusion_mask")) {
  test(`released code, ${c.name}`, () => {
    const [n, channels, size] = c.input.shape;
    const { drop } = c.params;
    const mask = occlusion.threshold(floats(c.input.scores), { n, size, top: drop, drop });
    assert.deepEqual([...mask], c.expected.mask);
    const shape = { n, channels, size };
    near(occlusion.apply(floats(c.input.x), mask, shape), c.expected.output, 0, "output");
    near(
      occlusion.applyBackward(floats(c.input.gradOutput), mask, shape),
      c.expected.gradInput,
      0,
      "gradient",
    );
  });
}
