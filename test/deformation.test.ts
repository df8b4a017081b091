/** Affine grids, sampling and rotation: values, gradients, transposes, refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deformation, occlusion } from "../src/mod.ts";
import { kernel } from "../src/wasm/kernel.ts";
import { random } from "./data.ts";
import fc from "./property.ts";
import * as reference from "./reference/deformation.ts";
import { MIN_NORMAL } from "./reference/float32.ts";
import { loose, put, refuse } from "./refusal.ts";
import { soil } from "./soil.ts";

const U = 2 ** -24;

function noise(length: number, seed: number, scale = 2): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length }, () => (next() - 0.5) * scale);
}

function near(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: (i: number) => number,
  what: string,
): void {
  assert.equal(got.length, want.length, what);
  for (let i = 0; i < got.length; i++) {
    const most = bound(i) + MIN_NORMAL;
    assert.ok(
      Math.abs(got[i] - want[i]) <= most,
      `${what}[${i}]: got ${got[i]}, want ${want[i]} within ${most}`,
    );
  }
}

/** Maps of any small size, with a grid around them that is partly outside. */
const maps: fc.Arbitrary<reference.Maps & { seed: number; spread: number }> = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  channels: fc.integer({ min: 1, max: 9 }),
  height: fc.integer({ min: 1, max: 8 }),
  width: fc.integer({ min: 1, max: 8 }),
  outHeight: fc.integer({ min: 1, max: 8 }),
  outWidth: fc.integer({ min: 1, max: 8 }),
  alignCorners: fc.boolean(),
  seed: fc.integer(),
  spread: fc.constantFrom(0.5, 2, 3, 8),
});

/** One call with everything it needs, and its sizes. */
function setting({ seed, spread, ...shape }: reference.Maps & { seed: number; spread: number }) {
  const { n, channels, height, width, outHeight, outWidth } = shape;
  return {
    shape,
    features: noise(n * channels * height * width, seed),
    grid: noise(n * outHeight * outWidth * 2, seed + 1, spread),
    gradOutput: noise(n * channels * outHeight * outWidth, seed + 2),
  };
}

test("a grid is theta times the centres, rounded once", () => {
  fc.assert(
    fc.property(maps, fc.constantFrom(1, 1e-3, 1e20), ({ seed, ...m }, scale) => {
      const theta = noise(m.n * 6, seed, scale);
      const shape = { n: m.n, height: m.outHeight, width: m.outWidth, alignCorners: m.alignCorners };
      const want = reference.affineGrid(theta, shape);
      const most = Math.max(...theta.map(Math.abs));
      const bound = (i: number) => 0.51 * 2 ** -23 * Math.abs(want[i]) + 2 ** -50 * most;
      near(deformation.affineGrid(theta, shape), want, bound, "grid");
    }),
  );
});

test("the gradient of theta is the transpose of the grid", () => {
  fc.assert(
    fc.property(maps, ({ seed, ...m }) => {
      const shape = { n: m.n, height: m.outHeight, width: m.outWidth, alignCorners: m.alignCorners };
      const cells = m.outHeight * m.outWidth;
      const grad = noise(m.n * cells * 2, seed);
      const want = new Float64Array(m.n * 6);
      const size = new Float64Array(m.n * 6);
      reference.points(shape, (s, q, x, y) => {
        [0, 1].forEach((k) => {
          [x, y, 1].forEach((factor, j) => {
            const term = grad[(s * cells + q) * 2 + k] * factor;
            want[s * 6 + k * 3 + j] += term;
            size[s * 6 + k * 3 + j] += Math.abs(term);
          });
        });
      });
      const bound = (i: number) => 2 ** -24 * Math.abs(want[i]) + 32 * 2 ** -52 * size[i];
      near(deformation.affineGridBackward(grad, shape), want, bound, "theta");
    }),
  );
});

test("a sample is the weighted sum of four corners, zeros outside", () => {
  let outside = 0;
  fc.assert(
    fc.property(maps, (m) => {
      const { shape, features, grid } = setting(m);
      const got = deformation.sample(features, grid, shape);
      const want = reference.sample(features, grid, shape);
      near(got, want.value, (i) => 4.01 * U * want.size[i] + 2 ** -48, "output");
      want.terms.forEach((terms, i) => {
        if (terms === 0) assert.ok(Object.is(got[i], 0), "nothing is +0");
        outside += terms === 0 ? 1 : 0;
      });
    }),
  );
  assert.ok(outside > 100);
});

