/** Builds everything: `bun tools/build.ts`. Compile, interleave, embed, emit. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { interleave, requireInterleaved } from "./interleave.ts";

/** Kernels that must not be left plain: everything that touches each element. */
const INTERLEAVED = [
  ...["bce", "focalSquare", "focalHalves", "focalReal"],
  ...["survey", "widen", "blank", "gauge", "weigh", "divide", "magnitudes", "peak", "sum"],
  ...["tallyFloor", "tallyRounded", "indexFloor", "indexRounded", "lookup", "lookupWide"],
  ...["exactDensity", "exactScale"],
];

async function compile(config: string): Promise<void> {
  const { error, stderr } = await asc.main(["--config", config]);
  if (error) throw new Error(`Cannot compile ${config}: ${stderr.toString()}`);
}

/** The module as text, so that importing it needs no file, no fetch and no permission. */
function embed(wasm: Uint8Array): void {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const digest = createHash("sha256").update(wasm).digest("hex");
  writeFileSync(
    "src/wasm/bytes.ts",
    `// Made by tools/build.ts\nexport const version: string = "${version}";\nexport const digest: string = "${digest}";\n` +
      `export const base64: string = "${Buffer.from(wasm).toString("base64")}";\n`,
  );
}

function emit(): void {
  rmSync("dist", { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("Cannot emit dist: expected no type errors, got some");
}

mkdirSync("build", { recursive: true });
await compile("asconfig.json");
await compile("asconfig.probe.json");
const { wasm, loops } = interleave(readFileSync("build/plain.wasm"));
requireInterleaved(loops, INTERLEAVED);
writeFileSync("build/kernel.wasm", wasm);
embed(wasm);
emit();
