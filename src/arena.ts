import { kernel } from "./wasm/kernel.ts";

/** Elements in the arena at a time: their arrays together stay in a second-level cache. */
export const CHUNK = 32768;

/**
 * Bytes behind every room: kernels read and write whole vectors. A quarter of a page, so that what a kernel loads
 * and what it has just stored differ in the low twelve bits of their addresses: a processor that compares only
 * those would make the load wait.
 */
const PAD = 1024;
const FLOATS = CHUNK * 4;

/** From the parameters to the losses that a kernel has moved together: see assembly/drive/clipped.ts. */
export const PACKED: number = 64 + 7 * 4608;
/** From the parameters to the range of losses that a kernel has found: see assembly/drive/residual.ts. */
export const BOUNDS: number = 32;

type Small = "op" | "report" | "words" | "table" | "planes" | "cells" | "counts" | "sums" | "tables";
type Long = "mask" | "bytes" | "x" | "t" | "w" | "a1" | "a0" | "w1" | "w0" | "loss" | "grad";
type Room = Small | Long;

/** The fixed rooms and their bytes. Arrays of float32 hold one chunk. */
const ROOMS: Record<Room, number> = {
  /**
   * Parameters, from 32 on the bounds of losses of residuals, then the rooms of a block and one of a chunk: see
   * assembly/drive/stages.ts and clipped.ts.
   */
  op: PACKED + FLOATS,
  report: 16,
  words: 80,
  table: 1024,
  planes: 128,
  cells: 256 * 88,
  counts: 256 * 8,
  sums: 256 * 8,
  mask: CHUNK,
  bytes: CHUNK,
  tables: 32768 + 2 * 4096 * 4 + PAD,
  x: FLOATS,
  t: FLOATS,
  w: FLOATS,
  a1: FLOATS,
  a0: FLOATS,
  w1: FLOATS,
  w0: FLOATS,
  loss: FLOATS,
  grad: FLOATS,
};

/** Addresses one after the other, 64-byte aligned. */
function layOut(from: number, sizes: readonly number[]): { addresses: number[]; end: number } {
  let end = Math.ceil(from / 64) * 64;
  const addresses = sizes.map((bytes) => {
    const address = end;
    end = Math.ceil((end + bytes + PAD) / 64) * 64;
    return address;
  });
  return { addresses, end };
}

const fixed = layOut(kernel.heapBase(), Object.values(ROOMS));

/** Addresses of the fixed rooms. */
export const at: Readonly<Record<Room, number>> = Object.fromEntries(
  Object.keys(ROOMS).map((name, i) => [name, fixed.addresses[i]]),
) as Record<Room, number>;

/** Views of the whole memory, made anew after it has grown. */
export interface Views {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
}
let cached: Views | undefined;

export function views(): Views {
  // Growing detaches the buffer, and its views are empty then: cheaper to ask than which buffer the memory has.
  if (cached === undefined || cached.u8.length === 0) {
    const b = kernel.memory.buffer;
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

/** Some elements of an array: the array itself where it is all of them, which saves a view. */
export function part<T extends Float32Array | Int32Array | Uint16Array | Uint8Array>(
  array: T,
  from: number,
  size: number,
): T {
  return (size === array.length ? array : array.subarray(from, from + size)) as T;
}

/**
 * Rooms for one call, by size in bytes; the next call takes the same memory again.
 *
 * @param from where they begin: behind the fixed rooms, or behind what the call has already reserved
 */
export function reserve(sizes: readonly number[], from: number = fixed.end): number[] {
  const { addresses, end } = layOut(from, sizes);
  const missing = end - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / 65536));
  return addresses;
}
