import { affineGrid, affineGridBackward, type GridOptions } from "./affine.ts";
import { type RotateOptions, type Rotation, rotate } from "./rotate.ts";
import { type SampleGradients, type SampleOptions, sample, sampleBackward } from "./sample.ts";

export interface Deformation {
  readonly affineGrid: (theta: Float32Array, options: GridOptions) => Float32Array<ArrayBuffer>;
  readonly affineGridBackward: (gradGrid: Float32Array, options: GridOptions) => Float32Array<ArrayBuffer>;
  readonly sample: (
    features: Float32Array,
    grid: Float32Array,
    options: SampleOptions,
  ) => Float32Array<ArrayBuffer>;
  readonly sampleBackward: (
    gradOutput: Float32Array,
    features: Float32Array,
    grid: Float32Array,
    options: SampleOptions,
  ) => SampleGradients;
  readonly rotate: (features: Float32Array, angles: Float32Array, options: RotateOptions) => Rotation;
}

/** The adversary that deforms a feature map (ASTN), and the parts it is made of. */
export const deformation: Deformation = /* @__PURE__ */ Object.freeze({
  affineGrid,
  affineGridBackward,
  sample,
  sampleBackward,
  rotate,
});