test("gradients of features and grid are within their bounds", () => {
  fc.assert(
    fc.property(maps, (m) => {
      const { shape, features, grid, gradOutput } = setting(m);
      const got = deformation.sampleBackward(gradOutput, features, grid, shape);
      const want = reference.sampleBackward(gradOutput, features, grid, shape);
      const { value, size, terms } = want.features;
      near(got.gradFeatures, value, (i) => (terms[i] + 2) * U * size[i] + 2 ** -48, "features");
      const scales = [shape.width / 2, shape.height / 2];
      const bound = (i: number) => 2 ** -21 * want.reach[i] * scales[i % 2] + 2 ** -45;
      near(got.gradGrid, want.grid.value, bound, "grid");
    }),
  );
});

test("sampling and its gradient are transposes: <A x, y> = <x, A' y>", () => {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  fc.assert(
    fc.property(maps, (m) => {
      const { shape, features, grid, gradOutput } = setting(m);
      const output = deformation.sample(features, grid, shape);
      const { gradFeatures } = deformation.sampleBackward(gradOutput, features, grid, shape);
      const size = output.reduce((sum, v, i) => sum + Math.abs(v * gradOutput[i]), 1);
      assert.ok(Math.abs(dot(output, gradOutput) - dot(features, gradFeatures)) <= 1e-5 * size);
    }),
  );
});

test("the gradient of the grid is the derivative of the oracle's values", () => {
  const { shape, features, grid, gradOutput } = setting({
    ...{ n: 2, channels: 5, height: 6, width: 7, outHeight: 4, outWidth: 3 },
    ...{ alignCorners: false, seed: 7, spread: 2 },
  });
  const { gradGrid } = deformation.sampleBackward(gradOutput, features, grid, shape);
  const loss = (at: number, step: number) => {
    const moved = Float64Array.from(grid);
    moved[at] += step;
    return reference.sample(features, moved, shape).value.reduce((sum, v, i) => sum + v * gradOutput[i], 0);
  };
  gradGrid.forEach((g, i) => {
    const derivative = (loss(i, 1e-6) - loss(i, -1e-6)) / 2e-6;
    assert.ok(Math.abs(g - derivative) < 1e-5, `${g}, ${derivative} at ${i}`);
  });
  assert.ok(gradGrid.some((g) => Math.abs(g) > 1));
});

test("groups of channels and samples do not show: each map is as it is alone", () => {
  const shape = { n: 2, channels: 11, height: 90, width: 70, outHeight: 60, outWidth: 81 };
  const one = { ...shape, n: 1, channels: 1 };
  const [cells, outCells] = [90 * 70, 60 * 81];
  const features = noise(22 * cells, 3);
  const grid = noise(2 * outCells * 2, 4, 2.2);
  const gradOutput = noise(22 * outCells, 5);
  const output = deformation.sample(features, grid, shape);
  const { gradFeatures, gradGrid } = deformation.sampleBackward(gradOutput, features, grid, shape);
  const sums = new Float64Array(gradGrid.length);
  for (let c = 0; c < 22; c++) {
    const s = c < 11 ? 0 : 1;
    const [x, y] = [
      features.slice(c * cells, (c + 1) * cells),
      gradOutput.slice(c * outCells, (c + 1) * outCells),
    ];
    const points = grid.slice(s * outCells * 2, (s + 1) * outCells * 2);
    assert.deepEqual(deformation.sample(x, points, one), output.slice(c * outCells, (c + 1) * outCells));
    const alone = deformation.sampleBackward(y, x, points, one);
    assert.deepEqual(alone.gradFeatures, gradFeatures.slice(c * cells, (c + 1) * cells));
    alone.gradGrid.forEach((g, i) => {
      sums[s * outCells * 2 + i] += g;
    });
  }
  near(gradGrid, sums, () => 1e-3, "grid");
});

