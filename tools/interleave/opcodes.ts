/**
 * What the pass knows about instructions. It is a list of what is allowed: an instruction that is not here
 * (a call, a branch, an integer division, something newer than this file) makes the loop stay as it is.
 */
export type Type = "i32" | "i64" | "f32" | "f64" | "v128";

export interface Opcode {
  readonly kind: "pure" | "load" | "store" | "const";
  /** Type of the result; "operand" for `select`, whose result is typed by its operand. */
  readonly result: Type | "operand" | "none";
  /** Bytes read or written. */
  readonly width: number;
}

const COMPARE = /^(eqz|(eq|ne|lt|gt|le|ge)(_[su])?)$/;
const INTEGER =
  /^(add|sub|mul|and|or|xor|shl|shr_[su]|rot[lr]|clz|ctz|popcnt|extend(8|16|32)_s|extend_i32_[su]|wrap_i64|reinterpret_f(32|64)|trunc_sat_f(32|64)_[su])$/;
const FLOAT =
  /^(abs|neg|ceil|floor|trunc|nearest|sqrt|add|sub|mul|div|min|max|copysign|convert_i(32|64)_[su]|demote_f64|promote_f32|reinterpret_i(32|64))$/;
const LANES = /^(i8x16|i16x8|i32x4|i64x2|f32x4|f64x2)\.([a-z0-9_]+)$/;
const BITS = /^(not|and|andnot|or|xor|bitselect)$/;
const VECTOR_ACCESS = /^(load|store)(?:(8x8|16x4|32x2)_[su]|(8|16|32|64)_(splat|zero|lane))?$/;
const SCALAR_ACCESS = /^(load|store)(8|16|32)?(?:_[su])?$/;

const pure = (result: Opcode["result"]): Opcode => ({ kind: "pure", result, width: 0 });
const access = (verb: string, type: Type, width: number): Opcode =>
  verb === "store" ? { kind: "store", result: "none", width } : { kind: "load", result: type, width };

/** What an instruction is, or undefined if the pass does not know it. */
export function opcode(head: string): Opcode | undefined {
  if (head === "select") return pure("operand");
  const lanes = LANES.exec(head);
  if (lanes) return lanesOpcode(lanes[1], lanes[2]);
  const dot = head.indexOf(".");
  const type = head.slice(0, dot),
    name = head.slice(dot + 1);
  if (type === "v128") return vectorOpcode(name);
  if (type === "i32" || type === "i64" || type === "f32" || type === "f64") return scalarOpcode(type, name);
  return undefined;
}

function lanesOpcode(shape: string, name: string): Opcode | undefined {
  if (/load|store|atomic/.test(name)) return undefined;
  if (name === "all_true" || name === "bitmask") return pure("i32");
  if (!name.startsWith("extract_lane")) return pure("v128");
  if (shape === "i64x2") return pure("i64");
  if (shape === "f32x4") return pure("f32");
  return pure(shape === "f64x2" ? "f64" : "i32");
}

function vectorOpcode(name: string): Opcode | undefined {
  if (name === "const") return { kind: "const", result: "v128", width: 0 };
  if (name === "any_true") return pure("i32");
  if (BITS.test(name)) return pure("v128");
  const found = VECTOR_ACCESS.exec(name);
  if (!found) return undefined;
  return access(found[1], "v128", found[3] ? Number(found[3]) / 8 : found[2] ? 8 : 16);
}

function scalarOpcode(type: "i32" | "i64" | "f32" | "f64", name: string): Opcode | undefined {
  if (name === "const") return { kind: "const", result: type, width: 0 };
  if (COMPARE.test(name)) return pure("i32");
  if ((type.startsWith("i") ? INTEGER : FLOAT).test(name)) return pure(type);
  const found = SCALAR_ACCESS.exec(name);
  return found ? access(found[1], type, Number(found[2] ?? type.slice(1)) / 8) : undefined;
}

export function isVector(head: string): boolean {
  return head.startsWith("v128.") || LANES.test(head);
}
