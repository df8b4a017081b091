import { at, views } from "../arena.ts";
import { array, disjoint } from "../check.ts";
import type { Outputs } from "../stream/batch.ts";

/** The arrays of one call, checked: lengths that fit, right kinds, no partial overlap. */
export interface PairBatch {
  readonly scores: Float32Array;
  readonly pairs: Uint32Array;
  readonly mask: Uint8Array | undefined;
  readonly weights: Float32Array | undefined;
  /** Which group each pair belongs to. */
  readonly groups?: Uint32Array | undefined;
}

/** Items whose scores and sums fit the memory of a module. */
const MOST = 3e8;

function pairCount(task: string, name: string, got: number, n: number): void {
  if (got !== n) throw new RangeError(`Cannot ${task}: expected ${n} ${name}, one for each pair, got ${got}`);
}

function checkOutputs(task: string, out: Outputs, items: number, n: number): void {
  if (out.grad !== undefined) {
    array<Float32Array>(task, "grad", out.grad, ["Float32Array"]);
    if (out.grad.length !== items) {
      throw new RangeError(
        `Cannot ${task}: expected ${items} elements of grad, one for each score, got ${out.grad.length}`,
      );
    }
  }
  if (out.losses !== undefined) {
    array<Float32Array>(task, "losses", out.losses, ["Float32Array"]);
    pairCount(task, "elements of losses", out.losses.length, n);
  }
}

export function checkPairs(
  task: string,
  scores: unknown,
  pairs: unknown,
  mask: unknown,
  weights: unknown,
  out: Outputs,
  groups?: unknown,
): PairBatch {
  array<Float32Array>(task, "scores", scores, ["Float32Array"]);
  array<Uint32Array>(task, "pairs", pairs, ["Uint32Array"]);
  if (scores.length > MOST) {
    throw new RangeError(`Cannot ${task}: expected at most ${MOST} scores, got ${scores.length}`);
  }
  if (pairs.length % 2 !== 0) {
    throw new RangeError(`Cannot ${task}: expected two indices for each pair, got ${pairs.length} in all`);
  }
  const n = pairs.length / 2;
  if (mask !== undefined) {
    array<Uint8Array>(task, "mask", mask, ["Uint8Array"]);
    pairCount(task, "mask bytes", mask.length, n);
  }
  if (weights !== undefined) {
    array<Float32Array>(task, "weights", weights, ["Float32Array"]);
    pairCount(task, "weights", weights.length, n);
  }
  if (groups !== undefined) {
    array<Uint32Array>(task, "groups", groups, ["Uint32Array"]);
    pairCount(task, "groups", groups.length, n);
  }
  checkOutputs(task, out, scores.length, n);
  disjoint(
    task,
    [
      ["grad", out.grad],
      ["losses", out.losses],
      ["scores", scores],
      ["pairs", pairs],
      ["mask", mask],
      ["weights", weights],
      ["groups", groups],
    ],
    2,
  );
  return { scores, pairs, mask, weights, groups };
}

/** Throws for the first pair of a chunk that no loss is defined for; the mask hides what it covers. */
export function refusePairs(task: string, batch: PairBatch, from: number, size: number): never {
  const { scores, pairs, mask, weights } = batch;
  for (let k = from; k < from + size; k++) {
    if (mask?.[k] === 0) continue;
    for (const item of pairs.subarray(2 * k, 2 * k + 2)) {
      if (item >= scores.length) {
        throw new RangeError(
          `Cannot ${task}: expected indices below ${scores.length}, one of the scores, got ${item} in pair ${k}`,
        );
      }
      const score = scores[item]!;
      if (!Number.isFinite(score)) {
        throw new RangeError(
          `Cannot ${task}: expected finite scores, got ${score} at item ${item} of pair ${k}`,
        );
      }
    }
    const w = weights?.[k] ?? 1;
    if (!(w >= 0 && w < Infinity)) {
      throw new RangeError(`Cannot ${task}: expected finite weights >= 0, got ${w} at pair ${k}`);
    }
  }
  throw new RangeError(
    `Cannot ${task}: expected arrays that nobody else writes to, got a value that changed`,
  );
}

/** Throws for the first loss of the chunk in the arena that is not finite. */
export function refusePairOverflow(task: string, batch: PairBatch, from: number, size: number): never {
  const losses = views().f32.subarray(at.loss >>> 2, (at.loss >>> 2) + size);
  const k = from + losses.findIndex((loss) => !Number.isFinite(loss));
  const [preferred, other] = batch.pairs.subarray(2 * k, 2 * k + 2);
  throw new RangeError(
    `Cannot ${task}: expected weighted losses that a float32 can hold, got an overflow at pair ${k} ` +
      `(scores ${batch.scores[preferred!]} and ${batch.scores[other!]}, weight ${batch.weights?.[k] ?? 1})`,
  );
}