test("the identity gives back what it is given, and a far point nothing", () => {
  for (const alignCorners of [true, false]) {
    const shape = { n: 1, channels: 3, height: 5, width: 4, alignCorners };
    const features = noise(60, 9);
    const same = deformation.affineGrid(Float32Array.of(1, 0, 0, 0, 1, 0), {
      n: 1,
      height: 5,
      width: 4,
      alignCorners,
    });
    near(deformation.sample(features, same, shape), features, () => 2e-6, "identity");
    const far = new Float32Array(40).fill(3e38);
    assert.deepEqual(deformation.sample(features, far, shape), new Float32Array(60));
    const { gradFeatures, gradGrid } = deformation.sampleBackward(features, features, far, shape);
    assert.ok(gradFeatures.every((g) => g === 0) && gradGrid.every((g) => g === 0));
  }
});

const ROTATION = { n: 2, channels: 8, height: 7, width: 7 } as const;
const FEATURES = noise(2 * 8 * 49, 21);
const ANGLES = Float32Array.of(0, 0.1, -0.17, 0.05, 0.1745, -0.1, 0.02, -0.003);

test("a rotation is sampling with the grid of its matrix, bit for bit, block by block", () => {
  for (const alignCorners of [true, false]) {
    const { output, backward } = deformation.rotate(FEATURES, ANGLES, { ...ROTATION, alignCorners });
    const gradOutput = noise(output.length, 22);
    const { gradFeatures, gradAngles } = backward(gradOutput);
    const theta = new Float32Array(48);
    ANGLES.forEach((angle, b) => {
      theta.set([Math.cos(angle), -Math.sin(angle), 0, Math.sin(angle), Math.cos(angle), 0], b * 6);
    });
    const grid = deformation.affineGrid(theta, { n: 8, height: 7, width: 7, alignCorners });
    const shape = { n: 8, channels: 2, height: 7, width: 7, alignCorners };
    assert.deepEqual(output, deformation.sample(FEATURES, grid, shape));
    const back = deformation.sampleBackward(gradOutput, FEATURES, grid, shape);
    assert.deepEqual(gradFeatures, back.gradFeatures);
    const gradTheta = deformation.affineGridBackward(back.gradGrid, {
      n: 8,
      height: 7,
      width: 7,
      alignCorners,
    });
    ANGLES.forEach((angle, b) => {
      const [t00, t01, , t10, t11] = gradTheta.subarray(b * 6);
      const want = Math.cos(angle) * (t10 - t01) - Math.sin(angle) * (t00 + t11);
      assert.ok(Math.abs(gradAngles[b] - want) <= 1e-5, `${gradAngles[b]}, ${want}`);
    });
  }
});

test("the gradient of the angles is the derivative of the oracle's rotation", () => {
  for (const alignCorners of [true, false]) {
    const angles = ANGLES.map((a, i) => (i === 0 ? 0.011 : a)); // at 0 the slope jumps
    const { backward } = deformation.rotate(FEATURES, angles, { ...ROTATION, alignCorners });
    const gradOutput = noise(FEATURES.length, 23);
    const maps = { ...{ n: 8, channels: 2, height: 7, width: 7, outHeight: 7, outWidth: 7 }, alignCorners };
    const loss = (b: number, step: number) => {
      const theta = [...angles].flatMap((angle, i) => {
        const moved = angle + (i === b ? step : 0);
        return [Math.cos(moved), -Math.sin(moved), 0, Math.sin(moved), Math.cos(moved), 0];
      });
      const { value } = reference.sample(FEATURES, reference.affineGrid(theta, maps), maps);
      return value.reduce((sum, v, i) => sum + v * gradOutput[i], 0);
    };
    backward(gradOutput).gradAngles.forEach((g, b) => {
      const derivative = (loss(b, 1e-7) - loss(b, -1e-7)) / 2e-7;
      assert.ok(Math.abs(g - derivative) < 2e-4 * (1 + Math.abs(g)), `${g}, ${derivative} for ${b}`);
    });
  }
});

test("an angle beyond the limit counts as the limit, and has no gradient", () => {
  const limit = Math.fround((10 * Math.PI) / 180);
  const angles = Float32Array.of(limit, -limit, 0.2, -3, 0.1, 1e30, -1e30, 0);
  const within = angles.map((a) => Math.min(Math.max(a, -limit), limit));
  const one = deformation.rotate(FEATURES, angles, ROTATION);
  const two = deformation.rotate(FEATURES, within, ROTATION);
  assert.deepEqual(one.output, two.output);
  const [g, h] = [one.backward(FEATURES), two.backward(FEATURES)];
  assert.deepEqual(g.gradFeatures, h.gradFeatures);
  g.gradAngles.forEach((slope, b) => {
    assert.equal(slope, within[b] === angles[b] ? h.gradAngles[b] : 0);
  });
  assert.ok(g.gradAngles[0] !== 0 && h.gradAngles[3] !== 0);
});

