import { at, CHUNK, views } from "../arena.ts";
import { checkBatch, inputsOf, refuseOverflow } from "../stream/batch.ts";
import type { Form } from "../stream/form.ts";
import { copyOut, pass } from "../stream/pass.ts";
import type { Chunk, Sampler } from "./samples.ts";

/** Hard or real-valued targets, one for each input. */
export type Targets = Float32Array | Uint8Array;

/** Samples that are elements: the gradient of a pointwise loss is the signed norm. */
export function elements(form: Form): Sampler<Targets> {
  return (task, inputs, targets, mask, out) => {
    const batch = checkBatch(task, inputs, targets, mask, undefined, 1, out, inputsOf(form));
    const size = inputs.length;
    const chunk = (from: number, size: number, valid: number, bounds: number): Chunk => ({
      from,
      size,
      valid,
      mask: valid < size ? at.mask : 0,
      norms: at.grad,
      losses: at.loss,
      bounds,
      factors: at.grad,
    });
    return {
      size,
      length: size,
      visit(task, _wantsGrad, each) {
        const all = (): number => 1;
        pass(task, form, batch, all, ({ from, size, valid, bounds }) =>
          each(chunk(from, size, valid, bounds)),
        );
      },
      put: (chunk, grad) => copyOut({ grad }, chunk),
      recall(grad, each) {
        for (let from = 0; from < size; from += CHUNK) {
          const some = Math.min(CHUNK, size - from);
          views().f32.set(grad.subarray(from, from + some), at.grad >>> 2);
          each(chunk(from, some, some, 0));
        }
      },
      refuse: (task, { from, size }) => refuseOverflow(task, batch, from, size),
    };
  };
}
