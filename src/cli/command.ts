/** What a command is, and where it writes. */
import type { Given, Options } from "./options.ts";
import type { Terminal } from "./progress.ts";

/** Results go to `stdout`, all else to `stderr`. The global `process` is one of these. */
export interface Io {
  stdout: { write(text: string): unknown };
  stderr: Terminal;
}

export interface Command {
  name: string;
  summary: string;
  /** Text of the help behind the options. */
  notes: string;
  options: Options;
  /** Returns the exit code: 0 done, 1 a check failed. */
  run(task: string, given: Given, io: Io): Promise<number>;
}
