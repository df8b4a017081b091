/** Leaves NaN in all rooms of the arena that calls reserve, as an earlier call may have done. */
import { reserve, views } from "../src/arena.ts";

export function soil(bytes: number = 1 << 20): void {
  const [from] = reserve([bytes]);
  views().u8.fill(0xff, from, from + bytes);
}
