/**
 * Times every kernel of build/plain.wasm against the same kernel of build/kernel.wasm, in turns, in one process, and
 * prints `[name, plain, interleaved]` in nanoseconds per element as JSON. `npm run bench:kernels` runs it five times.
 */
import { readFileSync } from "node:fs";

const N = 4096;
const SIZE = N * 4 + 1024;
type Exports = Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory };

interface Side {
  exports: Exports;
  /** Rooms of N float32 each. */
  at: number[];
}

function load(file: string): Side {
  const module = new WebAssembly.Module(readFileSync(file));
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  const start = Math.ceil(exports.heapBase!() / 64) * 64;
  const at = Array.from({ length: 20 }, (_, i) => start + 65536 + i * SIZE);
  const f32 = new Float32Array(exports.memory.buffer);
  let state = 7;
  for (let i = 0; i < N; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    f32[(at[0]! >> 2) + i] = (state / 2 ** 32 - 0.7) * 12;
    f32[(at[1]! >> 2) + i] = state % 97 === 0 ? 1 : 0;
    f32[(at[2]! >> 2) + i] = 1;
    f32[(at[3]! >> 2) + i] = (state % 1000) / 1000;
  }
  new Uint8Array(exports.memory.buffer).fill(1, at[4]!, at[4]! + N);
  f32.set([N, 1, 1, 2, 0], start >> 2);
  return { exports, at: [start, ...at] };
}

/** Arguments of each kernel, from its rooms: [op, x, t, ones, g, mask, then free ones]. */
const CALLS: Record<string, (at: number[]) => number[]> = {
  decay: ([, x, , , , , , , loss]) => [0, N * 4, x!, loss!],
  bceHard: ([op, x, t, ones, , , , , loss, grad]) => [N, x!, t!, ones!, 0, op!, loss!, grad!],
  focalSquare: ([op, x, t, ones, , , , , loss, grad]) => [N, x!, t!, ones!, 0, op!, loss!, grad!],
  focalHalves: ([op, x, t, ones, , , , , loss, grad]) => [N, x!, t!, ones!, 0, op!, loss!, grad!],
  focalReal: ([op, x, t, ones, , , , , loss, grad]) => [N, x!, t!, ones!, 0, op!, loss!, grad!],
  bceSoft: ([op, x, , ones, t, , , , loss, grad]) => [N, x!, t!, ones!, ones!, 0, op!, loss!, grad!],
  survey: ([op, x, t]) => [N, x!, t!, op! + 1024],
  surveySoft: ([op, , t]) => [N, t!, op! + 1024],
  gauge: ([, , , ones]) => [N, ones!],
  divide: ([, , , ones]) => [N, ones!, 1],
  weigh: ([, , , ones, , , a, b, c, d]) => [N, ones!, a!, b!, -1, c!, d!],
  indexFloor: ([, , , , g, , , , out]) => [N, g!, 30, out!],
  indexRounded: ([, , , , g, , , , out]) => [N, g!, 30, out!],
  sum: ([op, , , , g]) => [N, g!, op! + 2048],
  widen: ([, , , , , mask, , , out]) => [N, mask!, out!],
  blank: ([, , , , , mask, a, b, c]) => [N, mask!, a!, b!, c!],
  choose: ([, , t, ones, g, , , , out]) => [N, t!, ones!, g!, out!],
  magnitudes: ([, , , , g, , , , out]) => [N, g!, 0, out!],
  exactScale: ([, , , ones, g, , , , out]) => [N, ones!, g!, ones!, 1 / 30, out!],
  exactDensity: ([, , , ones, g, , , , , , a, , b]) => [N, g!, ones!, 1 / 30, a!, b!, N],
  tallyFloor: ([op, , , , g, , , , , loss, bytes, tables]) => [N, g!, loss!, 30, tables!, bytes!, op! + 1024],
};

function sample({ exports, at }: Side, name: string): number {
  const args = CALLS[name]!(at);
  const start = performance.now();
  for (let i = 0; i < 16; i++) exports[name]!(...args);
  return ((performance.now() - start) * 1e6) / (16 * N);
}

const plain = load("build/plain.wasm");
const interleaved = load("build/kernel.wasm");
const lines = Object.keys(CALLS).map((name) => {
  let a = Infinity;
  let b = Infinity;
  for (let round = 0; round < 400; round++) {
    a = Math.min(a, sample(plain, name));
    b = Math.min(b, sample(interleaved, name));
  }
  return [name, a, b];
});
console.log(JSON.stringify(lines));
