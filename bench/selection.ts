/** The hardest hundredth of a batch. */
import { bce, ohem } from "counterpoise";
import { ranked } from "../test/reference/selection.ts";
import type { Contest } from "./contest.ts";
import type { Batch } from "./data.ts";
import * as plain from "./rivals.ts";

export function hardest({ logits, targets }: Batch): Contest {
  const losses = bce(logits, targets, { reduction: "none" }).losses!;
  const budget = Math.round(losses.length / 100);
  const ours = (): Uint8Array => ohem(losses, { budget }).mask;
  const rival = (): Uint8Array => plain.hardest(losses, budget);
  return {
    name: "hardest 1 %",
    ours,
    rival,
    check() {
      const expected = new Uint8Array(losses.length);
      for (const i of ranked(losses).slice(0, budget)) expected[i] = 1;
      for (const [side, mask] of [
        ["counterpoise", ours()],
        ["plain", rival()],
      ] as const) {
        const wrong = mask.findIndex((byte, i) => byte !== expected[i]);
        if (wrong < 0) continue;
        throw new Error(
          `Cannot time hardest, ${side}: expected ${expected[wrong]} at ${wrong}, got ${mask[wrong]}`,
        );
      }
    },
  };
}
