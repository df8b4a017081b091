import { options as checkOptions, integer } from "../check.ts";
import { floats, refuseAt, sizes } from "./shape.ts";

/** Bytes of the masks of all windows: below what the engines take as one array. */
const MOST = 2 ** 31;

export interface WindowGrid {
  /** Rows and columns of the map. */
  readonly size: number;
  /** Rows and columns of the window that slides over it. */
  readonly window: number;
  /** Steps between windows; the last one of a row or column is moved in, so that every cell is covered. */
  readonly stride: number;
}

export interface SearchResult {
  /** The number of each sample's hardest window: its loss is the largest, the lowest number of equals. */
  best: Uint32Array<ArrayBuffer>;
  /** Shape [n, size, size], 1 in that window: the target of the mask's loss. */
  mask: Uint8Array<ArrayBuffer>;
}

/** The first rows (or columns) of the windows. */
function starts(task: string, options: WindowGrid): { size: number; window: number; first: number[] } {
  checkOptions(task, options, ["size", "window", "stride"]);
  const { size } = sizes(task, options, ["size"]);
  const window = integer(task, "window", options.window, 1, size);
  const stride = integer(task, "stride", options.stride, 1, Number.MAX_SAFE_INTEGER);
  const first = [];
  for (let at = 0; at < size - window; at += stride) first.push(at);
  first.push(size - window);
  return { size, window, first };
}

function paint(
  mask: Uint8Array,
  from: number,
  size: number,
  window: number,
  row: number,
  column: number,
): void {
  for (let r = row; r < row + window; r++) {
    const start = from + r * size + column;
    mask.fill(1, start, start + window);
  }
}

/**
 * The masks of all windows, [windows, size, size], row by row: what `apply` takes to try each of them.
 *
 * Windows start at 0, stride, 2 stride, ..., and at size - window: 16 of them for size 7, window 2, stride 2.
 *
 * @throws {TypeError} for unknown options
 * @throws {RangeError} for options out of range, and masks of more than 2^31 bytes
 */
export function windows(options: WindowGrid): Uint8Array<ArrayBuffer> {
  const task = "list occlusion windows";
  const { size, window, first } = starts(task, options);
  const count = first.length ** 2;
  if (count * size * size > MOST) {
    throw new RangeError(
      `Cannot ${task}: expected masks of at most ${MOST} bytes, got ${count} of ${size} x ${size}`,
    );
  }
  const masks = new Uint8Array(count * size * size);
  first.forEach((row, i) => {
    first.forEach((column, j) => {
      paint(masks, (i * first.length + j) * size * size, size, window, row, column);
    });
  });
  return masks;
}

/**
 * The window of each sample that costs the classifier most, and its mask.
 *
 * @param windowLosses shape [n, windows], the loss with each window of `windows` dropped, finite
 * @throws {TypeError} for another kind of array and unknown options
 * @throws {RangeError} for another number of windows and the first loss that is not finite
 *
 * Source: Wang, Shrivastava, Gupta 2017 (arXiv 1704.03414), section 3.2, initialising the network.
 */
export function search(windowLosses: Float32Array, options: WindowGrid): SearchResult {
  const task = "search occlusion windows";
  const { size, window, first } = starts(task, options);
  const count = first.length * first.length;
  const n = Math.ceil((windowLosses?.length ?? 0) / count);
  floats(task, "windowLosses", windowLosses, [n, count]);
  const best = new Uint32Array(n);
  const mask = new Uint8Array(n * size * size);
  for (let s = 0; s < n; s++) {
    let at = s * count;
    for (let i = at; i < (s + 1) * count; i++) {
      const loss = windowLosses[i]!;
      if (!Number.isFinite(loss)) refuseAt(task, "windowLosses", windowLosses, i, () => true);
      if (loss > windowLosses[at]!) at = i;
    }
    const chosen = at - s * count;
    best[s] = chosen;
    const row = first[Math.floor(chosen / first.length)]!;
    paint(mask, s * size * size, size, window, row, first[chosen % first.length]!);
  }
  return { best, mask };
}
