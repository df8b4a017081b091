/** So few numbers are sorted as they are. */
const FEW = 4096;

/**
 * The number of a rank, 0 for the smallest, of numbers >= 0.
 *
 * Such numbers order like their bits: 16 of these at a time, from the top, tell which numbers the one that is looked
 * for is among. Leaves the numbers in another order, and some of them twice.
 */
function ranked(values: Float64Array<ArrayBuffer>, rank: number): number {
  const digits = new Uint16Array(values.buffer);
  const counts = new Uint32Array(65536);
  let n = values.length;
  for (let place = 3; place >= 0 && n > FEW; place--) {
    counts.fill(0);
    for (let i = place; i < 4 * n; i += 4) counts[digits[i]!]!++;
    let digit = 0;
    for (; rank >= counts[digit]!; digit++) rank -= counts[digit]!;
    let kept = 0;
    for (let i = 0; i < n; i++) if (digits[4 * i + place] === digit) values[kept++] = values[i]!;
    n = kept;
  }
  // More than a few are all the same by now.
  return n > FEW ? values[0]! : values.subarray(0, n).sort()[rank]!;
}

/** The median of numbers >= 0, at least one: of an even number of them the mean of the two in the middle. */
export function median(values: Float64Array): number {
  const middle = values.length >> 1;
  const upper = ranked(values.slice(), middle);
  return values.length % 2 ? upper : (ranked(values.slice(), middle - 1) + upper) / 2;
}
