import type { Outputs } from "../stream/batch.ts";

/** Samples of a batch whose numbers are in the arena, one float32 each behind every address. */
export interface Chunk {
  /** Index of its first sample, and how many it has. */
  readonly from: number;
  readonly size: number;
  /** Samples that exist; the norms and losses of the others are 0. */
  readonly valid: number;
  /** One byte per sample, 0 where it does not exist; address 0 if all of them do. */
  readonly mask: number;
  /** Gradient norms, of either sign. */
  readonly norms: number;
  /** Unweighted losses. */
  readonly losses: number;
  /** Address of two vectors with the range of the losses, or one around it, where it is known. */
  readonly bounds?: number;
  /** What the weight of a sample multiplies, in place: its signed gradient, or the 1 that stands for several. */
  readonly factors: number;
}

/**
 * The arrays of one call, checked. A sample may be an element, a row of logits or a pair: what is harmonized has a norm
 * and a loss per sample, and knows where the gradient of a weighted sample goes.
 */
export interface Samples {
  /** Samples, also those that do not exist; and elements of the gradient. */
  readonly size: number;
  readonly length: number;
  /** Where memory begins that the samples leave free, if they take more than the fixed rooms. */
  readonly free?: number | undefined;
  /**
   * Runs `each` over the batch, chunk by chunk.
   *
   * @param wantsGrad whether `put` may follow
   */
  visit(task: string, wantsGrad: boolean, each: (chunk: Chunk) => void): void;
  /**
   * Writes the gradients of a chunk in the arena: the unweighted ones times its factors. Without `recall` it is called
   * once for each chunk of a batch, in their order, so that gradients may be sums over chunks.
   */
  put(chunk: Chunk, grad: Float32Array): void;
  /**
   * `visit`, without losses, for a batch whose unweighted gradients `put` has written to `grad`. Samples that cannot
   * be told from their gradients do not have it and are visited again.
   */
  recall?(grad: Float32Array, each: (chunk: Chunk) => void): void;
  /** Throws for the first sample of a chunk in the arena whose loss is beyond float32. */
  refuse(task: string, chunk: Chunk): never;
}

/** Makes samples of the arrays of a call; `T` are the targets, labels or whatever says what is right. */
export type Sampler<T> = (
  task: string,
  inputs: Float32Array,
  targets: T,
  mask: Uint8Array | undefined,
  out: Outputs,
) => Samples;
