/** The options of `loss`, read for the loss that they name. */
import type { Family } from "./family.ts";
import type { Row } from "./kinds.ts";
import { LOSSES } from "./losses.ts";
import { type Given, nearest } from "./options.ts";
import { keyOf, PARAMETERS } from "./parameters.ts";
import type { Inputs, Role } from "./source.ts";
import type { Sources } from "./sources.ts";

export function checkLoss(task: string, name: string): void {
  if (Object.hasOwn(LOSSES, name)) return;
  const names = Object.keys(LOSSES);
  const near = nearest(name, names);
  const hint = near ? ` (did you mean ${near}?)` : "";
  throw new TypeError(
    `Cannot ${task}: expected --loss ${names.join("|")}, got ${JSON.stringify(name)}${hint}`,
  );
}

/** Targets and labels answer to both names: a loss reads one of them. */
const aliases = (option: string): readonly string[] =>
  option === "targets" || option === "labels" ? ["targets", "labels"] : [option];

/** The options that some losses have and others do not. */
const APART: readonly string[] = [
  ...Object.values(LOSSES).flatMap(({ family }) => family.inputs),
  ...Object.keys(PARAMETERS),
  "memory",
];

/** Those of them that a loss has. */
function ownOptions({ family, parameters }: Row): string[] {
  return [...family.inputs, ...Object.keys(parameters), ...(family.unit === "pair" ? ["memory"] : [])];
}

/** The parameters of a loss from the command line's; an option that the loss does not have is refused. */
export function lossOptions(task: string, name: string, given: Given): Record<string, unknown> {
  const own = ownOptions(LOSSES[name]);
  const options: Record<string, unknown> = {};
  for (const [option, text] of Object.entries(given)) {
    if (APART.includes(option) && !aliases(option).some((one) => own.includes(one))) {
      const known = own.map((one) => `--${one}`).join(", ");
      throw new TypeError(`Cannot ${task}: expected options of ${name} (${known}), got --${option}`);
    }
    if (PARAMETERS[option]) options[keyOf(option)] = PARAMETERS[option].read(task, option, text!);
  }
  return options;
}

/** The files of a loss. */
export function lossInputs(task: string, { inputs }: Family, given: Given): Inputs {
  const files: Inputs = {};
  for (const [i, role] of inputs.entries()) {
    const named = aliases(role).filter((name) => given[name] !== undefined);
    if (named.length > 1) {
      throw new TypeError(`Cannot ${task}: expected --${named.join(" or --")}, got both`);
    }
    if (named.length === 0 && i < 2) throw new TypeError(`Cannot ${task}: expected --${role} FILE, got none`);
    if (named.length > 0) files[role] = given[named[0]];
  }
  return files;
}

/** Takes the classes from the files where they are needed and not given. */
export function settleClasses(
  task: string,
  row: Row,
  parameters: Record<string, unknown>,
  sources: Sources,
): void {
  const listed = Object.values(parameters).some(ArrayBuffer.isView);
  if (parameters.classes !== undefined || !(row.family.unit === "row" || listed)) return;
  parameters.classes = sources.lastAxis;
  if (parameters.classes === undefined) {
    throw new TypeError(`Cannot ${task}: expected --classes N beside logits of one axis, got none`);
  }
}

/** How many values of each file make a row. */
export function widthsOf(
  { family }: Row,
  { classes }: Record<string, unknown>,
): Partial<Record<Role, number>> {
  const width = (classes as number | undefined) ?? 1;
  return { pairs: 2, ...Object.fromEntries(family.perClass.map((role) => [role, width])) };
}

/** Options as they are written to JSON. */
export function shown(parameters: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [
      key,
      ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
    ]),
  );
}
