import { at, views } from "../arena.ts";
import { options as checkOptions } from "../check.ts";
import { checkBatch } from "../stream/batch.ts";
import { moveValid, signedNorms } from "../stream/cross-entropy.ts";

export interface MaskOption {
  /** One byte per element; where it is 0 the element does not exist. */
  readonly mask?: Uint8Array | undefined;
}

/**
 * Gradient norms of the valid elements, in order: g = |sigmoid(x) - t| = sigmoid(-u), u the signed margin.
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each 0 or 1
 * @returns one float32 in [0, 1] per valid element; within 4 ulp, and never formed as a difference
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths and the first value outside the domain
 */
export function norms(
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  options?: MaskOption,
): Float32Array {
  const task = "compute gradient norms";
  checkOptions(task, options, ["mask"]);
  const batch = checkBatch(task, logits, targets, options?.mask, undefined, 1, {});
  const g = new Float32Array(logits.length);
  let count = 0;
  signedNorms(task, batch, (chunk) => {
    const moved = moveValid(batch, chunk, at.grad, at.w1);
    g.set(views().f32.subarray(at.w1 >>> 2, (at.w1 >>> 2) + moved), count);
    count += moved;
  });
  return count === g.length ? g : g.slice(0, count);
}

/** The valid elements' gradient norms and cross-entropies, in order. */
export function normsAndLosses(
  task: string,
  logits: Float32Array,
  targets: Float32Array | Uint8Array,
  mask: Uint8Array | undefined,
): { g: Float32Array; losses: Float32Array } {
  const batch = checkBatch(task, logits, targets, mask, undefined, 1, {});
  const g = new Float32Array(logits.length);
  const losses = new Float32Array(logits.length);
  let count = 0;
  signedNorms(task, batch, (chunk) => {
    const moved = moveValid(batch, chunk, at.grad, at.w1);
    moveValid(batch, chunk, at.loss, at.w0);
    const { f32 } = views();
    g.set(f32.subarray(at.w1 >>> 2, (at.w1 >>> 2) + moved), count);
    losses.set(f32.subarray(at.w0 >>> 2, (at.w0 >>> 2) + moved), count);
    count += moved;
  });
  return { g: g.subarray(0, count), losses: losses.subarray(0, count) };
}
