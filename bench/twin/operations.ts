/** What instructions of WebAssembly are in C, with 128-bit vector intrinsics where a vector is involved. */

const LANES: Readonly<Record<string, string>> = {
  "f32x4.add": "_mm_add_ps",
  "f32x4.sub": "_mm_sub_ps",
  "f32x4.mul": "_mm_mul_ps",
  "f32x4.div": "_mm_div_ps",
  "f32x4.eq": "_mm_cmpeq_ps",
  "f32x4.ne": "_mm_cmpneq_ps",
  "f32x4.lt": "_mm_cmplt_ps",
  "f32x4.gt": "_mm_cmpgt_ps",
  "f32x4.le": "_mm_cmple_ps",
  "f32x4.ge": "_mm_cmpge_ps",
};
const INTEGERS: Readonly<Record<string, string>> = {
  "i32x4.add": "_mm_add_epi32",
  "i32x4.sub": "_mm_sub_epi32",
  "i16x8.add": "_mm_add_epi16",
  "i16x8.narrow_i32x4_s": "_mm_packs_epi32",
  "i8x16.narrow_i16x8_s": "_mm_packs_epi16",
  "i32x4.max_u": "_mm_max_epu32",
  "i32x4.min_u": "_mm_min_epu32",
  "v128.and": "_mm_and_si128",
  "v128.or": "_mm_or_si128",
  "v128.xor": "_mm_xor_si128",
};
const SHIFTS: Readonly<Record<string, string>> = {
  "i32x4.shl": "_mm_slli_epi32",
  "i32x4.shr_s": "_mm_srai_epi32",
  "i32x4.shr_u": "_mm_srli_epi32",
};
const SCALARS: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  and: "&",
  or: "|",
  xor: "^",
  shl: "<<",
  shr_s: ">>",
  eq: "==",
  ne: "!=",
  lt: "<",
  gt: ">",
  lt_s: "<",
  gt_s: ">",
  le_s: "<=",
  ge_s: ">=",
};
const UNSIGNED: Readonly<Record<string, string>> = {
  lt_u: "<",
  gt_u: ">",
  le_u: "<=",
  ge_u: ">=",
  shr_u: ">>",
};

const f = (v: string): string => `_mm_castsi128_ps(${v})`;
const i = (v: string): string => `_mm_castps_si128(${v})`;

function vector(op: string, [a = "", b = "", c = ""]: readonly string[]): string | undefined {
  if (LANES[op]) return i(`${LANES[op]}(${f(a)}, ${f(b)})`);
  if (INTEGERS[op]) return `${INTEGERS[op]}(${a}, ${b})`;
  if (SHIFTS[op]) return `${SHIFTS[op]}(${a}, ${b})`;
  const others: Record<string, () => string> = {
    "f32x4.pmin": () => i(`_mm_min_ps(${f(b)}, ${f(a)})`),
    "f32x4.pmax": () => i(`_mm_max_ps(${f(b)}, ${f(a)})`),
    "f32x4.sqrt": () => i(`_mm_sqrt_ps(${f(a)})`),
    "f32x4.abs": () => `_mm_and_si128(${a}, _mm_set1_epi32(0x7fffffff))`,
    "f32x4.neg": () => `_mm_xor_si128(${a}, _mm_set1_epi32((int)0x80000000))`,
    "f32x4.convert_i32x4_s": () => i(`_mm_cvtepi32_ps(${a})`),
    "f32x4.splat": () => i(`_mm_set1_ps(${a})`),
    "i32x4.splat": () => `_mm_set1_epi32(${a})`,
    "i16x8.splat": () => `_mm_set1_epi16(${a})`,
    "i32x4.gt_u": () => {
      const flip = "_mm_set1_epi32((int)0x80000000)";
      return `_mm_cmpgt_epi32(_mm_xor_si128(${a}, ${flip}), _mm_xor_si128(${b}, ${flip}))`;
    },
    "v128.any_true": () => `!_mm_testz_si128(${a}, ${a})`,
    "i32x4.bitmask": () => `_mm_movemask_ps(${f(a)})`,
    "i16x8.bitmask": () => `_mm_movemask_epi8(_mm_packs_epi16(${a}, _mm_setzero_si128()))`,
    "i8x16.bitmask": () => `_mm_movemask_epi8(${a})`,
    "v128.andnot": () => `_mm_andnot_si128(${b}, ${a})`,
    "v128.not": () => `_mm_xor_si128(${a}, _mm_set1_epi32(-1))`,
    "v128.bitselect": () => `_mm_or_si128(_mm_and_si128(${c}, ${a}), _mm_andnot_si128(${c}, ${b}))`,
    "i8x16.swizzle": () => `_mm_shuffle_epi8(${a}, _mm_adds_epu8(${b}, _mm_set1_epi8(0x70)))`,
  };
  return others[op]?.();
}

function scalar(op: string, [a = "", b = "", c = ""]: readonly string[]): string | undefined {
  const [type = "", name = ""] = op.split(".");
  const bits = type === "i64" ? "uint64_t" : "uint32_t";
  if (SCALARS[name]) return `(${a} ${SCALARS[name]} ${b})`;
  if (UNSIGNED[name]) return `((${bits})${a} ${UNSIGNED[name]} (${bits})${b})`;
  if (name === "eqz") return `(${a} == 0)`;
  if (name === "popcnt") return `__builtin_popcount(${a})`;
  if (op === "select") return `(${c} ? ${a} : ${b})`;
  return undefined;
}

/** One instruction with its operands, each a variable. `select` takes the condition last, as in the text. */
export function operation(op: string, operands: readonly string[]): string {
  const found = vector(op, operands) ?? scalar(op, operands);
  if (found === undefined) throw new RangeError(`Cannot write ${op} in C: expected an instruction of a loss`);
  return found;
}
