/** Options of the commands: one row each, checked by name, and read into what the library takes. */
import { parseArgs } from "node:util";

export interface Option {
  /** What stands for the value in the help; absent for a switch. */
  takes?: string;
  help: string;
  required?: boolean;
}

export type Options = Record<string, Option>;

/** What was given, by option name; a switch has the value "". */
export type Given = Partial<Record<string, string>>;

/** Steps of insertion, removal and exchange between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

/** The known word that is nearest to `word`, if one is near at all. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, steps: distance(word, name) }))
    .sort((a, b) => a.steps - b.steps);
  const [best] = ranked;
  // A name that shares no letter is no guess.
  const most = best ? Math.min(Math.max(2, word.length / 3), best.name.length - 1) : 0;
  return best && best.steps <= most ? best.name : undefined;
}

/** Reads the words after a command. Nothing unknown, doubled or half given gets through. */
export function readOptions(task: string, argv: readonly string[], known: Options): Given {
  const types = Object.fromEntries(
    Object.entries(known).map(([name, { takes }]) => [name, { type: takes ? "string" : "boolean" } as const]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: types,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Given = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      throw new TypeError(`Cannot ${task}: expected options, got ${JSON.stringify(token.value)}`);
    }
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(known, name) && rawName.startsWith("--") ? known[name] : undefined;
    if (!option) {
      const near = nearest(name, Object.keys(known));
      const hint = near
        ? `did you mean --${near}?`
        : `there are ${Object.keys(known)
            .map((one) => `--${one}`)
            .join(", ")}`;
      throw new TypeError(`Cannot ${task}: expected a known option, got ${rawName} (${hint})`);
    }
    if (given[name] !== undefined)
      throw new TypeError(`Cannot ${task}: expected --${name} once, got it twice`);
    if (!option.takes && inlineValue) {
      throw new TypeError(`Cannot ${task}: expected --${name} without a value, got ${JSON.stringify(value)}`);
    }
    if (option.takes && (!value || (!inlineValue && value.startsWith("--")))) {
      throw new TypeError(
        `Cannot ${task}: expected ${option.takes} after --${name}, got ${value || "nothing"}`,
      );
    }
    given[name] = value ?? "";
  }
  for (const [name, { required, takes }] of Object.entries(known)) {
    if (required && given[name] === undefined)
      throw new TypeError(`Cannot ${task}: expected --${name} ${takes}, got none`);
  }
  return given;
}

/** The lines of a help text for these options. */
export function describeOptions(options: Options): string {
  const rows = Object.entries(options).map(([name, { takes, help }]) => [
    `--${name}${takes ? ` ${takes}` : ""}`,
    help,
  ]);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `  ${left.padEnd(width)}  ${help}\n`).join("");
}

/** Reads the text of an option's value; refuses with a sentence that names the option. */
export type Read = (task: string, name: string, text: string) => unknown;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export function readNumber(task: string, name: string, text: string, or = ""): number {
  if (NUMBER.test(text)) return Number(text);
  throw new TypeError(`Cannot ${task}: expected --${name} as a number${or}, got ${JSON.stringify(text)}`);
}

/** One number for all classes, or a list with one for each. */
export function readPerClass(task: string, name: string, text: string, or = ""): number | Float32Array {
  const values = text.split(",").map((part) => readNumber(task, name, part.trim(), or));
  return values.length === 1 ? values[0] : Float32Array.from(values);
}

/** The same, or `none` for null. */
export const readPerClassOrNone: Read = (task, name, text) =>
  text === "none" ? null : readPerClass(task, name, text, " or none");

/** A number, or one of the words that the library knows and checks. */
export const readWordOrNumber: Read = (_task, _name, text) => (NUMBER.test(text) ? Number(text) : text);
export const readWord: Read = (_task, _name, text) => text;

export function readFlag(task: string, name: string, text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new TypeError(`Cannot ${task}: expected --${name} as true or false, got ${JSON.stringify(text)}`);
}

const UNITS: Record<string, number> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** An amount of memory: `2GiB`, `500MB`, `4e9`. */
export function readBytes(task: string, name: string, text: string): number {
  const match = /^([\d.]+(?:e\d+)?)\s*([kmgt]i?)?b?$/i.exec(text);
  const bytes = match ? Number(match[1]) * UNITS[(match[2] ?? "").toLowerCase()] : Number.NaN;
  if (bytes >= 0) return bytes;
  throw new TypeError(
    `Cannot ${task}: expected --${name} as an amount like 2GiB, got ${JSON.stringify(text)}`,
  );
}
