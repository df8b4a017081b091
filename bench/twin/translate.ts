/**
 * A kernel of the plain module in C: the same instructions in the same order, one variable for each value, so that a
 * compiler may do with them what it does with a loop of intrinsics written by hand.
 *
 * Sums of addresses are signed: C may then take it that they do not wrap, and count with pointers.
 */
import { atom, type Expr, headOf, isList, type List } from "../../tools/interleave/sexpr.ts";
import { operation } from "./operations.ts";

const TYPES: Readonly<Record<string, string>> = {
  i32: "int32_t",
  i64: "int64_t",
  f32: "float",
  f64: "double",
  v128: "__m128i",
};

const name = (text: string): string => text.replace(/[^A-Za-z0-9]/g, "_");

export class Translation {
  readonly #functions = new Map<string, List>();
  readonly #exports = new Map<string, string>();
  readonly #done = new Map<string, string>();
  #lines: string[] = [];
  #types = new Map<string, string>();
  #next = 0;

  constructor(module: List) {
    for (const part of module) {
      if (headOf(part) === "func") this.#functions.set(atom(part as List, 1), part as List);
      if (headOf(part) === "export" && headOf((part as List)[2]) === "func")
        this.#exports.set(JSON.parse(atom(part as List, 1)), atom((part as List)[2] as List, 1));
    }
  }

  /** The name in C of an exported function; with what it calls, it is part of `text` from now on. */
  add(kernel: string): string {
    const inside = this.#exports.get(kernel);
    if (inside === undefined)
      throw new RangeError(`Cannot translate ${kernel}: expected an export, got none`);
    return this.#function(inside);
  }

  get text(): string {
    return [...this.#done.values()].join("\n");
  }

  #function(id: string): string {
    const list = this.#functions.get(id);
    if (!list) throw new RangeError(`Cannot translate ${id}: expected a function`);
    const title = `f${name(id)}`;
    if (this.#done.has(id)) return title;
    this.#done.set(id, "");
    const outer = [this.#lines, this.#types] as const;
    this.#lines = [];
    this.#types = new Map();
    const parameters: string[] = [];
    let result = "void";
    for (const part of list) {
      const head = headOf(part);
      if (head === "result") result = TYPES[atom(part as List, 1)]!;
      if (head !== "param" && head !== "local") continue;
      const [, local = "", type = ""] = part as string[];
      this.#types.set(local, type);
      if (head === "param") parameters.push(`${TYPES[type]} l${name(local)}`);
      else
        this.#lines.push(`${TYPES[type]} l${name(local)} = ${type === "v128" ? "_mm_setzero_si128()" : 0};`);
    }
    const body = list.slice(2).filter((part) => !["param", "local", "result", "type"].includes(headOf(part)));
    const last = this.#sequence(body);
    if (result !== "void" && last) this.#lines.push(`return ${last};`);
    this.#done.delete(id);
    this.#done.set(id, `static ${result} ${title}(${parameters.join(", ")}) {\n${this.#lines.join("\n")}\n}`);
    [this.#lines, this.#types] = outer;
    return title;
  }

  #sequence(list: readonly Expr[]): string {
    let last = "";
    for (const part of list) last = this.#value(part as List);
    return last;
  }

  #let(type: string, value: string): string {
    const variable = `t${this.#next++}`;
    this.#lines.push(`const ${TYPES[type]} ${variable} = ${value};`);
    return variable;
  }

  /** What an address is in C; `offset=` comes before the address in the text. */
  #place(list: List): { at: string; rest: Expr[] } {
    const rest = list.slice(1).filter((part) => isList(part));
    const offset = list.find((part) => typeof part === "string" && part.startsWith("offset=")) as
      | string
      | undefined;
    return { at: `M + (${this.#value(rest[0] as List)}) + ${offset?.slice(7) ?? 0}`, rest };
  }

