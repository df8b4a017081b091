/**
 * Planes [channels, cells] and cells [cells, channels]: beside one another, the channels of a cell are vectors, and
 * what moves with a cell moves without gathering.
 */
export class Tile {
  /** Four rows of four, transposed: from `a` on, `step` bytes from row to row, to `b` on. */
  @inline static turn(a: usize, step: usize, b: usize, stride: usize): void {
    const r0 = v128.load(a);
    const r1 = v128.load(a + step);
    const r2 = v128.load(a + 2 * step);
    const r3 = v128.load(a + 3 * step);
    const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
    const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(b, v128.shuffle<i64>(low01, low23, 0, 2));
    v128.store(b + stride, v128.shuffle<i64>(low01, low23, 1, 3));
    v128.store(b + 2 * stride, v128.shuffle<i64>(high01, high23, 0, 2));
    v128.store(b + 3 * stride, v128.shuffle<i64>(high01, high23, 1, 3));
  }
}

/** Planes to cells. `channels` is a multiple of four; up to three cells more than there are get written. */
export function toCells(channels: i32, cells: i32, planes: usize, out: usize): void {
  const plane = (<usize>cells) << 2;
  const row = (<usize>channels) << 2;
  for (let c: usize = 0; c < row; c += 16) {
    let to = out + c;
    for (let i: usize = 0; i < plane; i += 16) {
      Tile.turn(planes + i, plane, to, row);
      to += row << 2;
    }
    planes += plane << 2;
  }
}

/**
 * Cells to planes. `channels` is a multiple of four; up to three values behind the last plane get written. What a
 * plane's last vector writes too far is the beginning of the next plane, which is written after it: the tail comes
 * first, and rows are stored in rising order.
 */
export function toPlanes(channels: i32, cells: i32, rows: usize, planes: usize): void {
  const plane = (<usize>cells) << 2;
  const row = (<usize>channels) << 2;
  const whole = plane & ~15;
  for (let c: usize = 0; c < row; c += 16) {
    let from = rows + c;
    if (whole < plane) Tile.turn(from + <usize>(cells & ~3) * row, row, planes + whole, plane);
    for (let i: usize = 0; i < whole; i += 16) {
      Tile.turn(from, row, planes + i, plane);
      from += row << 2;
    }
    planes += plane << 2;
  }
}
