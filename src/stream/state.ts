import { describe } from "../check.ts";

/**
 * Saved states. Little endian:
 *
 *   "CPOI"  format version (u32)  header length (u32)  header (UTF-8 JSON, padded with spaces to 4 bytes)
 *   word count (u32)  words (u32 each)  CRC-32 of everything before it (u32)
 *
 * The header is `{"kind": ..., "options": {...}}` with the options in a fixed order: equal states have equal bytes.
 */
const MAGIC = 0x494f5043;
const VERSION = 1;

export interface Header {
  readonly kind: string;
  readonly options: Record<string, unknown>;
}

const TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 as in ISO 3309 (the polynomial of zip and PNG). */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

export function encode(header: Header, words: Uint32Array): Uint8Array {
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text.padEnd(text.length + (-text.length & 3)));
  const bytes = new Uint8Array(20 + json.length + words.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, json.length, true);
  bytes.set(json, 12);
  const start = 12 + json.length;
  view.setUint32(start, words.length, true);
  words.forEach((word, i) => {
    view.setUint32(start + 4 + 4 * i, word, true);
  });
  view.setUint32(bytes.length - 4, checksum(bytes.subarray(0, -4)), true);
  return bytes;
}

function parseHeader(bytes: Uint8Array): Header | undefined {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes)) as Header | null;
    const isWhole =
      typeof header?.kind === "string" && typeof header.options === "object" && header.options !== null;
    return isWhole ? header : undefined;
  } catch {
    return undefined;
  }
}

/** Takes saved bytes apart. The kind is checked before anything of the header is used. */
export function decode(task: string, kind: string, bytes: unknown): { header: Header; words: Uint32Array } {
  if (Object.prototype.toString.call(bytes) !== "[object Uint8Array]") {
    throw new TypeError(`Cannot ${task}: expected saved bytes as a Uint8Array, got ${describe(bytes)}`);
  }
  const saved = bytes as Uint8Array;
  const fail = (expected: string, got: unknown): never => {
    throw new TypeError(`Cannot ${task}: expected ${expected}, got ${got}`);
  };
  if (saved.length < 20) fail("at least 20 saved bytes", saved.length);
  const view = new DataView(saved.buffer, saved.byteOffset, saved.byteLength);
  if (view.getUint32(0, true) !== MAGIC) fail("bytes that begin with CPOI", "foreign bytes");
  const version = view.getUint32(4, true);
  if (version !== VERSION) fail(`format version ${VERSION}`, `version ${version}`);
  const size = view.getUint32(8, true);
  const start = 12 + size;
  if (start + 8 > saved.length) fail(`at least ${start + 8} saved bytes`, saved.length);
  const count = view.getUint32(start, true);
  if (start + 8 + 4 * count !== saved.length) fail(`${start + 8 + 4 * count} saved bytes`, saved.length);
  const stored = view.getUint32(saved.length - 4, true);
  const actual = checksum(saved.subarray(0, -4));
  if (stored !== actual)
    fail(`checksum ${stored.toString(16)}`, `${actual.toString(16)}: the bytes were altered`);
  const header = parseHeader(saved.slice(12, start)) ?? fail("a header of kind and options", "another text");
  if (header.kind !== kind) fail(`a state of kind ${kind}`, `kind ${header.kind}`);
  const words = Uint32Array.from({ length: count }, (_, i) => view.getUint32(start + 4 + 4 * i, true));
  return { header, words };
}

/** What saved options make: one that is out of range was altered, as much as one of another kind. */
export function revive<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RangeError ? new TypeError(error.message) : error;
  }
}

/** A count below 2^53 as two words. */
export function split(count: number): [number, number] {
  return [count % 4294967296, Math.floor(count / 4294967296)];
}

/** The two words of a count, refused where they are none. */
export function join(task: string, low: number, high: number): number {
  if (high >= 2 ** 21)
    throw new TypeError(`Cannot ${task}: expected counts below 2^53, got a high word of ${high}`);
  return high * 4294967296 + low;
}

/** The sum of two counts, refused where it is no exact integer any more. */
export function addCounts(task: string, a: number, b: number): number {
  if (a + b <= Number.MAX_SAFE_INTEGER) return a + b;
  throw new RangeError(`Cannot ${task}: expected fewer than 2^53 elements in all, got ${a} and ${b}`);
}

/** Throws unless two states of a merge have the same kind and options. */
export function sameHeader(task: string, ours: Header, theirs: Header): void {
  const a = `${ours.kind} ${JSON.stringify(ours.options)}`;
  const b = `${theirs.kind} ${JSON.stringify(theirs.options)}`;
  if (a !== b) throw new TypeError(`Cannot ${task}: expected a state of ${a}, got one of ${b}`);
}
