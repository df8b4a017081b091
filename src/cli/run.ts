/** `counterpoise COMMAND OPTIONS`: finds the command, runs it, and turns whatever goes wrong into one line. */
import { version } from "../mod.ts";
import type { Command, Io } from "./command.ts";
import { listCommand } from "./list.ts";
import { lossCommand } from "./loss.ts";
import { describeOptions, nearest, readOptions } from "./options.ts";
import { selectCommand } from "./select.ts";
import { verifyCommand } from "./verify.ts";

const COMMANDS: readonly Command[] = [lossCommand, listCommand, selectCommand, verifyCommand];

const HELP = `counterpoise: losses and exact gradients for imbalanced data

usage: counterpoise COMMAND [OPTIONS]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}\n`).join("")}
  --help     this text; counterpoise COMMAND --help for a command
  --version  the version

Files are .npy (floats of 32 and 64 bits, integers, bool) or .csv, of any size.
Exit code: 0 done, 1 a check failed, 2 wrong use or bad input.
`;

const help = (command: Command): string =>
  `${command.summary}\n\nusage: counterpoise ${command.name} OPTIONS\n\n${describeOptions(command.options)}\n${command.notes}`;

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  const asksHelp = (word: string): boolean => word === "--help" || word === "-h";
  if (name !== undefined && (asksHelp(name) || name === "--version")) {
    io.stdout.write(asksHelp(name) ? HELP : `${version}\n`);
    return 0;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (!command) {
    const names = COMMANDS.map((one) => one.name);
    const near = name && nearest(name, names);
    const hint = near ? `did you mean ${near}?` : "see counterpoise --help";
    throw new TypeError(
      `Cannot run: expected a command (${names.join(", ")}), got ${name ?? "none"} (${hint})`,
    );
  }
  if (rest.some(asksHelp)) {
    io.stdout.write(help(command));
    return 0;
  }
  const task = `run ${command.name}`;
  return command.run(task, readOptions(task, rest, command.options), io);
}

/** One line for any error. A bug is named as such, still without a stack. */
function line(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const known = message.startsWith("Cannot ")
    ? message
    : `Cannot go on: expected no fault in counterpoise, got ${message}`;
  return known.replace(/\s*[\r\n]+\s*/g, " ");
}

/** Runs the command line and returns the exit code; never throws, never ends the process. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    io.stderr.write(`counterpoise: ${line(error)}\n`);
    return 2;
  }
}
