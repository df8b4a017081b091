/**
 * Symbolic evaluation of a loop body. Locals disappear: what a round leaves in a local is what the next round
 * reads, so running the body several times in a row gives the exact dataflow of several rounds.
 */
import { isVector, type Opcode, opcode, type Type } from "./opcodes.ts";
import { atom, type Expr, headOf, isList, type List } from "./sexpr.ts";
import { type Access, isType, literal, type Ref, refuse, type Value } from "./value.ts";

/** Distances beyond this are computed instead of going into the `offset=` immediate. */
const FAR = 0x10000;

export class Trace {
  readonly values: Value[] = [];
  readonly accesses: Access[] = [];
  readonly env: Map<string, Ref> = new Map();
  vector = false;
  private readonly shared = new Map<string, Value>();
  private readonly first: { ref: Ref; solid: Value }[] = [];
  private copy = 0;
  private place = 0;
  private slot = 0;

  private readonly types: ReadonlyMap<string, string>;
  private readonly globals: ReadonlyMap<string, string>;
  private readonly written: ReadonlySet<string>;

  constructor(
    types: ReadonlyMap<string, string>,
    globals: ReadonlyMap<string, string>,
    written: ReadonlySet<string>,
  ) {
    this.types = types;
    this.globals = globals;
    this.written = written;
  }

  begin(copy: number): void {
    this.copy = copy;
    this.place = 0;
    this.slot = 0;
  }

  /** A statement of the body: something that leaves no value. */
  run(statement: Expr): void {
    const head = headOf(statement);
    if (!isList(statement)) refuse(`"${statement}" in the body`);
    else if (head === "nop" && statement.length === 1) return;
    else if (head === "drop" && statement.length === 2) this.evaluate(statement[1]);
    else if (head === "local.set") this.assign(statement);
    else if (opcode(head)?.kind === "store") this.instruction(statement);
    else refuse(`${head || "a nameless list"} in the body`);
  }

  /** An expression: something that leaves one value. */
  evaluate(expr: Expr): Ref {
    const head = headOf(expr);
    if (!isList(expr)) return refuse(`"${expr}" in the body`);
    if (head === "local.get" && expr.length === 2) return this.local(atom(expr, 1));
    if (head === "local.tee") return this.assign(expr);
    if (head === "global.get" && expr.length === 2) return this.global(atom(expr, 1));
    if (opcode(head)?.kind === "store") return refuse(`${head} where a value is expected`);
    return this.instruction(expr);
  }

  /** What a local holds at the beginning of a block. */
  entry(name: string): Value {
    const type = this.types.get(name);
    if (!isType(type)) return refuse(`local ${name} of type ${type}`);
    return this.make("entry", [name], [], { type, fixed: !this.written.has(name) });
  }

  readsEntry(name: string): boolean {
    return this.shared.has(`entry ${name}`);
  }

  solid(ref: Ref): Value {
    if (ref.off === 0) return ref.value;
    return this.make("i32.add", [], [ref.value, this.integer(ref.off)], { type: "i32" });
  }

  private integer(value: number): Value {
    return this.make("i32.const", [String(value)], [], { type: "i32", fixed: true });
  }

  private assign(expr: List): Ref {
    if (expr.length !== 3) return refuse(`an unknown form of ${headOf(expr)}`);
    const ref = this.evaluate(expr[2]);
    this.env.set(atom(expr, 1), ref);
    return ref;
  }

  private local(name: string): Ref {
    return this.env.get(name) ?? { value: this.entry(name), off: 0 };
  }

  private global(name: string): Ref {
    const type = this.globals.get(name);
    if (!isType(type)) return refuse(`global ${name} of type ${type}`);
    return { value: this.make("global.get", [name], [], { type, fixed: true }), off: 0 };
  }

  private instruction(expr: List): Ref {
    const head = headOf(expr);
    const known = opcode(head);
    if (!known) return refuse(`${head || "a nameless list"} in the body`);
    const immediates: string[] = [],
      args: Ref[] = [];
    for (const part of expr.slice(1)) {
      if (isList(part)) args.push(this.evaluate(part));
      else immediates.push(part);
    }
    if (isVector(head)) this.vector = true;
    this.place++;
    if (known.kind === "load" || known.kind === "store") return this.access(head, known, immediates, args);
    if (known.kind === "const") return this.constant(head, known, immediates);
    if (!immediates.every((immediate) => /^\d+$/.test(immediate))) refuse(`an unknown form of ${head}`);
    return this.distance(head, args) ?? this.plain(head, known, immediates, args);
  }

