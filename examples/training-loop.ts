/**
 * Gradient harmonizing over the batches of a training run: `bun examples/training-loop.ts`, `deno run examples/training-loop.ts`.
 *
 * A logistic regression on two features, 1 positive in 50. The loss of GHM-C goes up and down with how many
 * regions are occupied; `meanLoss` shows the progress.
 */
import { ghmc } from "counterpoise";

const BATCH = 1000;

/** A small generator, so that every run prints the same. */
let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 4294967296;
}

/** Roughly normal around `centre`. */
function around(centre: number): number {
  return centre + random() + random() + random() + random() - 2;
}

const features = [new Float32Array(BATCH), new Float32Array(BATCH)];
const targets = new Uint8Array(BATCH);
const logits = new Float32Array(BATCH);
const grad = new Float32Array(BATCH);
const weights = [0, 0];
let bias = 0;
let state = ghmc.create({ bins: 30, momentum: 0.75 });

for (let step = 1; step <= 200; step++) {
  for (let i = 0; i < BATCH; i++) {
    targets[i] = random() < 0.02 ? 1 : 0;
    features[0][i] = around(3 * targets[i]);
    features[1][i] = around(-3 * targets[i]);
    logits[i] = bias + weights[0] * features[0][i] + weights[1] * features[1][i];
  }
  // The gradient goes to an array of ours: nothing is allocated in the loop but the result.
  const { loss, meanLoss } = state.into({ grad }, logits, targets);
  for (let i = 0; i < BATCH; i++) {
    bias -= 0.5 * grad[i];
    weights[0] -= 0.5 * grad[i] * features[0][i];
    weights[1] -= 0.5 * grad[i] * features[1][i];
  }
  // A checkpoint in the middle of the run: the moving average survives it bit for bit.
  if (step === 100) state = ghmc.loadState(state.save());
  if (step === 1 || step % 50 === 0) {
    console.log(`step ${step}: GHM-C ${loss.toFixed(4)}, mean cross-entropy ${meanLoss.toFixed(4)}`);
  }
}
