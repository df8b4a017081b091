/** The one shape of loop that the pass takes: `loop { if (i < end) { BODY; continue } }`. */
import { atom, headOf, isList, type List, walk } from "./sexpr.ts";
import { type Ref, refuse } from "./value.ts";

/** The parts of a loop of the one known shape. */
export interface Shape {
  readonly label: string;
  readonly test: List;
  readonly body: List;
}

/** The test of a loop: `below op bound`, where `below` is a counter and `bound` is fixed. */
export interface Guard {
  readonly head: string;
  readonly swapped: boolean;
  readonly below: Ref;
  readonly bound: Ref;
  readonly step: number;
}

const TEST = /^i32\.(l|g)(t|e)_[su]$/;

export function recognise(loop: List): Shape {
  const label = atom(loop, 1),
    branch = loop[2];
  if (loop.length !== 3 || !label.startsWith("$") || !isList(branch)) return refuse("not a for loop");
  const [head, test, then] = branch;
  if (head !== "if" || branch.length !== 3 || headOf(then) !== "then") return refuse("not a for loop");
  if (!isList(test) || !isList(then)) return refuse("not a for loop");
  const body = then.slice(1),
    back = body.pop();
  if (!isList(back) || back.length !== 2 || back[0] !== "br" || back[1] !== label) {
    return refuse("does not end in its back edge");
  }
  if (!TEST.test(headOf(test)) || test.length !== 3) {
    return refuse(`a test by ${headOf(test)}, not a comparison with an end`);
  }
  return { label, test, body };
}

export function writtenLocals({ test, body }: Shape): Set<string> {
  const written = new Set<string>();
  walk([test, ...body], (list) => {
    const head = headOf(list);
    if (head === "local.set" || head === "local.tee") written.add(atom(list, 1));
  });
  return written;
}

/** @param steps by how much each counter rises in a round */
export function guardOf(
  head: string,
  [a, b]: [Ref, Ref],
  steps: ReadonlyMap<string, number>,
  copies: number,
): Guard {
  const swapped = head.startsWith("i32.g");
  const [below, bound] = swapped ? [b, a] : [a, b];
  const step = below.value.head === "entry" ? steps.get(below.value.immediates[0]) : undefined;
  if (step === undefined || step <= 0 || step * copies >= 0x1000000)
    return refuse("no counter that rises to an end");
  if (!bound.value.fixed) return refuse("an end that changes from round to round");
  return { head, swapped, below, bound, step };
}
