import { kernel } from "./wasm/kernel.ts";

/** Elements in the arena at a time: their arrays together stay in a second-level cache. */
export const CHUNK = 16384;

const PAD = 64;
let next = (kernel.heapBase() + 63) & ~63;
function room(bytes: number): number {
  const at = next;
  next = (next + bytes + PAD + 63) & ~63;
  return at;
}

/** Addresses of the fixed rooms. Arrays of float32 hold one chunk and are padded to whole vectors. */
export const at = {
  op: room(64),
  report: room(16),
  words: room(80),
  ones: room(16),
  zeros: room(16),
  table: room(1024),
  planes: room(128),
  cells: room(256 * 88),
  mask: room(CHUNK),
  bytes: room(CHUNK),
  tables: room(16384 + 2048 * 12 + PAD),
  x: room(CHUNK * 4),
  t: room(CHUNK * 4),
  w: room(CHUNK * 4),
  a1: room(CHUNK * 4),
  a0: room(CHUNK * 4),
  w1: room(CHUNK * 4),
  w0: room(CHUNK * 4),
  loss: room(CHUNK * 4),
  grad: room(CHUNK * 4),
} as const;
const fixed = next;

/** Views of the whole memory, made anew after it has grown. */
export interface Views {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
}
let cached: Views | undefined;
let buffer: ArrayBuffer | undefined;

export function views(): Views {
  if (cached === undefined || buffer !== kernel.memory.buffer) {
    const b = kernel.memory.buffer;
    buffer = b;
    cached = {
      f32: new Float32Array(b),
      f64: new Float64Array(b),
      i32: new Int32Array(b),
      u32: new Uint32Array(b),
      u8: new Uint8Array(b),
    };
  }
  return cached;
}

/** Rooms behind the fixed ones for one call, by size in bytes; the next call takes the same memory again. */
export function reserve(sizes: readonly number[]): number[] {
  let end = fixed;
  const addresses = sizes.map((bytes) => {
    const address = end;
    end = Math.ceil((end + bytes + PAD) / 64) * 64;
    return address;
  });
  const missing = end - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / 65536));
  return addresses;
}
