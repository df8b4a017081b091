/** `counterpoise losses`: every loss of `loss` with what it takes. */
import type { Command, Io } from "./command.ts";
import { showDefault, showDomain } from "./domains.ts";
import type { Family, Parameters } from "./family.ts";
import { LOSSES } from "./losses.ts";
import type { Given } from "./options.ts";
import { keyOf } from "./parameters.ts";

/** A line for each parameter: option, default, what may be given. */
function describe(parameters: Parameters, margin: string): string {
  return Object.entries(parameters)
    .map(([option, domain]) => {
      const preset = showDefault(domain) || "of the logits";
      return `${margin}${`--${option}`.padEnd(19)} ${preset.padEnd(13)} ${showDomain(domain)}\n`;
    })
    .join("");
}

function describeFamily(family: Family): string {
  const files = family.inputs.map((role, i) => (i < 2 ? `--${role} FILE` : `[--${role} FILE]`));
  const rows = Object.entries(LOSSES).filter(([, row]) => row.family === family);
  const own = rows.map(([name, { about, parameters }]) => {
    const others = Object.entries(parameters).filter(([option]) => !Object.hasOwn(family.shared, option));
    return `\n  ${name.padEnd(21)} ${about}\n${describe(Object.fromEntries(others), "    ")}`;
  });
  return `${family.name}: ${family.about}\n  ${files.join(" ")}\n${describe(family.shared, "  ")}${own.join("")}`;
}

function list(): string {
  const families = new Set(Object.values(LOSSES).map(({ family }) => family));
  return [...families].map(describeFamily).join("\n");
}

/** The same as one object. A default is null where there is none, and absent where the logits tell it. */
function object(): object {
  const losses = Object.entries(LOSSES).map(([name, { about, family, parameters }]) => ({
    name,
    family: family.name,
    about,
    inputs: family.inputs,
    parameters: Object.entries(parameters).map(([option, domain]) => ({
      option,
      key: keyOf(option),
      ...domain,
    })),
  }));
  return { command: "losses", losses };
}

export const listCommand: Command = {
  name: "losses",
  summary: "what losses there are, and their parameters",
  options: { json: { help: "print one JSON object" } },
  run: async (_task: string, given: Given, io: Io): Promise<number> => {
    io.stdout.write(given.json === undefined ? list() : `${JSON.stringify(object())}\n`);
    return 0;
  },
  notes: `One line for each parameter: its option, its default, and what may be given. Of
the library's losses adaptiveAsymmetry is not there: it is the state of a
training run, which follows batches as they come, not a loss of files.

  counterpoise losses
  counterpoise losses --json
`,
};
