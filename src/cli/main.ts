#!/usr/bin/env node
/** The program. Everything is in `run.ts`, which can be called without ending the process. */
import process from "node:process";
import { main } from "./run.ts";

// A reader that has seen enough (`| head`) closes the pipe: that is no failure.
process.stdout.on("error", (error: Error & { code?: string }) =>
  process.exit(error.code === "EPIPE" ? 0 : 2),
);
process.exitCode = await main(process.argv.slice(2), process);
