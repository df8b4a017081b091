import { type Bracket, type BracketOptions, bracket, type DensityStream, stream } from "./bracket.ts";
import { type Density, exact, exactInto, type WindowOptions } from "./exact.ts";
import { type BinsOption, histogram } from "./histogram.ts";
import { type MaskOption, norms } from "./norms.ts";
import { type Report, type VerifyOptions, verify } from "./verify.ts";

/** The exact density, with a form that allocates nothing. */
export interface ExactDensity {
  (g: Float32Array, options?: WindowOptions): Density;
  into(
    out: {
      counts?: Uint32Array | undefined;
      density?: Float64Array | undefined;
      beta?: Float64Array | undefined;
    },
    g: Float32Array,
    options?: WindowOptions,
  ): void;
}

export interface DensityFunctions {
  readonly norms: (
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: MaskOption,
  ) => Float32Array;
  readonly exact: ExactDensity;
  readonly histogram: (g: Float32Array, options?: BinsOption) => Density;
  readonly bracket: (g: Float32Array, options?: BracketOptions) => Bracket;
  readonly stream: (options?: BracketOptions) => DensityStream;
  readonly verify: (
    logits: Float32Array,
    targets: Float32Array | Uint8Array,
    options?: VerifyOptions,
  ) => Report;
}

/** The density of gradient norms: exact, approximate, bracketed, and how far these are apart. */
export const density: DensityFunctions = /* @__PURE__ */ Object.freeze({
  norms,
  exact: /* @__PURE__ */ Object.assign(
    (g: Float32Array, options?: WindowOptions): Density => exact(g, options),
    {
      into: exactInto,
    },
  ),
  histogram,
  bracket,
  stream,
  verify,
});
