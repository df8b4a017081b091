/** Builds everything: `bun tools/build.ts`. Compile, interleave, embed, emit. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { interleave, requireInterleaved } from "./interleave.ts";

/**
 * Rounds that are interleaved in each kernel that touches every element: measured, see docs/speed.md. The build
 * fails if one of them was left plain. All other loops get four where they fit.
 */
const COPIES: Readonly<Record<string, number>> = {
  bceHard: 6,
  bceSoft: 4,
  focalSquare: 6,
  focalHalves: 6,
  focalReal: 6,
  survey: 4,
  surveySoft: 4,
  widen: 4,
  blank: 4,
  gauge: 4,
  weigh: 4,
  choose: 4,
  divide: 4,
  magnitudes: 4,
  indexFloor: 4,
  indexRounded: 4,
  tallyFloor: 4,
  tallyRounded: 4,
  exactDensity: 4,
  exactScale: 4,
  lookup: 1, // sixteen elements a round already
  lookupWide: 1,
  lossKeys: 4,
};

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
const { wasm, loops } = interleave(readFileSync("build/plain.wasm"), {
  copies: (kernel) => COPIES[kernel] ?? 4,
});
requireInterleaved(
  loops,
  Object.keys(COPIES).filter((kernel) => COPIES[kernel]! > 1),
);
writeFileSync("build/kernel.wasm", wasm);
embed(wasm);
emit();
