import { outputs as checkOutputs } from "../check.ts";
import { checkRows, type Labels, type RowBatch } from "../rows/batch.ts";
import type { Row } from "../stream/rows.ts";
import { type DrForm, type DrLossOptions, NAME, readForm } from "./form.ts";
import { gradient, tallyRows } from "./passes.ts";
import { type DrBatchOptions, type DrLossIntoResult, DrLossStream, resultOf } from "./stream.ts";

const COMPUTE = "compute drLoss";

export interface DrLossResult extends DrLossIntoResult {
  /** d loss / d logits, one float32 per logit. */
  grad: Float32Array;
}

/** `drLoss` and its facets. */
export interface DrLoss {
  (logits: Float32Array, labels: Labels, options: DrLossOptions & DrBatchOptions): DrLossResult;
  /** The same into a gradient of the caller, which may be the logits themselves; without one, the loss alone. */
  into(
    out: { grad?: Float32Array | undefined },
    logits: Float32Array,
    labels: Labels,
    options: DrLossOptions & DrBatchOptions,
  ): DrLossIntoResult;
  /** A mergeable loss over rows that arrive in pieces. */
  stream(options: DrLossOptions): DrLossStream;
  /** A stream from the bytes of `save`. */
  load(bytes: Uint8Array): DrLossStream;
  /** A stream from the rows of `toRows`, possibly added up elsewhere. */
  fromRows(rows: readonly Row[], options: DrLossOptions): DrLossStream;
}

type Options = DrLossOptions & DrBatchOptions;

/** One batch, once it is checked. */
function run(form: DrForm, batch: RowBatch, grad: Float32Array | undefined): DrLossIntoResult {
  const tally = tallyRows(COMPUTE, form, batch);
  if (grad) gradient(COMPUTE, form, batch, tally, grad);
  return resultOf(form, tally);
}

function into(
  out: { grad?: Float32Array | undefined },
  logits: Float32Array,
  labels: Labels,
  options: Options,
): DrLossIntoResult {
  checkOutputs(COMPUTE, out, ["grad"]);
  const form = readForm(COMPUTE, options, ["mask"]);
  const batch = checkRows(COMPUTE, form.classes, logits, labels, options.mask, undefined, out);
  return run(form, batch, out.grad);
}

function compute(logits: Float32Array, labels: Labels, options: Options): DrLossResult {
  const form = readForm(COMPUTE, options, ["mask"]);
  const batch = checkRows(COMPUTE, form.classes, logits, labels, options.mask, undefined, {});
  const grad = new Float32Array(logits.length);
  const { loss, ...rest } = run(form, batch, grad);
  return { loss, grad, ...rest };
}

/**
 * DR loss (distributional ranking): the hardest negatives are to stay a margin below the hardest positives.
 *
 *   P = sum q p / sum q, with p = sigmoid(logit), q = e^(-p / lambdaPos) of positives, e^(p / lambdaNeg) of negatives
 *   L = tau / scale softplus(scale (P- - P+ + margin))
 *
 * One number for the whole batch: `loss` is not a mean, and the gradient flows through the weights q.
 *
 * @param logits shape [rows, classes], any finite value
 * @param labels shape [rows]: 1 to classes names the positive of the row, its others are negatives; 0 is background,
 *   all negatives; a negative label ignores the row, whatever its logits hold
 * @param options.classes classes of a row
 * @param options.lambdaPos temperature of the positives, at least 1e-6; default 1
 * @param options.lambdaNeg temperature of the negatives, at least 1e-6; default 0.1 / ln 3.5
 * @param options.scale steepness of the outer loss, in [1e-6, 1e6]; default 6
 * @param options.tau factor of the loss, in [0, 1e6]; default 4
 * @param options.margin what positives are to be ahead, in [-1e6, 1e6]; default 0.5
 * @param options.mask shape [rows]; where it is 0 the row does not exist
 * @returns `loss`; `grad`, shape [rows, classes]; `count`, the rows that are not ignored; `positives` among their
 *   entries; P+ and P- as `pPos` and `pNeg`. Without positives P+ is 1, without negatives P- is 0: an empty batch has
 *   tau / scale softplus(scale (margin - 1)) and no gradient
 * @throws {TypeError} for arrays of another kind and unknown options
 * @throws {RangeError} for other lengths, options out of range, the first label beyond the classes and the first
 *   logit that is not finite
 *
 * Error: docs/dr-loss.md.
 * Source: {@link https://arxiv.org/abs/1907.10156 | Qian et al. 2019}; defaults as in idstcv/DR_loss.
 *
 * @example
 * const { loss, pPos, pNeg } = drLoss(Float32Array.of(2, -1, -3, 0), Int32Array.of(1, 0), { classes: 2 });
 */
export const drLoss: DrLoss = /* @__PURE__ */ Object.assign(compute, {
  into,
  stream: (options: DrLossOptions) => new DrLossStream(readForm(`stream ${NAME}`, options)),
  load: (bytes: Uint8Array) => DrLossStream.load(bytes),
  fromRows: (rows: readonly Row[], options: DrLossOptions) => DrLossStream.fromRows(rows, options),
});
