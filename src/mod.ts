/** Losses and exact gradients for imbalanced data. */
export type { IntoResult, LossResult, PointwiseLoss, ReductionOptions, SharedOptions } from "./define.ts";
export { type BceOptions, bce } from "./losses/bce.ts";
export { type FocalOptions, focal } from "./losses/focal.ts";
export { digest, version } from "./wasm/bytes.ts";
export type { BatchOptions, LossStream, Normalizer, Reduction, StreamResult } from "./stream/loss-stream.ts";
export type { Row } from "./stream/rows.ts";
