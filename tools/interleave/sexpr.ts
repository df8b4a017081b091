/** WebAssembly text as nested lists: an instruction is a list, its operands are lists, its immediates are atoms. */
export type Expr = string | Expr[];
export type List = Expr[];

const TOKEN = /"(?:[^"\\]|\\.)*"|\(;[\s\S]*?;\)|;;[^\n]*|[()]|[^\s()";]+/g;

/** Parses one parenthesised expression, in practice a whole module. Comments are dropped. */
export function parse(text: string): List {
  const open: List[] = [[]];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "(") open.push([]);
    else if (token === ")") {
      const done = open.pop();
      if (!done || open.length === 0) throw new SyntaxError("Cannot parse module text: expected (, got )");
      open[open.length - 1].push(done);
    } else if (!token.startsWith(";;") && !token.startsWith("(;")) open[open.length - 1].push(token);
  }
  const root = open[0][0];
  if (open.length !== 1 || open[0].length !== 1 || !isList(root)) {
    throw new SyntaxError(`Cannot parse module text: expected one expression, got ${open[0].length}`);
  }
  return root;
}

export function print(expr: Expr): string {
  return isList(expr) ? `(${expr.map(print).join(" ")})` : expr;
}

export function isList(expr: Expr | undefined): expr is List {
  return Array.isArray(expr);
}

/** The head of a list, or "" where there is none. */
export function headOf(expr: Expr | undefined): string {
  return isList(expr) && typeof expr[0] === "string" ? expr[0] : "";
}

/** The atom at `index`, or "" where there is a list or nothing. */
export function atom(list: List, index: number): string {
  const found = list[index];
  return typeof found === "string" ? found : "";
}

/** Visits every list of a tree, parents first. */
export function walk(expr: Expr, visit: (list: List) => void): void {
  if (!isList(expr)) return;
  visit(expr);
  for (const child of expr) walk(child, visit);
}
