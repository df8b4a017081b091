/** Losses and exact gradients for imbalanced data. */
export type { GridOptions } from "./adversary/affine.ts";
export { type Deformation, deformation } from "./adversary/deformation.ts";
export type { OcclusionShape } from "./adversary/occlude.ts";
export { type MaskLossOptions, type Occlusion, occlusion } from "./adversary/occlusion.ts";
export type { RotateOptions, Rotation, RotationGradients } from "./adversary/rotate.ts";
export type { SampleGradients, SampleOptions } from "./adversary/sample.ts";
export type { SearchResult, WindowGrid } from "./adversary/search.ts";
export type { ThresholdOptions } from "./adversary/threshold.ts";
export { type Breakdown, type BreakdownOptions, breakdown, type Side } from "./analysis/breakdown.ts";
export { type DistributionOptions, type LossCdf, lossCdf, share } from "./analysis/distribution.ts";
export { type GradientMass, type GradientMassOptions, gradientMass } from "./analysis/mass.ts";
export { type PriorOptions, priorBias } from "./analysis/prior.ts";
export {
  type AdaptiveAsymmetry,
  type AdaptiveAsymmetryOptions,
  type Asymmetry,
  adaptiveAsymmetry,
} from "./asymmetry/adaptive.ts";
export type {
  IntoResult,
  LossResult,
  PointwiseLoss,
  Reduced,
  ReductionOptions,
  SharedOptions,
} from "./define.ts";
export type { Bracket, BracketOptions, DensityStream } from "./density/bracket.ts";
export { type DensityFunctions, density, type ExactDensity } from "./density/density.ts";
export type { Density, WindowOptions } from "./density/exact.ts";
export type { BinsOption } from "./density/histogram.ts";
export type { MaskOption } from "./density/norms.ts";
export type { Report, VerifyOptions } from "./density/verify.ts";
export { autoBins } from "./ghm/auto.ts";
export type { Convention } from "./ghm/average.ts";
export type { GhmExactOptions, GhmExactResult } from "./ghm/exact.ts";
export type { Ghm, Given } from "./ghm/ghm.ts";
export { type Ghmc, ghmc } from "./ghm/ghmc.ts";
export {
  type GhmcSoftmax,
  type GhmcSoftmaxOptions,
  ghmcSoftmax,
} from "./ghm/ghmc-softmax.ts";
export { type Ghmr, type GhmrOptions, ghmr } from "./ghm/ghmr.ts";
export type { Histogram } from "./ghm/histogram.ts";
export type { GhmBatchOptions, GhmOptions, GhmStateOptions } from "./ghm/options.ts";
export type { GhmIntoResult, GhmResult, GhmState } from "./ghm/state.ts";
export type { GhmStream } from "./ghm/stream.ts";
export { type Asl1Options, asl1 } from "./losses/asl1.ts";
export { type AsymmetricOptions, asymmetric } from "./losses/asymmetric.ts";
export {
  type AsymmetricSingleLabelOptions,
  asymmetricSingleLabel,
} from "./losses/asymmetric-single-label.ts";
export { type BceOptions, bce } from "./losses/bce.ts";
export { type FocalOptions, focal } from "./losses/focal.ts";
export { type FocalStarOptions, focalStar } from "./losses/focal-star.ts";
export { type SmoothL1Options, smoothL1 } from "./losses/smooth-l1.ts";
export { type SoftmaxCrossEntropyOptions, softmaxCrossEntropy } from "./losses/softmax-cross-entropy.ts";
export { type SoftmaxFocalOptions, softmaxFocal } from "./losses/softmax-focal.ts";
export { type SoftmaxFocalStarOptions, softmaxFocalStar } from "./losses/softmax-focal-star.ts";
export {
  type SoftmaxHardTruncationOptions,
  softmaxHardTruncation,
} from "./losses/softmax-hard-truncation.ts";
export {
  type SoftmaxSoftTruncationOptions,
  softmaxSoftTruncation,
} from "./losses/softmax-soft-truncation.ts";
export {
  type HardTruncationOptions,
  hardTruncation,
  type SoftTruncationOptions,
  softTruncation,
} from "./losses/truncation.ts";
export type { PairGhmStream } from "./pairs/ghm-stream.ts";
export { pairwise } from "./pairs/pairwise.ts";
export type {
  PairOutputs,
  PairReduction,
  PairStream,
  Pairwise,
  PairwiseGhmBatchOptions,
  PairwiseGhmOptions,
  PairwiseGhmResult,
  PairwiseLossOptions,
  PairwiseOptions,
} from "./pairs/types.ts";
export { type DrLoss, type DrLossResult, drLoss } from "./ranking/dr-loss.ts";
export type { DrLossOptions } from "./ranking/form.ts";
export type { DrBatchOptions, DrLossIntoResult, DrLossStream } from "./ranking/stream.ts";
export type { Labels } from "./rows/batch.ts";
export type { ClassOptions, RowBatchOptions, RowLoss, RowOptions, RowStream } from "./rows/define.ts";
export { type Ohem, type OhemOptions, ohem, type Selection, type StreamOptions } from "./selection/ohem.ts";
export type { Grouping, Key, Stage } from "./selection/schedule.ts";
export { type Sohem, type SohemOptions, type StratifiedSelection, sohem } from "./selection/sohem.ts";
export type {
  SohemStream,
  SohemStreamOptions,
  SohemStreamResult,
  SohemUpdateOptions,
} from "./selection/sohem-stream.ts";
export type { OhemStream, OhemStreamResult, OhemUpdateOptions } from "./selection/stream.ts";
export type { BatchOptions, LossStream, Normalizer, Reduction, StreamResult } from "./stream/loss-stream.ts";
export type { Row } from "./stream/rows.ts";
export { digest, version } from "./wasm/bytes.ts";