  private plain(head: string, known: Opcode, immediates: string[], args: Ref[]): Ref {
    const solid = args.map((arg) => this.solid(arg));
    const type = known.result === "operand" ? solid[0].type : known.result;
    return { value: this.make(head, immediates, solid, { type }), off: 0 };
  }

  private constant(head: string, known: Opcode, immediates: string[]): Ref {
    const type = known.result as Type;
    return { value: this.make(head, immediates, [], { type, fixed: true }), off: 0 };
  }

  /** Additions of literals are kept aside as a distance: exact, since i32 arithmetic is modulo 2^32. */
  private distance(head: string, args: Ref[]): Ref | undefined {
    const [a, b] = args;
    const by = b && literal(b);
    if (head === "i32.sub" && by !== undefined) return { value: a.value, off: (a.off - by) | 0 };
    if (head === "i32.shl" && by !== undefined && by >= 0 && by < 32) {
      const value = this.make(head, [], [a.value, this.integer(by)], { type: "i32" });
      return { value, off: a.off << by };
    }
    if (head !== "i32.add") return undefined;
    if (by !== undefined) return { value: a.value, off: (a.off + by) | 0 };
    const start = literal(a);
    if (start !== undefined) return { value: b.value, off: (b.off + start) | 0 };
    const terms = a.value.id <= b.value.id ? [a.value, b.value] : [b.value, a.value];
    return { value: this.make(head, [], terms, { type: "i32" }), off: (a.off + b.off) | 0 };
  }

  /**
   * A load or store. The address of the first copy is computed as the source has it; where a later copy is a
   * known distance above, it shares that address and carries the distance in its immediate. The shared address is one the
   * loop really visits, so the sum cannot pass 2^32 unless an array wraps around the end of memory.
   */
  private access(head: string, known: Opcode, immediates: string[], [address, ...rest]: Ref[]): Ref {
    const offset = immediates.find((immediate) => /^offset=\d+$/.test(immediate));
    const others = immediates.filter((immediate) => immediate !== offset);
    if (!others.every((immediate) => /^(align=)?\d+$/.test(immediate))) refuse(`an unknown form of ${head}`);
    const immediate = offset ? Number(offset.slice(7)) : 0;
    const slot = this.slot++;
    const twin = this.first[slot];
    const above = twin && twin.ref.value === address.value ? (address.off - twin.ref.off) | 0 : -1;
    const near = above >= 0 && above < FAR;
    const solid = near ? twin.solid : this.solid(address);
    if (!twin) this.first[slot] = { ref: address, solid };
    const total = immediate + (near ? above : 0);
    const text = total ? [`offset=${total}`, ...others] : others;
    const store = known.kind === "store";
    const type = known.result as Type | "none";
    const args = [solid, ...rest.map((arg) => this.solid(arg))];
    const before = this.values.length;
    const value = this.make(head, text, args, { type, fixed: store ? false : undefined, memory: true });
    if (this.values.length > before) {
      this.accesses.push({ value, store, width: known.width, copy: this.copy, slot, address, immediate });
    }
    return { value, off: 0 };
  }

  /** Equal pure values are one value; accesses are shared only where they are the same in every round. */
  private make(
    head: string,
    immediates: readonly string[],
    args: readonly Value[],
    { type, fixed, memory }: { type: Type | "none"; fixed?: boolean; memory?: boolean },
  ): Value {
    const still = fixed ?? args.every((arg) => arg.fixed);
    const shareable = !memory || still;
    const key = [head, ...immediates, ...args.map((arg) => `#${arg.id}`)].join(" ");
    const known = shareable ? this.shared.get(key) : undefined;
    if (known) return known;
    const value: Value = {
      id: this.values.length,
      head,
      immediates,
      args,
      type,
      copy: this.copy,
      place: this.place,
      fixed: still,
      after: [],
    };
    this.values.push(value);
    if (shareable) this.shared.set(key, value);
    return value;
  }
}
