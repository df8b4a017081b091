/**
 * Times the kernels of `cases.ts` in this engine and prints nanoseconds per element. With a folder as its argument it
 * leaves the memory of each case there instead, as it is before and after the kernel has run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { CASES, type Case, N } from "./cases.ts";

const module = new WebAssembly.Module(readFileSync("build/kernel.wasm"));

function load({ kernel, lay }: Case): { run: () => void; memory: Uint8Array; args: number[] } {
  const { exports } = new WebAssembly.Instance(module);
  const functions = exports as unknown as Record<string, (...args: number[]) => number>;
  const memory = (exports.memory as WebAssembly.Memory).buffer;
  const start = Math.ceil(functions.heapBase!() / 64) * 64;
  const args = lay(memory, start);
  const work = functions[kernel]!;
  return { run: () => work(...args), memory: new Uint8Array(memory), args };
}

function time({ name, ...rest }: Case): [string, number] {
  const { run } = load({ name, ...rest });
  let best = Infinity;
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    for (let i = 0; i < 4; i++) run();
    best = Math.min(best, ((performance.now() - start) * 1e6) / (4 * N));
  }
  return [name, best];
}

const folder = process.argv[2];
if (folder === undefined) console.log(JSON.stringify(CASES.map(time)));
else {
  const args = CASES.map((each, k) => {
    const { run, memory, args } = load(each);
    writeFileSync(`${folder}/${k}.before`, memory);
    run();
    writeFileSync(`${folder}/${k}.after`, memory);
    return args;
  });
  console.log(JSON.stringify(args));
}
