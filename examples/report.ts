/**
 * What imbalance does to a loss, on the real outputs of two detectors: `npm start`, or with `--json` for machines.
 *
 * For each data set: the losses, where each takes its gradient from, and how far the usual 30-bin density of
 * gradient harmonizing is from the exact one, with a certificate.
 */
import process from "node:process";
import { digest, version } from "counterpoise";
import { print } from "./layout.ts";
import { studyAll } from "./study.ts";

const findings = studyAll();
if (process.argv.includes("--json"))
  process.stdout.write(`${JSON.stringify({ version, digest, findings })}\n`);
else process.stdout.write(print(findings));
