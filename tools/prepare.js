/**
 * Builds where npm packs a git dependency, which runs `prepare` and nothing else. Installing here runs it too, and then
 * there is nothing to do: `npm start` and `npm test` build by themselves. Plain JavaScript, since Bun may not be in
 * place yet and Node 20 reads no TypeScript.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";

// npm names what it packs, and names nothing where it installs; `npm pack` has built by now, in `prepack`.
if (process.env.npm_package_resolved && !existsSync("dist/mod.js")) {
  const { status } = spawnSync("npm run build", { stdio: "inherit", shell: true });
  process.exitCode = status ?? 1;
}
