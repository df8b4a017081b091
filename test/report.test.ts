/** The report on the example data: its numbers are those of other implementations, its text fits a terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { print } from "../examples/layout.ts";
import { studyAll } from "../examples/study.ts";

/**
 * In float64 on the same files: torch's binary cross-entropy and torchvision's focal loss (alpha 0.25, gamma 2),
 * both summed over the valid elements, and mmdetection's GHMC with 30 bins and no momentum.
 */
const PEERS: Record<
  string,
  [positives: number, negatives: number, bce: number, focal: number, ghmc: number]
> = {
  "ssd-face": [187, 101813, 925.2864181886335, 10.26973959221026, 0.8837171970524407],
  "mnist init": [227, 203933, 3093.817466748567, 256.2861944356762, 2.307525812845555],
  "mnist early": [244, 204236, 1160.397726947792, 220.6609322624558, 1.0856730439374482],
  "mnist middle": [148, 204852, 356.7972464091887, 52.88746525451259, 0.9915685145075926],
  "mnist converged": [292, 203438, 125.89495076829253, 19.59105365984542, 0.9477487530816903],
};

const findings = studyAll();
const near = (a: number, b: number): boolean => Math.abs(a / b - 1) < 1e-6;

test("the losses are those of the peers", () => {
  assert.deepEqual(
    findings.map(({ name }) => name),
    Object.keys(PEERS),
  );
  for (const { name, positives, negatives, loss, density } of findings) {
    const [truePositives, trueNegatives, bce, focal, ghmc] = PEERS[name];
    assert.deepEqual([positives, negatives], [truePositives, trueNegatives]);
    const count = positives + negatives;
    assert.ok(near(loss.crossEntropy, bce / count), `${name} ${loss.crossEntropy}`);
    assert.ok(near(loss.focal, focal / count), `${name} ${loss.focal}`);
    // mmdetection divides by the occupied bins, the paper by all of them.
    assert.ok(near(loss.ghmc, (ghmc * density.occupied) / 30), `${name} ${loss.ghmc}`);
    assert.ok(near(loss.ghmc, density.loss.histogram) && near(loss.ghmcExact, density.loss.exact));
  }
});

test("the bracket holds, the exact loss lies in it, and it says something", () => {
  for (const { density } of findings) {
    const { holds, lossLower, lossUpper } = density.bracket;
    assert.ok(
      holds && lossLower <= density.loss.exact * (1 + 1e-12) && density.loss.exact <= lossUpper * (1 + 1e-12),
    );
    assert.ok(lossUpper / lossLower < 1.2);
  }
});

test("the shares of the tenths are whole, and the easy tenth gives less the more a loss fades it", () => {
  for (const { positives, negatives, tenths: by } of findings) {
    assert.equal(
      by.samples.reduce((a, b) => a + b),
      positives + negatives,
    );
    for (const shares of [by.crossEntropy, by.focal, by.ghmc, by.ghmcExact]) {
      assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-12);
    }
    assert.ok(by.crossEntropy[0] > 0.2 && by.focal[0] < 0.05 && by.ghmc[0] < 0.02 && by.ghmcExact[0] < 0.02);
  }
});

test("the text fits 80 columns and names every data set", () => {
  const text = print(findings);
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  for (const name of Object.keys(PEERS)) assert.ok(text.includes(`\n${name}: `));
});
