import { views } from "../arena.ts";
import { checkClasses, checkRows, isIgnored, type Labels, refuseRowOverflow } from "../rows/batch.ts";
import type { RowForm } from "../rows/form.ts";
import { rowPass } from "../rows/pass.ts";
import { roomsFor } from "../rows/rooms.ts";
import { kernel } from "../wasm/kernel.ts";
import type { Chunk, Sampler } from "./samples.ts";

/**
 * Samples that are rows of logits with one label each: the norm is 1 - p of the label, the slope of cross-entropy, and
 * a row's weight multiplies its whole gradient.
 */
export function rows(name: string, task: string, parameters: Record<string, unknown>): Sampler<Labels> {
  const of = checkClasses(task, parameters);
  const form: RowForm = { name, margin: kernel.bceHard, fields: [], share: 1, alpha: 1, ...of };
  const { classes, ignoreIndex } = of;
  return (task, logits, labels, mask, out) => {
    const batch = checkRows(task, classes, logits, labels, mask, undefined, out);
    const size = labels.length;
    // Rooms are laid out for a row at least, however many classes it has.
    const { at, rows: most, end } = roomsFor(size > 0 ? classes : 1, false);
    const isMissing = (row: number): boolean => isIgnored(batch, ignoreIndex, row);

    /** The chunk in the arena. Every row that exists has the weight 1 there, any other the weight 0. */
    function chunk(from: number, size: number, valid: number): Chunk {
      const { u8 } = views();
      const isWhole = valid === size;
      if (!isWhole) for (let r = 0; r < size; r++) u8[at.mask + r] = isMissing(from + r) ? 0 : 1;
      const mask = isWhole ? 0 : at.mask;
      return { from, size, valid, mask, norms: at.slope, losses: at.loss, factors: at.w };
    }

    return {
      size,
      length: logits.length,
      free: end,
      visit(task, wantsGrad, each) {
        const all = (): number => 1;
        rowPass(task, form, batch, wantsGrad, all, ({ from, rows, valid }) => each(chunk(from, rows, valid)));
      },
      put({ from, size }, grad) {
        kernel.weighRows(size, classes, at.x, at.w, at.e);
        grad.set(views().f32.subarray(at.e >>> 2, (at.e >>> 2) + size * classes), from * classes);
      },
      recall(grad, each) {
        for (let from = 0; from < size; from += most) {
          const { f32 } = views();
          const some = Math.min(most, size - from);
          f32.set(grad.subarray(from * classes, (from + some) * classes), at.x >>> 2);
          f32.fill(1, at.w >>> 2, (at.w >>> 2) + some);
          for (let r = 0; r < some; r++) {
            const row = from + r;
            // The gradient of the label is the norm, negated.
            f32[(at.slope >>> 2) + r] = isMissing(row) ? 0 : grad[row * classes + labels[row]!]!;
          }
          each(chunk(from, some, some));
        }
      },
      refuse: (task, { from, size }) => refuseRowOverflow(task, batch, at.loss, from, size),
    };
  };
}
