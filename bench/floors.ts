/**
 * How many times faster than plain TypeScript a loss could be at all: `npm run bench:floors`.
 *
 * In one process, in turns: the rival; the least arithmetic that the loss needs, with 128-bit vectors over memory inside
 * the module (assembly/floor.ts); and the copies that bring a caller's arrays into that memory and the gradient out of
 * it. The rival over floor and copies is a ratio that nothing made of the same steps can pass. `ours` is the public API,
 * for what lies between: checks, the loss beside the gradient, its exact sum, the divisor, calls.
 */
import { readFileSync } from "node:fs";
import { asl1, softmaxCrossEntropy } from "counterpoise";
import { do_not_optimize, measure } from "mitata";
import { interleave } from "../tools/interleave.ts";
import { residualBatch, rowBatch } from "./data.ts";
import * as residuals from "./rivals.residuals.ts";
import * as rows from "./rivals.rows.ts";

const SIZES = [1e4, 1e6];
/** Elements in the module at a time, as in the library. */
const CHUNK = 32768;
/** Addresses of arrays of one chunk. */
const [X, T, E, Z, OUT] = [0, 1, 2, 3, 4].map((k) => 65536 + k * (CHUNK * 4 + 1024)) as [
  number,
  number,
  number,
  number,
  number,
];
const ROUNDS = 4;
/** Nanoseconds that one turn takes at least. */
const TURN = 6e7;

type Exports = Record<string, (...args: number[]) => void> & { memory: WebAssembly.Memory };

/** The module as it is compiled, and with two and four rounds interleaved: the fastest of them is the floor. */
const plain = readFileSync("build/probe.wasm");
const modules = [plain, interleave(plain, { copies: 2 }).wasm, interleave(plain, { copies: 4 }).wasm].map(
  (bytes) => {
    const exports = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)))
      .exports as unknown as Exports;
    const f32 = new Float32Array(exports.memory.buffer);
    const { logits, targets } = residualBatch(CHUNK);
    f32.set(logits, X >> 2);
    f32.set(targets, T >> 2);
    for (let i = 0; i < CHUNK; i++) {
      f32[(E >> 2) + i] = -Math.abs(logits[i]!) * 4;
      f32[(Z >> 2) + i] = (i + 1) / CHUNK;
    }
    return exports;
  },
);
const room = modules[0]!.memory.buffer;

type Work = () => unknown;
interface Loss {
  name: string;
  /** Elements: residuals, or logits of all rows. */
  n: number;
  rival: Work;
  ours: Work;
  /** Ways to do the least arithmetic. */
  least: Work[];
  copies: Work;
}

/** Calls a kernel for n elements, with the same chunk again and again. */
function over(n: number, kernel: (size: number) => void): void {
  for (let left = n; left > 0; left -= CHUNK) kernel(Math.min(CHUNK, left));
}

/** Copies arrays into the module and a gradient out of it, chunk by chunk. */
function copying(inputs: readonly (Float32Array | Int32Array)[], grad: Float32Array): Work {
  const rooms = inputs.map((input, k) =>
    input instanceof Float32Array
      ? new Float32Array(room, [X, T][k], CHUNK)
      : new Int32Array(room, [X, T][k], CHUNK),
  );
  const out = new Float32Array(room, OUT, CHUNK);
  return () => {
    for (let from = 0; from < grad.length; from += CHUNK) {
      inputs.forEach((input, k) => {
        if (from < input.length) rooms[k]!.set(input.subarray(from, from + CHUNK));
      });
      grad.set(out.subarray(0, Math.min(CHUNK, grad.length - from)), from);
    }
  };
}

function residual(n: number, name: string, least: (size: number, module: Exports) => Work[]): Loss {
  const batch = residualBatch(n);
  const [grad, other] = [new Float32Array(n), new Float32Array(n)];
  return {
    name,
    n,
    rival: () => residuals.asl1(batch, other),
    ours: () => asl1.into({ grad }, batch.logits, batch.targets),
    least: modules.flatMap((module) => least(n, module)),
    copies: copying([batch.logits, batch.targets], grad),
  };
}

/** Slope and root of asl1: with the divisor in the constants, a root and a division do for the gradient. */
function slope(n: number): Loss {
  return residual(n, "asl1", (n, { slopeFloor, slopeNewton }) =>
    [slopeFloor!, slopeNewton!].map((kernel) => () => over(n, (size) => kernel(size, X, T, 0.02 ** 2, OUT))),
  );
}

/** The same with the gradient of the mean as it is promised: that of the element, rounded, divided by n. */
function mean(n: number): Loss {
  return residual(n, "asl1, divided by N", (n, { meanFloor, meanNewton }) =>
    [meanFloor!, meanNewton!].map((kernel) => () => over(n, (size) => kernel(size, X, T, 0.02 ** 2, OUT, n))),
  );
}

/** Cross-entropy of rows: the exponentials of the classes that are not the label, one logarithm and one division a row. */
function softmax(n: number, classes: number): Loss {
  const batch = rowBatch(n, classes);
  const { logits, labels } = batch;
  const [grad, other] = [new Float32Array(logits.length), new Float32Array(logits.length)];
  return {
    name: `softmaxCrossEntropy ${classes}`,
    n: logits.length,
    rival: () => rows.softmaxCrossEntropy(batch, other),
    ours: () => softmaxCrossEntropy.into({ grad }, logits, labels, { classes }),
    least: modules.map(({ expFloor, logFloor }) => () => {
      over(logits.length - labels.length, (size) => expFloor!(size, E, OUT));
      over(labels.length, (size) => logFloor!(size, Z, OUT));
    }),
    copies: copying([logits, labels], grad),
  };
}

/** Nanoseconds an element of each, in turns, the fastest sample. */
async function times(works: readonly Work[], n: number): Promise<number[]> {
  const best = works.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [k, work] of works.entries()) {
      const { min } = await measure(() => do_not_optimize(work()), { min_cpu_time: TURN });
      best[k] = Math.min(best[k]!, min);
    }
  }
  return best.map((ns) => ns / n);
}

async function line(loss: Loss): Promise<string> {
  const [rival, ours, copies, ...least] = await times(
    [loss.rival, loss.ours, loss.copies, ...loss.least],
    loss.n,
  );
  const floor = Math.min(...least);
  const ratios = [rival! / (floor + copies!), rival! / ours!].map((ratio) => `${ratio.toFixed(1)}x`);
  const cells = [rival!, floor, copies!, ours!].map((ns) => ns.toFixed(2));
  const words = [String(loss.n), ...cells, ...ratios].map((word) => word.padStart(9));
  return loss.name.padEnd(25) + words.join("");
}

const HEADS = ["N", "rival", "floor", "copies", "ours", "at most", "reached"];
console.log("ns per element, and times faster than the rival: at most, by floor and copies, and as it is");
console.log("".padEnd(25) + HEADS.map((head) => head.padStart(9)).join(""));
for (const n of SIZES)
  for (const loss of [slope(n), mean(n), softmax(n, 3), softmax(n, 1000)]) console.log(await line(loss));
