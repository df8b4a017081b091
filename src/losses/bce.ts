import { classesOf, defineLoss, kernel, type PerClass, type PointwiseLoss, perClass } from "../define.ts";

export interface BceOptions {
  /** Weight of target 1, in [0, 3.4e38]; default 1. One value per class where `classes` is given. */
  readonly posWeight?: PerClass | undefined;
  /** Classes of a multi-label batch `[rows, classes]`, row-major; default 1. */
  readonly classes?: number | undefined;
}

/**
 * Binary cross-entropy on logits.
 *
 * L = t posWeight softplus(-x) + (1 - t) softplus(x)
 *
 * @param logits shape [n], any finite value
 * @param targets shape [n], each in [0, 1]
 * @param options see `BceOptions` and `SharedOptions`
 * @returns `loss`, `grad` = d loss / d logits of shape [n], `count`
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, and the first value outside the domain
 *
 * Error: loss and gradient of an element within 4 ulp for hard targets, wherever the result is a normal float32;
 * for soft targets the two terms of the gradient cancel, and the error is at most 4 * 2^-23 of their sum of sizes.
 * Source: section 1 of docs/losses.md.
 *
 * @example
 * const { loss, grad } = bce(Float32Array.of(2.2, -1.3), Float32Array.of(1, 0));
 */
export const bce: PointwiseLoss<BceOptions> = /* @__PURE__ */ defineLoss<BceOptions>({
  name: "bce",
  defaults: { posWeight: 1, classes: undefined },
  form(task, { posWeight, classes }) {
    return {
      name: "bce",
      hard: kernel.bceHard,
      soft: kernel.bceSoft,
      fields: [],
      positive: perClass(task, "posWeight", posWeight, classes, 0, 3.4028234663852886e38),
      negative: 1,
      classes: classesOf(task, classes),
    };
  },
});
