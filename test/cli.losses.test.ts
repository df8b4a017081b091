/** The table of losses: every loss of the library is in it, and it tells their parameters as they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Domain } from "../src/cli/domains.ts";
import { type Family, POINTWISE } from "../src/cli/family.ts";
import { LOSSES } from "../src/cli/losses.ts";
import { keyOf, PARAMETERS } from "../src/cli/parameters.ts";
import * as library from "../src/mod.ts";
import { json, run, temporary } from "./command-line.ts";

/** What the library exports beside losses. */
const OTHERS = [
  "adaptiveAsymmetry",
  "autoBins",
  "breakdown",
  "deformation",
  "density",
  "digest",
  "gradientMass",
  "lossCdf",
  "occlusion",
  "ohem",
  "priorBias",
  "share",
  "sohem",
  "version",
];

const { save } = temporary("losses");
const FILES: Record<string, string> = {
  logits: save("l.npy", Float32Array.of(1, -2, 0.5, 3, -0.25, 0), [2, 3]),
  targets: save("t.npy", Uint8Array.of(1, 0, 0, 1, 0, 1)),
  labels: save("y.npy", Int32Array.of(2, 0)),
  scores: save("s.npy", Float32Array.of(1, -2, 0.5)),
  pairs: save("p.npy", Uint32Array.of(0, 1, 2, 0, 1, 2), [3, 2]),
};
const filesOf = ({ inputs }: Family): string[] =>
  inputs.slice(0, 2).flatMap((role) => [`--${role}`, FILES[role]]);

test("every export of the library is a loss with a row, or known to be none", () => {
  assert.deepEqual([...Object.keys(LOSSES), ...OTHERS].sort(), Object.keys(library).sort());
});

/** What a parameter has to stand beside, as options and for the library. */
const beside = (domain: Domain | undefined): string[] =>
  Object.entries(domain?.beside ?? {}).map(([option, value]) => `--${option}=${value}`);
const withKeys = ({ beside = {} }: Domain): object =>
  Object.fromEntries(Object.entries(beside).map(([option, value]) => [keyOf(option), value]));

/** Something that is taken, as the command line has it. */
function sample(option: string, { default: preset, min, words }: Domain): string {
  if (option === "classes") return "3";
  return preset === null ? "none" : String(preset ?? min ?? words![0]);
}

for (const [name, { family, parameters }] of Object.entries(LOSSES)) {
  test(`loss ${name} takes the parameters of its row and no other`, async () => {
    for (const option of Object.keys(PARAMETERS)) {
      const own = Object.hasOwn(parameters, option);
      const value = own ? sample(option, parameters[option]) : "1";
      const more = [...beside(parameters[option]), `--${option}=${value}`];
      const argv = ["loss", "--loss", name, ...filesOf(family), ...more];
      const { code, err } = await run(...argv);
      assert.equal(code, own ? 0 : 2, `--${option} ${value}: ${err}`);
      if (!own) assert.match(err, new RegExp(`expected options of ${name} \\(.*\\), got --${option}\n$`));
    }
  });

  test(`loss ${name}: a default is what happens without the option`, async () => {
    for (const [option, domain] of Object.entries(parameters)) {
      if (domain.default === undefined) continue;
      const argv = ["loss", "--loss", name, ...filesOf(family), ...beside(domain)];
      const plain = await json(...argv);
      const given = await json(...argv, `--${option}=${sample(option, domain)}`);
      assert.deepEqual({ ...given, options: plain.options }, plain, option);
    }
  });

  test(`loss ${name} takes the ends of every range, every word, and nothing beyond`, () => {
    for (const [option, domain] of Object.entries(parameters)) {
      const { min, max, also } = domain;
      const key = keyOf(option);
      const classes = family.unit === "row" && key !== "classes" ? { classes: 3 } : {};
      const others = { ...classes, ...withKeys(domain) };
      const begin = (value: unknown) => LOSSES[name].begin({ ...others, [key]: value });
      const refused = (value: unknown) =>
        assert.throws(
          () => begin(value),
          { message: new RegExp(`^Cannot stream ${name}: .*${key}`) },
          `${option} ${value}`,
        );
      for (const word of domain.words ?? []) begin(PARAMETERS[option].read("test", option, word));
      refused("no such word");
      if (min === undefined || max === undefined) continue;
      if (also !== undefined) begin(also);
      if (domain.minExcluded) refused(min);
      else begin(min);
      if (domain.maxExcluded) refused(max);
      else begin(max);
      if (min !== 0) refused(min - Math.abs(min) / 2);
      refused(domain.minExcluded || min !== 0 ? -Number.MAX_VALUE : -Number.MIN_VALUE);
      refused(max + Math.max(1, max / 2));
      if (domain.whole) refused(min + 0.5);
      if (!domain.perClass) refused(Float32Array.of(min, min, min));
      else LOSSES[name].begin({ classes: 3, [key]: Float32Array.of(min, min, min) });
    }
  });
}

test("losses lists every row with every parameter in a line of at most 80 columns", async () => {
  const { code, out, err } = await run("losses");
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  const lines = out.split("\n");
  for (const line of lines) assert.ok(line.length <= 80 && line.trimEnd() === line, line);
  for (const [name, { about, family, parameters }] of Object.entries(LOSSES)) {
    const at = lines.findIndex((line) => line.startsWith(`  ${name} `));
    assert.ok(lines[at].endsWith(about));
    const own = Object.keys(parameters).filter((option) => !Object.hasOwn(family.shared, option));
    own.forEach((option, i) => {
      assert.ok(lines[at + 1 + i].startsWith(`    --${option} `), `${name} ${option}`);
    });
    assert.equal(lines[at + 1 + own.length].trim(), "");
  }
  assert.match(out, /^ {4}--clip {14}0\.05 {10}0, \[1e-30, 1\)$/m);
  assert.match(out, /^ {2}--normalizer {8}count {9}\[1\.2e-38, 1\.8e308\], count, positives$/m);
  for (const option of Object.keys(POINTWISE.shared)) assert.match(out, new RegExp(`^ {2}--${option} `, "m"));
});

test("losses --json is the table, and its help tells what is not there", async () => {
  const { command, losses } = (await json("losses")) as { command: string; losses: { name: string }[] };
  assert.equal(command, "losses");
  assert.deepEqual(
    losses.map(({ name }) => name),
    Object.keys(LOSSES),
  );
  const [, focal] = losses as unknown as { parameters: object[] }[];
  assert.deepEqual(focal.parameters[0], {
    option: "alpha",
    key: "alpha",
    default: 0.25,
    min: 0,
    max: 1,
    perClass: true,
    words: ["none"],
  });
  const { out } = await run("losses", "--help");
  for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
  assert.match(out, /adaptiveAsymmetry is not there: it is the state of a\ntraining run/);
});