test("the limit is the float32 next to it: the angle a caller rounds to it is within", () => {
  const degrees = Array.from({ length: 90 }, (_, i) => i + 1);
  const above = degrees.filter((d) => Math.fround((d * Math.PI) / 180) > (d * Math.PI) / 180);
  assert.ok(above.length > 20 && above.length < 70);
  const shape = { n: 1, channels: 1, height: 5, width: 5, blocks: 1 };
  const features = FEATURES.slice(0, 25);
  for (const maxDegrees of degrees) {
    const angle = Float32Array.of((maxDegrees * Math.PI) / 180);
    const { backward } = deformation.rotate(features, angle, { ...shape, maxDegrees });
    assert.ok(backward(features).gradAngles[0] !== 0, `${maxDegrees} degrees`);
  }
});

test("a quarter turn moves cells, exactly but for rounding", () => {
  const features = noise(9, 31);
  const options = { n: 1, channels: 1, height: 3, width: 3, blocks: 1, maxDegrees: 90 };
  const { output } = deformation.rotate(features, Float32Array.of(Math.PI / 2), options);
  // Output (x, y) is input (-y, x): row i, column j comes from row j, column 2 - i.
  const want = Array.from({ length: 9 }, (_, k) => features[(k % 3) * 3 + 2 - Math.floor(k / 3)]);
  near(output, want, () => 1e-6, "quarter");
});

test("what earlier calls left in memory does not show", () => {
  const run = () =>
    [1, 2, 3, 5].map((channels) => {
      const maps = { n: 2, channels, height: 3, width: 5, outHeight: 7, outWidth: 1, alignCorners: false };
      const { shape, features, grid, gradOutput } = setting({ ...maps, seed: 3, spread: 2.5 });
      const theta = noise(12, 4);
      const { output, backward } = deformation.rotate(features, noise(2, 5, 0.3), {
        ...{ n: 2, channels, height: 3, width: 5, blocks: 1 },
      });
      return [
        deformation.sample(features, grid, shape),
        deformation.sampleBackward(gradOutput, features, grid, shape),
        deformation.affineGrid(theta, { n: 2, height: 3, width: 3 }),
        deformation.affineGridBackward(grid.slice(0, 14), { n: 1, height: 7, width: 1 }),
        output,
        backward(features),
      ];
    });
  const want = run();
  soil();
  assert.deepEqual(run(), want);
});

test("memory does not grow with the number of samples", () => {
  const run = (n: number) => {
    const shape = { n, channels: 16, height: 20, width: 20 };
    const features = noise(n * 16 * 400, 1);
    const { output, backward } = deformation.rotate(features, noise(n * 4, 2, 0.3), shape);
    backward(output);
    occlusion.apply(features, new Uint8Array(n * 400), { n, channels: 16, size: 20 });
    occlusion.maskBackward(output, features, { n, channels: 16, size: 20 });
    return kernel.memory.buffer.byteLength;
  };
  const before = run(1);
  assert.equal(run(400), before); // ten megabytes of features
});

test("nothing is nothing", () => {
  const empty = new Float32Array(0);
  const shape = { n: 0, channels: 4, height: 3, width: 3 };
  assert.equal(deformation.affineGrid(empty, { n: 0, height: 3, width: 3 }).length, 0);
  assert.equal(deformation.sample(empty, empty, shape).length, 0);
  assert.equal(deformation.sampleBackward(empty, empty, empty, shape).gradGrid.length, 0);
  const { output, backward } = deformation.rotate(empty, empty, shape);
  assert.equal(output.length + backward(empty).gradAngles.length, 0);
});

