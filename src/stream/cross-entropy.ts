import { at } from "../arena.ts";
import { kernel } from "../wasm/kernel.ts";
import type { Batch } from "./batch.ts";
import type { Form } from "./form.ts";
import { type Chunk, pass } from "./pass.ts";

/** Plain cross-entropy on hard targets: its gradient is the signed gradient norm g of the harmonizing methods. */
export const crossEntropy: Form = /* @__PURE__ */ Object.freeze({
  name: "ghmc",
  hard: kernel.bceHard,
  fields: [],
  positive: 1,
  negative: 1,
  classes: 1,
});

/** Runs `each` over the chunks of a batch with signed g at `at.grad` and cross-entropies at `at.loss`. */
export function signedNorms(task: string, batch: Batch, each: (chunk: Chunk) => void): void {
  pass(task, crossEntropy, batch, () => 1, each);
}

/** Moves the valid |values| of a chunk in the arena to an address there. Returns how many. */
export function moveValid(batch: Batch, chunk: Chunk, values: number, to: number): number {
  return kernel.magnitudes(chunk.size, values, batch.mask ? at.mask : 0, to);
}
