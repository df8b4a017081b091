/**
 * Which accesses of different rounds may touch the same bytes.
 *
 * Two addresses with equal terms have a known distance. Two addresses without a common
 * pointer rest on the contract of the kernels:
 *
 * 1. Arrays that are reached through different pointers are the same array or disjoint. "The same" means the same
 *    start and the same stride: where strides differ (bytes beside floats, one value for all rounds, a table
 *    read at an index from data), the arrays are disjoint.
 * 2. A round-invariant mask on an index, as in `base + (i & mask)`, is 0 or -1: the array is there, or one block stands
 *    for all rounds.
 *
 * Whatever else may meet makes the loop stay as it is.
 */
import { type Form, formOf, masksOf, type Steps, TRUSTED } from "./address.ts";
import type { Trace } from "./trace.ts";
import { type Access, refuse } from "./value.ts";

/**
 * Makes every access wait for those it must not overtake.
 * @param steps by how much each counter or bumped pointer rises in a round
 */
export function orderMemory(trace: Trace, steps: Steps): void {
  const { accesses } = trace;
  for (const [position, later] of accesses.entries()) {
    if (later.store) checkAddress(later, steps);
    for (const earlier of accesses.slice(0, position)) {
      if (!later.store && !earlier.store) continue;
      if (mustWait(earlier, later, steps)) later.value.after.push(earlier.value);
    }
  }
}

function mustWait(earlier: Access, later: Access, steps: Steps): boolean {
  const cell = earlier.value.fixed || later.value.fixed;
  if (earlier.copy === later.copy && !cell) return true;
  const relation = relate(earlier, later, steps);
  if (relation === "unknown") return refuse("two addresses whose distance is not known");
  if (relation === "meet" && cell) return refuse("a memory cell read and written in every round");
  if (relation === "meet" && earlier.store && !later.store) return refuse("a value carried through memory");
  return relation === "meet" || (earlier.store && later.store && earlier.slot === later.slot);
}

function checkAddress(store: Access, steps: Steps): void {
  for (const masks of masksOf([store.address])) {
    if (formOf(store.address, steps, masks).opaque) refuse("a store whose address depends on data");
  }
}

function relate(a: Access, b: Access, steps: Steps): "apart" | "meet" | "unknown" {
  let result: "apart" | "meet" = "apart";
  for (const masks of masksOf([a.address, b.address])) {
    const relation = compare(a, b, formOf(a.address, steps, masks), formOf(b.address, steps, masks));
    if (relation === "unknown") return relation;
    if (relation === "meet") result = relation;
  }
  return result;
}

function compare(a: Access, b: Access, first: Form, second: Form): "apart" | "meet" | "unknown" {
  const same = !first.opaque && !second.opaque && sameTerms(first.terms, second.terms);
  if (!same) {
    for (const root of first.still) if (second.still.has(root)) return "unknown";
    if (!hasOwn(first.roots, second.roots) || !hasOwn(second.roots, first.roots)) return "unknown";
    const twin = !first.opaque && !second.opaque && first.stride === second.stride && first.stride !== 0;
    if (!twin) return "apart";
  }
  const distance = (second.at + b.immediate - first.at - a.immediate) | 0;
  if (Math.abs(distance) > TRUSTED) return "unknown";
  return distance < a.width && -distance < b.width ? "meet" : "apart";
}

function sameTerms(a: Form["terms"], b: Form["terms"]): boolean {
  return a.size === b.size && [...a].every(([term, coefficient]) => b.get(term) === coefficient);
}

function hasOwn(roots: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...roots].some((root) => !others.has(root));
}
