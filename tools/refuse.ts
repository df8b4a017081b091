import process from "node:process";

/** Ends a tool that was asked for something it does not know: one line, exit code 2. */
export function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}