  #branch(label: string, condition?: string): string {
    this.#lines.push(`${condition ? `if (${condition}) ` : ""}goto b${name(label)};`);
    return "";
  }

  /** Writes a tree down and returns the variable with its value, or "". */
  #value(list: List): string {
    const op = headOf(list);
    const first = atom(list, 1);
    switch (op) {
      case "nop":
        return "";
      case "local.get":
        return this.#let(this.#types.get(first)!, `l${name(first)}`);
      case "local.set":
        this.#lines.push(`l${name(first)} = ${this.#value(list[2] as List)};`);
        return "";
      case "local.tee":
        this.#lines.push(`l${name(first)} = ${this.#value(list[2] as List)};`);
        return this.#let(this.#types.get(first)!, `l${name(first)}`);
      case "i32.const":
      case "i64.const":
        return `(${TYPES[op.slice(0, 3)]})${first}${op === "i64.const" ? "LL" : ""}`;
      case "f32.const":
        return `(float)${Number(first)}`;
      case "v128.const":
        return `_mm_set_epi32(${(list.slice(2) as string[]).reverse().join(", ")})`;
      case "block":
      case "loop":
        return this.#nest(list, op);
      case "br":
        return this.#branch(first);
      case "br_if":
        return this.#branch(first, this.#value(list[2] as List));
      case "if":
        return this.#if(list);
      case "return":
        this.#lines.push(list[1] ? `return ${this.#value(list[1] as List)};` : "return;");
        return "";
      case "call":
        return this.#call(first, list.slice(2) as List[]);
      case "memory.copy": {
        const [to, from, size] = list.slice(1).map((part) => this.#value(part as List));
        this.#lines.push(`memmove(M + ${to}, M + ${from}, (uint32_t)${size});`);
        return "";
      }
      case "memory.fill": {
        const [to, value, size] = list.slice(1).map((part) => this.#value(part as List));
        this.#lines.push(`memset(M + ${to}, ${value}, (uint32_t)${size});`);
        return "";
      }
      default:
        return /\.(load|store)/.test(op) ? this.#memory(list, op) : this.#operation(list, op);
    }
  }

  #nest(list: List, op: string): string {
    const label = atom(list, 1);
    if (op === "loop") this.#lines.push(`b${name(label)}:;`);
    this.#sequence(list.slice(1).filter((part) => isList(part) && headOf(part) !== "result"));
    if (op === "block" && label) this.#lines.push(`b${name(label)}:;`);
    return "";
  }

  #if(list: List): string {
    const parts = list.slice(1) as List[];
    const typed = headOf(parts[0]) === "result" ? atom(parts.shift()!, 1) : "";
    const result = typed ? `t${this.#next++}` : "";
    if (result) this.#lines.push(`${TYPES[typed]} ${result};`);
    this.#lines.push(`if (${this.#value(parts[0]!)}) {`);
    for (const [k, part] of parts.slice(1).entries()) {
      if (k) this.#lines.push("} else {");
      const last = this.#sequence(part.slice(1));
      if (result) this.#lines.push(`${result} = ${last};`);
    }
    this.#lines.push("}");
    return result;
  }

  #call(id: string, given: readonly List[]): string {
    const values = given.map((part) => this.#value(part));
    const call = `${this.#function(id)}(${values.join(", ")})`;
    const result = this.#functions.get(id)!.find((part) => headOf(part) === "result") as List | undefined;
    if (result) return this.#let(atom(result, 1), call);
    this.#lines.push(`${call};`);
    return "";
  }

  #memory(list: List, op: string): string {
    const [type = "", name = ""] = op.split(".");
    const { at, rest } = this.#place(list);
    const narrow = /8|16|32/.exec(name)?.[0];
    const kind = narrow ? `${name.endsWith("_s") ? "" : "u"}int${narrow}_t` : TYPES[type]!;
    const small = kind === "uint32_t" && type === "i32" ? "int32_t" : kind;
    if (name.startsWith("load")) {
      if (type === "v128") return this.#let(type, `_mm_loadu_si128((const __m128i *)(${at}))`);
      const variable = `t${this.#next++}`;
      this.#lines.push(`${small} ${variable}; memcpy(&${variable}, ${at}, sizeof ${variable});`);
      return this.#let(type, variable);
    }
    const value = this.#value(rest[1] as List);
    if (type === "v128") this.#lines.push(`_mm_storeu_si128((__m128i *)(${at}), ${value});`);
    else this.#lines.push(`{ ${small} s = ${value}; memcpy(${at}, &s, sizeof s); }`);
    return "";
  }

  #operation(list: List, op: string): string {
    const operands = list.slice(1).filter((part) => isList(part)) as List[];
    const values = operands.map((part) => this.#value(part));
    const [type = ""] = op.split(".");
    if (op === "select") {
      const variable = `t${this.#next++}`;
      this.#lines.push(`const __auto_type ${variable} = ${operation(op, values)};`);
      return variable;
    }
    const isTest = /^(i32|i64|f32|f64)\.(eqz|eq|ne|lt|gt|le|ge)/.test(op) || /bitmask|true$/.test(op);
    const result = isTest ? "i32" : type in TYPES ? type : "v128";
    return this.#let(result, operation(op, values));
  }
}
