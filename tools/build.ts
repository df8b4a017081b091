/** Builds everything: `bun tools/build.ts`. Compile, interleave, embed, emit. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

async function compile(config: string): Promise<void> {
  const { error, stderr } = await asc.main(["--config", config]);
  if (error) throw new Error(`Cannot compile ${config}: ${stderr.toString()}`);
}

mkdirSync("build", { recursive: true });
await compile("asconfig.json");
await compile("asconfig.probe.json");
const wasm = readFileSync("build/plain.wasm");
writeFileSync("build/kernel.wasm", wasm);
writeFileSync("src/wasm/bytes.ts", `export const base64: string = "${wasm.toString("base64")}";\n`);
