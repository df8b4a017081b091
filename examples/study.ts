/** The numbers of the report: four losses, where their gradients come from, and the density behind GHM-C. */
import { existsSync, readFileSync } from "node:fs";
import { bce, density, focal, ghmc, gradientMass, type Report } from "counterpoise";

const BINS = 30;
const SETS: [name: string, files: string, about: string][] = [
  ["ssd-face", "ssd-face/", "SSD face detector, 20 views of 5118 anchors"],
  ["mnist init", "mnist-dense/init_", "dense digit detector before training"],
  ["mnist early", "mnist-dense/early_", "the same after 90 steps"],
  ["mnist middle", "mnist-dense/middle_", "the same after 600 steps"],
  ["mnist converged", "mnist-dense/converged_", "the same after 3600 steps"],
];

export interface Finding {
  name: string;
  about: string;
  positives: number;
  negatives: number;
  loss: { crossEntropy: number; focal: number; ghmc: number; ghmcExact: number };
  /** By tenths of g: samples, and the share of the total absolute gradient under each loss. */
  tenths: { samples: number[]; crossEntropy: number[]; focal: number[]; ghmc: number[]; ghmcExact: number[] };
  /** The 30-bin density against the exact one. */
  density: Report;
}

/** The values of a `.npy` file behind its header; the types here are float32 and uint8. */
function read(path: string): { bytes: Uint8Array; start: number } {
  const bytes = new Uint8Array(readFileSync(path));
  return { bytes, start: 10 + (bytes[8] | (bytes[9] << 8)) };
}

function readFloats(path: string): Float32Array {
  const { bytes, start } = read(path);
  return new Float32Array(bytes.slice(start).buffer);
}

function readBytes(path: string): Uint8Array {
  const { bytes, start } = read(path);
  return bytes.subarray(start);
}

function study(name: string, about: string, files: string): Finding {
  const logits = readFloats(`${files}logits.npy`);
  const targets = readBytes(`${files}targets.npy`);
  const mask = readBytes(`${files}mask.npy`);

  const { positives, count } = bce.stream().update(logits, targets, { mask }).result();
  const results = {
    crossEntropy: bce(logits, targets, { mask }),
    focal: focal(logits, targets, { mask, gamma: 2, alpha: 0.25 }),
    ghmc: ghmc(logits, targets, { mask, bins: BINS }),
    ghmcExact: ghmc.exact(logits, targets, { mask, width: 1 / BINS }),
  };
  const mass = ({ grad }: { grad: Float32Array }) => gradientMass(logits, targets, grad, { mask, bins: 10 });
  const share = (result: { grad: Float32Array }): number[] => [...mass(result).share];
  const { crossEntropy, focal: faded, ghmc: binned, ghmcExact: exact } = results;
  return {
    name,
    about,
    positives,
    negatives: count - positives,
    loss: { crossEntropy: crossEntropy.loss, focal: faded.loss, ghmc: binned.loss, ghmcExact: exact.loss },
    tenths: {
      samples: [...mass(crossEntropy).counts],
      crossEntropy: share(crossEntropy),
      focal: share(faded),
      ghmc: share(binned),
      ghmcExact: share(exact),
    },
    density: density.verify(logits, targets, { mask, bins: BINS }),
  };
}

/** The data lies beside this file, or below the current folder when this file has been bundled elsewhere. */
function dataFolder(): string {
  const beside = decodeURIComponent(new URL("data/", import.meta.url).pathname);
  return existsSync(beside) ? beside : "examples/data/";
}

/** The findings on all data sets of the example. */
export function studyAll(): Finding[] {
  const folder = dataFolder();
  return SETS.map(([name, files, about]) => study(name, about, folder + files));
}
