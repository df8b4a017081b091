import { reserve } from "../arena.ts";

/** Logits in the arena at a time, unless four rows have more: with their exponentials they stay in a second-level cache. */
const ELEMENTS = 32768;
/** Rows at a time: each has a number in some twenty rooms. */
const MOST = 4096;

const PER_ROW = [
  "labels",
  "mask",
  "w",
  "own",
  "peaks",
  "sums",
  "near",
  "decay",
  "logs",
  "zeros",
  "ones",
  "loss",
  "slope",
  "scale",
  "second",
  "terms",
  "turns",
  "levels",
] as const;
const PER_CLASS = ["alpha", "x", "e", "h"] as const;

type Room = (typeof PER_ROW)[number] | (typeof PER_CLASS)[number];

/** Where a chunk of rows lies. */
export interface Rooms {
  /** Rows that a chunk holds at most. */
  readonly rows: number;
  readonly at: Readonly<Record<Room, number>>;
  /** Where the memory behind them begins. */
  readonly end: number;
}

let last: Rooms | undefined;
let lastClasses = 0;
let lastSecond = false;

/**
 * Rooms for rows of so many classes: a chunk of them, or four where those are longer than a chunk.
 *
 * @param second whether a second term per class needs room
 */
export function roomsFor(classes: number, second: boolean): Rooms {
  if (last && lastClasses === classes && lastSecond === second) return last;
  const rows = Math.min(Math.max(Math.floor(ELEMENTS / classes) & ~3, 4), MOST);
  const names = [...PER_ROW, ...PER_CLASS];
  const addresses = reserve([
    ...PER_ROW.map(() => 4 * rows),
    4 * classes,
    4 * rows * classes,
    4 * rows * classes,
    second ? 4 * rows * classes : 0,
    0,
  ]);
  const at = Object.fromEntries(names.map((name, i) => [name, addresses[i]])) as Record<Room, number>;
  last = { rows, at, end: addresses[names.length]! };
  lastClasses = classes;
  lastSecond = second;
  return last;
}
