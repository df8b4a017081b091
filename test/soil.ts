/** Leaves NaN in the rooms of a chunk and in all that calls reserve, as an earlier call may have done. */
import { at, CHUNK, reserve, views } from "../src/arena.ts";

export function soil(bytes: number = 1 << 20): void {
  const [from] = reserve([bytes]);
  const { u8 } = views();
  u8.fill(0xff, from, from + bytes);
  u8.fill(0xff, at.mask, at.tables);
  u8.fill(0xff, at.x, at.grad + 4 * CHUNK);
}
