/** Losses and exact gradients for imbalanced data. */
export type { IntoResult, LossResult, PointwiseLoss, ReductionOptions, SharedOptions } from "./define.ts";
export type { Bracket, BracketOptions, DensityStream } from "./density/bracket.ts";
export { type DensityFunctions, density, type ExactDensity } from "./density/density.ts";
export type { Density, WindowOptions } from "./density/exact.ts";
export type { BinsOption } from "./density/histogram.ts";
export type { MaskOption } from "./density/norms.ts";
export type { Report, VerifyOptions } from "./density/verify.ts";
export { type BceOptions, bce } from "./losses/bce.ts";
export { type FocalOptions, focal } from "./losses/focal.ts";
export { digest, version } from "./wasm/bytes.ts";
export type { BatchOptions, LossStream, Normalizer, Reduction, StreamResult } from "./stream/loss-stream.ts";
export type { Row } from "./stream/rows.ts";
