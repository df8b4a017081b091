/**
 * Where the three engines are on this machine. The packages from npm come first, because their versions
 * are pinned; their native binaries are looked up directly, so that neither a missing Node (their
 * launchers are Node scripts) nor a skipped install script matters.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

export type EngineName = "bun" | "deno" | "node";

const exe: string = process.platform === "win32" ? ".exe" : "";

/** Native binaries that packages of one npm scope carry, one package for each platform. */
function scoped(scope: string, file: string): string[] {
  const folder = join("node_modules", scope);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => [join(folder, name, file), join(folder, name, "bin", file)]);
}

/** Every place on the search path where a program of this name could be. */
function onPath(name: string): string[] {
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name + exe));
}

const CANDIDATES: Record<EngineName, () => string[]> = {
  bun: () => [
    ...(process.versions.bun ? [process.execPath] : []),
    join("node_modules", "bun", "bin", "bun.exe"),
    ...scoped("@oven", `bun${exe}`),
    ...onPath("bun"),
  ],
  deno: () => [
    join("node_modules", "deno", `deno${exe}`),
    ...scoped("@deno", `deno${exe}`),
    ...onPath("deno"),
  ],
  // `bun run` puts a folder with a `node` that is bun itself in front of the path: such an impostor is no Node.
  node: () => onPath("node"),
};

const PROBE: Record<EngineName, string[]> = {
  bun: ["--version"],
  deno: ["--version"],
  node: [
    "-e",
    "if (process.versions.bun || process.versions.deno) process.exit(1); console.log(process.version)",
  ],
};

/** An engine that answers: its path and the version it names. */
export interface Engine {
  name: EngineName;
  path: string;
  version: string;
}

/** The first candidate that starts, or null where the machine has none. */
export function findEngine(name: EngineName): Engine | null {
  for (const path of CANDIDATES[name]()) {
    if (!existsSync(path)) continue;
    const answer = spawnSync(path, PROBE[name], { encoding: "utf8" });
    const version = /\d+\.\d+\.\d+/.exec(answer.stdout ?? "")?.[0];
    if (answer.status === 0 && version) return { name, path, version };
  }
  return null;
}
