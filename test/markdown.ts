/**
 * Runs the ```ts blocks of a page. A block is plain JavaScript that happens to be strict TypeScript, imports from
 * "counterpoise" or node, and may state what a line prints: `console.log(loss); // 0.1234`.
 */
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import * as library from "../src/mod.ts";
import { pathOf } from "./project.ts";

/** The pages that may have examples. */
export const PAGES: string[] = [
  ...["README.md", "CONTRIBUTING.md"].filter((page) => existsSync(pathOf(page))),
  ...(existsSync(pathOf("docs"))
    ? readdirSync(pathOf("docs")).filter((name) => name.endsWith(".md"))
    : []
  ).map((name) => `docs/${name}`),
];

export interface Block {
  line: number;
  code: string;
}

/** What a block printed where it stated what it would. */
export interface Statement {
  line: number;
  stated: string;
  printed: string;
}

/** The blocks of a page in the order of the page; ```ts skip``` marks one that cannot run here. */
export function blocksOf(page: string): { run: Block[]; skipped: Block[] } {
  const found: { run: Block[]; skipped: Block[] } = { run: [], skipped: [] };
  for (const match of page.matchAll(/^```ts([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const line = page.slice(0, match.index).split("\n").length + 1;
    (match[1].includes("skip") ? found.skipped : found.run).push({ line, code: match[2] });
  }
  return found;
}

/** What a table of numbers says in one cell. */
export interface Cell {
  label: string;
  /** The second column of the row: which number it is. */
  quantity: string;
  /** The head of the column, as a number. */
  at: number;
  text: string;
}

/** The cells of the first table below a heading whose second column names a quantity, and whose others are numbers. */
export function cellsBelow(page: string, heading: string): Cell[] {
  const start = page.indexOf(`${heading}\n`);
  const rows = page
    .slice(start + heading.length)
    .split(/\n(?:#+ )/)[0]
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((text) => text.trim()),
    );
  const [head, rule, ...body] = rows;
  if (start < 0 || !rule) throw new Error(`Cannot read a table: expected one below ${heading}, got none`);
  let label = "";
  return body.flatMap((row) => {
    label = row[0] || label;
    return row.slice(2).map((text, i) => ({
      label,
      quantity: row[1],
      at: Number(/-?[\d.]+(?:e-?\d+)?$/.exec(head[i + 2])?.[0]),
      text,
    }));
  });
}

/** A value as a page would show it: numbers, and lists of them. */
export function show(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `[${Array.from(value as Float32Array, show).join(", ")}]`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name}: ${show(inner)}`)
      .join(", ")} }`;
  }
  return typeof value === "bigint" ? `${value}n` : String(value);
}

const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** Whether a line prints what is stated: the same words, and numbers equal to the digits given. */
export function agrees({ stated, printed }: Statement): boolean {
  const words = (line: string): string => line.replace(NUMBER, "#").replace(/[\s"']|\w+Array(\(\d+\))?/g, "");
  if (words(stated) !== words(printed)) return false;
  const got = printed.match(NUMBER) ?? [];
  return (stated.match(NUMBER) ?? []).every((text, i) => {
    const [mantissa, exponent] = text.split("e");
    const digits = (mantissa.split(".")[1] ?? "").length - Number(exponent ?? 0);
    return Math.abs(Number(text) - Number(got[i])) <= 0.5001 * 10 ** -digits;
  });
}

type AsyncFunction = new (...parameters: string[]) => (...values: unknown[]) => Promise<void>;
const Async = (async () => {}).constructor as AsyncFunction;

/** Imports as constants, and every statement about a line as an argument of its `console.log`. */
function rewrite(code: string, first: number): string {
  const constants = code
    .replace(
      /^import \{([^}]*)\} from "counterpoise";$/gm,
      (_, names: string) => `const {${names}} = library;`,
    )
    .replace(/^import \* as (\w+) from "counterpoise";$/gm, "const $1 = library;")
    .replace(/^import \{([^}]*)\} from "(node:[^"]+)";$/gm, 'const {$1} = await import("$2");')
    .replace(/^(const \{.*)\bas\b/gm, (line) => line.replace(/\bas\b/g, ":"));
  return constants
    .split("\n")
    .map((line, i) => line.replace(/\bconsole\.log\(/g, `print(${first + i}, `))
    .join("\n");
}

/** Runs one block; what it prints with a statement beside it comes back. */
export async function runBlock({ line, code }: Block): Promise<Statement[]> {
  const stated = new Map<number, string>();
  code.split("\n").forEach((text, i) => {
    const match = /console\.log\(.*\);? *\/\/ (.+)$/.exec(text);
    if (match) stated.set(line + i, match[1].trim());
  });
  const statements: Statement[] = [];
  const print = (at: number, ...values: unknown[]): void => {
    const text = stated.get(at);
    if (text === undefined) return;
    statements.push({ line: at, stated: text, printed: values.map(show).join(" ") });
  };
  await new Async("library", "print", "process", rewrite(code, line))(library, print, process);
  const silent = [...stated.keys()].find((at) => !statements.some((statement) => statement.line === at));
  if (silent !== undefined) throw new Error(`Cannot check line ${silent}: expected it to print, got nothing`);
  return statements;
}
