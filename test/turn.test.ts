/** Sine and cosine of the module, over the bit patterns of every angle that is allowed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reserve, views } from "../src/arena.ts";
import { kernel } from "../src/wasm/kernel.ts";
import { ulps } from "./reference/ulp.ts";

const PI = Math.fround(Math.PI);

function turns(angles: Float32Array): { sines: Float32Array; cosines: Float32Array } {
  const n = angles.length;
  const [at, sines, cosines] = reserve([n * 4, n * 4, n * 4]);
  views().f32.set(angles, at >> 2);
  kernel.turns(n, at, sines, cosines);
  const cut = (from: number) => views().f32.slice(from >> 2, (from >> 2) + n);
  return { sines: cut(sines), cosines: cut(cosines) };
}

/** Angles from 0 to pi at a stride of bit patterns, both signs, and those next to the quarters. */
function angles(): Float32Array {
  const bits: number[] = [];
  const end = new Uint32Array(Float32Array.of(PI).buffer)[0];
  for (let pattern = 0; pattern < end; pattern += 5003) bits.push(pattern);
  for (let k = 1; k <= 8; k++) {
    const [near] = new Uint32Array(Float32Array.of((k * Math.PI) / 8).buffer);
    for (let step = -9; step <= 9; step++) if (near + step <= end) bits.push(near + step);
  }
  const found = new Float32Array(Uint32Array.from(bits).buffer);
  const both = new Float32Array(2 * found.length);
  both.set(found);
  both.set(
    found.map((x) => -x),
    found.length,
  );
  return both;
}

test("sine and cosine are within 0.501 ulp from -pi to pi", () => {
  const all = angles();
  const { sines, cosines } = turns(all);
  let most = 0;
  all.forEach((x, i) => {
    for (const [got, truth] of [
      [sines[i], Math.sin(x)],
      [cosines[i], Math.cos(x)],
    ]) {
      const distance = ulps(got, truth);
      assert.ok(distance <= 0.501, `${x}: ${got}, want ${truth}, ${distance} ulp`);
      most = Math.max(most, distance);
    }
  });
  assert.ok(all.length > 4e5 && most > 0.49, `${all.length} angles, at most ${most} ulp`);
});

test("sine and cosine are exact where they must be", () => {
  const { sines, cosines } = turns(Float32Array.of(0, 1e-30, Math.PI / 2, -Math.PI / 2, Math.PI));
  assert.deepEqual([...sines.subarray(0, 4)], [0, Math.fround(1e-30), 1, -1]);
  assert.deepEqual([cosines[0], cosines[1], cosines[4]], [1, 1, -1]);
});
