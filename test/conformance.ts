/**
 * Results that every engine must reproduce to the bit, without a test framework: it runs in workerd as it is. Takes the
 * library as an argument, so that whoever runs it says which build is meant.
 */
import type * as counterpoise from "counterpoise";

type Library = typeof counterpoise;
type Words = Float32Array | Float64Array | Uint32Array | Uint8Array;

const N = 40001;
const CLASSES = 7;

interface Data {
  x: Float32Array;
  t: Float32Array;
  /** Predictions, what they should be, labels of rows and box corners. */
  predictions: Float32Array;
  labels: Uint8Array;
  rows: Float32Array;
  boxes: Float32Array;
}

/** The same numbers on every engine. */
function make(): Data {
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const rows = Math.floor(N / CLASSES);
  const x = Float32Array.from({ length: N }, () => (next() - 0.6) * 30);
  return {
    x,
    t: Float32Array.from(x, () => (next() < 0.02 ? 1 : 0)),
    predictions: x.map((v) => v + (next() - 0.5) * (next() < 0.1 ? 8 : 0.2)),
    labels: Uint8Array.from({ length: rows }, () => next() * CLASSES),
    rows: x.slice(0, rows * CLASSES),
    boxes: Float32Array.from({ length: 400 }, (_, i) => (i % 4 < 2 ? 0 : 64) + Math.floor(next() * 64)),
  };
}

/** A checksum of bits. */
function bits(values: Words): number {
  let sum = 0;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return sum;
}

function say({ loss, grad }: { loss: number; grad: Float32Array }): string {
  return `${loss} ${bits(grad)}`;
}

/** One call of each family of losses. */
function losses(library: Library, { x, t, predictions, labels, rows }: Data): Record<string, string> {
  const { ghmc, ghmr, softmaxSoftTruncation } = library;
  const of = { classes: CLASSES };
  const pairs = Uint32Array.from({ length: 2 * N }, (_, i) => Math.imul(i, 7919) >>> 17);
  const soft = t.map((v, i) => (i % 3 === 0 ? 0.3 : v));
  const state = ghmc.create({ bins: 20, momentum: 0.75 });
  state.step(x, t);
  const adaptive = library.adaptiveAsymmetry.create({ rate: 1 });
  return {
    bce: say(library.bce(x, t)),
    "bce, soft": say(library.bce(x, soft)),
    focal: say(library.focal(x, t)),
    "focal, soft": say(library.focal(x, soft, { gamma: 1.5 })),
    "focal, any exponent": say(library.focal(x, t, { gamma: 1.7, alpha: null })),
    focalStar: say(library.focalStar(x, t)),
    hardTruncation: say(library.hardTruncation(x, t, { margin: 0.6 })),
    softTruncation: say(library.softTruncation(x, t, { k: 5 })),
    asymmetric: say(library.asymmetric(x, t)),
    "asymmetric, any exponent": say(library.asymmetric(x, t, { gammaPos: 0.3, gammaNeg: 2.2 })),
    adaptiveAsymmetry: `${say(adaptive.step(x, t))} ${adaptive.gammaNeg}`,
    smoothL1: say(library.smoothL1(predictions, x, { beta: 0.11 })),
    asl1: say(library.asl1(predictions, x)),
    ghmc: say(ghmc(x, t)),
    "ghmc, average": say(state.step(x.subarray(5), t.subarray(5))),
    "ghmc, exact": say(ghmc.exact(x, t, { width: 1 / 30 })),
    ghmcSoftmax: say(library.ghmcSoftmax(rows, labels, { ...of, bins: 12 })),
    ghmr: say(ghmr(predictions, x)),
    softmaxCrossEntropy: say(library.softmaxCrossEntropy(rows, labels, { ...of, labelSmoothing: 0.1 })),
    softmaxFocal: say(library.softmaxFocal(rows, labels, of)),
    softmaxFocalStar: say(library.softmaxFocalStar(rows, labels, of)),
    softmaxHardTruncation: say(library.softmaxHardTruncation(rows, labels, of)),
    softmaxSoftTruncation: say(softmaxSoftTruncation(rows, labels, { ...of, k: 2 })),
    "softmaxSoftTruncation, rival": say(softmaxSoftTruncation(rows, labels, { ...of, form: "rival" })),
    drLoss: say(library.drLoss(rows, labels, of)),
    asymmetricSingleLabel: say(library.asymmetricSingleLabel(rows, labels, of)),
    pairwise: say(library.pairwise(x, pairs)),
    "pairwise, ghm": say(library.pairwise(x, pairs, { loss: "ghm", groups: pairs.slice(0, N) })),
  };
}

/** Densities, selections, adversaries, states. */
function others(library: Library, { x, t, boxes }: Data): Record<string, string> {
  const { bce, density, occlusion, deformation } = library;
  const each = bce(x, t, { reduction: "none" }).losses;
  const few = each.slice(0, 100);
  const shape = { n: 2, channels: 4, size: 7 };
  const features = x.slice(0, 392);
  const mask = occlusion.threshold(x.slice(0, 98), { n: 2, size: 7, seed: 3 });
  const turned = deformation.rotate(features, Float32Array.of(0.1, -0.05, 0, 0.17, 0.02, 0.1, -0.1, 0), {
    n: 2,
    channels: 4,
    height: 7,
    width: 7,
  });
  const { gradAngles } = turned.backward(features);
  const { lower, upper } = density.bracket(density.norms(x, t), { refine: 8 });
  const strata = { budget: 20, cuts: [0.25, 0.5, 0.75], quotas: [0.4, 0.3, 0.2, 0.1], seed: 5 };
  return {
    density: `${bits(lower)} ${bits(upper)}`,
    autoBins: `${library.autoBins(library.ghmc(x, t, { bins: 256 }).histogram.counts)}`,
    ohem: `${bits(library.ohem(few, { budget: 20, boxes }).indices)}`,
    sohem: `${bits(library.sohem(few, few.slice().reverse(), strata).indices)}`,
    occlusion: `${bits(mask)} ${bits(occlusion.apply(features, mask, shape))}`,
    deformation: `${bits(turned.output)} ${bits(gradAngles)}`,
    lossCdf: `${bits(library.lossCdf(each).cumulative)}`,
    share: `${library.share(each, 0.01)}`,
    breakdown: `${library.breakdown(each, t).positives.lossSums.join(" ")}`,
    gradientMass: `${bits(library.gradientMass(x, t, bce(x, t).grad).mass)}`,
    priorBias: `${library.priorBias(0.01)}`,
    streams: `${bits(bce.stream().update(x, t).save())} ${bits(library.ghmc.stream().update(x, t).save())}`,
  };
}

/** Digits of results, and checksums of the bits of arrays, each by its name. */
export function conformance(library: Library): string {
  const data = make();
  const results = { digest: library.digest, ...losses(library, data), ...others(library, data) };
  return Object.entries(results)
    .map(([name, result]) => `${name}: ${result}`)
    .join("; ");
}