test("kinds, shapes and options are refused", () => {
  const shape = { n: 1, channels: 2, height: 3, width: 3 };
  const [x, grid, theta] = [noise(18, 1), noise(18, 2), noise(6, 3)];
  const { affineGrid, affineGridBackward, sample, sampleBackward, rotate } = deformation;
  refuse(() => sample(loose([1]), grid, shape), "TypeError", /Float32Array/);
  refuse(() => sample(x, loose(new Float64Array(18)), shape), "TypeError", /grid/);
  refuse(() => sample(x.slice(1), grid, shape), "RangeError", /18 values of features \[1, 2, 3, 3\], got 17/);
  refuse(() => sample(x, grid.slice(2), shape), "RangeError", /16/);
  refuse(() => sample(x, grid, loose({ ...shape, colour: 1 })), "TypeError", /colour/);
  refuse(() => sample(x, grid, loose({ ...shape, n: undefined })), "TypeError", /n as a number/);
  refuse(() => sample(x, grid, loose(undefined)), "TypeError", /n as a number/);
  refuse(() => sample(x, grid, { ...shape, channels: 1.5 }), "RangeError", /1\.5/);
  refuse(() => sample(x, grid, { ...shape, outWidth: 0 }), "RangeError", /outWidth/);
  refuse(() => sample(x, grid, { ...shape, height: 2 ** 13, width: 2 ** 12 }), "RangeError", /8192 x 4096/);
  refuse(() => sample(x, grid, { ...shape, alignCorners: loose(1) }), "TypeError", /alignCorners/);
  refuse(() => sampleBackward(x.slice(1), x, grid, shape), "RangeError", /gradOutput/);
  refuse(() => affineGrid(theta, { n: 2, height: 3, width: 3 }), "RangeError", /12 values of theta/);
  refuse(() => affineGridBackward(grid, { n: 1, height: 2, width: 3 }), "RangeError", /gradGrid/);
  refuse(
    () => rotate(x, noise(2, 1), { ...shape, blocks: 3 }),
    "RangeError",
    /multiple of 3 channels, got 2/,
  );
  refuse(() => rotate(x, noise(3, 1), { ...shape, blocks: 2 }), "RangeError", /angles \[1, 2\], got 3/);
  refuse(() => rotate(x, noise(2, 1), { ...shape, blocks: 2, maxDegrees: 181 }), "RangeError", /181/);
  refuse(
    () => rotate(x, noise(2, 1), { ...shape, blocks: 2 }).backward(noise(3, 1)),
    "RangeError",
    /gradOutput/,
  );
});

test("values that are not finite are refused by index, and sums beyond float32 too", () => {
  const shape = { n: 2, channels: 2, height: 3, width: 3 };
  const [x, grid] = [noise(36, 1), noise(36, 2)];
  const { affineGrid, affineGridBackward, sample, sampleBackward, rotate } = deformation;
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    for (const at of [0, 7, 17, 18, 35]) {
      const named = new RegExp(`got ${bad} at index ${at}$`);
      refuse(() => sample(put(x, at, bad), grid, shape), "RangeError", named);
      refuse(() => sample(x, put(grid, at, bad), shape), "RangeError", named);
      refuse(() => sampleBackward(put(x, at, bad), x, grid, shape), "RangeError", named);
      refuse(() => sampleBackward(x, put(x, at, bad), grid, shape), "RangeError", named);
      refuse(
        () => affineGridBackward(put(grid, at, bad), { n: 2, height: 3, width: 3 }),
        "RangeError",
        named,
      );
    }
    refuse(
      () => affineGrid(put(noise(6, 1), 5, bad), { n: 1, height: 1, width: 1 }),
      "RangeError",
      /index 5/,
    );
    refuse(() => rotate(x, Float32Array.of(0, 0, 0, bad), { ...shape, blocks: 2 }), "RangeError", /index 3/);
  }
  const huge = new Float32Array(36).fill(3e38);
  refuse(() => sampleBackward(huge, x, new Float32Array(36), shape), "RangeError", /overflow at index/);
  refuse(() => sampleBackward(huge, huge, grid, shape), "RangeError", /overflow at index/);
  refuse(() => affineGridBackward(huge, { n: 2, height: 3, width: 3 }), "RangeError", /overflow/);
  const theta = new Float32Array(6).fill(3e38);
  refuse(() => affineGrid(theta, { n: 1, height: 3, width: 3 }), "RangeError", /grid points/);
  assert.ok(sample(x, grid, shape).every(Number.isFinite), "and the next call is untouched");
});
