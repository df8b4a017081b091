/** Builds everything: `bun tools/build.ts`. Compile, interleave, embed, emit. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { typesOnly } from "./declarations.ts";
import { interleave, type LoopReport, requireInterleaved } from "./interleave.ts";

/**
 * Rounds that are interleaved in each kernel that touches every element, as measured by `npm run bench:kernels`. The
 * build fails if one with more than one was left plain; one with a single round stays plain on purpose: its body is
 * short, and memory or one slow instruction sets its pace. All other loops get four where they fit.
 */
export const COPIES: Readonly<Record<string, number>> = {
  decay: 2,
  bceHard: 2,
  bceSoft: 2,
  focalSquare: 2,
  focalHalves: 4,
  focalReal: 4,
  focalStar: 3,
  hardTruncation: 2,
  softTruncation: 2,
  asymmetricParts: 2,
  asymmetricReal: 2,
  admitRows: 1,
  countLabels: 1,
  decayRows: 2,
  liftRows: 1,
  liftLongRows: 1,
  marginRows: 2,
  marginPairs: 2,
  exceed: 1,
  settleRows: 1,
  spreadRows: 1,
  spreadLongRows: 1,
  joinRows: 4,
  weighRows: 4,
  levelRows: 1,
  tailRows: 3,
  settleTail: 1,
  smoothRows: 1,
  rivalRows: 4,
  settleRival: 1,
  smoothL1: 2,
  smoothL1Far: 1, // this one and `asl1Far`: for values that hardly any batch has
  asl1: 2,
  asl1Far: 1,
  survey: 1,
  surveySoft: 1,
  surveyReal: 1,
  widen: 1,
  blank: 4,
  gauge: 1,
  weigh: 1,
  choose: 1,
  divide: 1,
  magnitudes: 4,
  indexFloor: 4,
  indexRounded: 4,
  tallyFloor: 4,
  tallyRounded: 4,
  exactDensity: 1,
  exactScale: 4,
  affineGrid: 1, // little beside the channels that follow it
  affineGridBackward: 1,
  turns: 1,
  corners: 1,
  keepLanes: 1,
  narrow: 1,
  toCells: 1, // moves only
  toPlanes: 1,
  addProducts: 1, // this one and the next three wait for memory or for their sums: no gain
  extent: 1,
  occlude: 1,
  slopes: 1,
  blend: 4,
  scatter: 4,
  lookup: 1,
  lookupHalf: 1,
  lookupWide: 1,
  admitLosses: 1, // this one and the next two take several vectors a round as they are
  groupMaxima: 1,
  floorKey: 1,
  drDecays: 1, // this one and the next four: two copies of each would gain a tenth for 2 kB
  drPowers: 1,
  drScores: 1,
  drSums: 1,
  drGrad: 1,
};

/**
 * The module that is shipped, from the plain one.
 * @throws {Error} if a kernel with more than one copy was left plain
 */
export function accelerate(
  plain: Uint8Array,
  copies: Readonly<Record<string, number>> = COPIES,
): { wasm: Uint8Array; loops: LoopReport[] } {
  const made = interleave(plain, { copies: (kernel) => copies[kernel] ?? 4 });
  requireInterleaved(
    made.loops,
    Object.keys(copies).filter((kernel) => copies[kernel]! > 1),
  );
  return made;
}

async function compile(config: string): Promise<void> {
  const { default: asc } = await import("assemblyscript/asc");
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
  for (const file of readdirSync("dist", { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".d.ts"))
      writeFileSync(`dist/${file}`, typesOnly(readFileSync(`dist/${file}`, "utf8")));
  }
}

function bundle(out: string): void {
  const args = [
    "build",
    "--target=browser",
    "--format=esm",
    "--external=*.wasm",
    `--outfile=dist/${out}`,
    "dist/mod.js",
  ];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot bundle dist: ${stderr}`);
}

/**
 * One file instead of thirty: an engine that starts cold spends more on opening modules than on compiling them. And
 * one more for workerd and its kin, which may not compile bytes: it imports the module as a file.
 */
function bundles(): void {
  bundle("bundle.js");
  writeFileSync("dist/wasm/module.js", 'export { default as module } from "./kernel.wasm";\n');
  bundle("workerd.js");
  copyFileSync("build/kernel.wasm", "dist/kernel.wasm");
  // What an import of the module gives is for each runtime and bundler to say.
  writeFileSync("dist/kernel.wasm.d.ts", "declare const module: unknown;\nexport default module;\n");
  for (const file of readdirSync("dist", { recursive: true, encoding: "utf8" })) {
    const isOwn = file === "bundle.js" || file === "workerd.js" || file.startsWith("cli");
    if (file.endsWith(".js") && !isOwn) rmSync(`dist/${file}`);
  }
  renameSync("dist/bundle.js", "dist/mod.js");
}

if (import.meta.main) {
  mkdirSync("build", { recursive: true });
  await compile("asconfig.json");
  await compile("asconfig.probe.json");
  const { wasm } = accelerate(readFileSync("build/plain.wasm"));
  writeFileSync("build/kernel.wasm", wasm);
  embed(wasm);
  emit();
  bundles();
}
