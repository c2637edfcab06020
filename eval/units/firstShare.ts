import type { JudgedExample } from "./judged.ts";
import type { UnitMetric } from "./unitMetric.ts";

/**
 * Mean over examples of the first place's share in the verdicts that are no tie.
 *
 * 1/2: the place does not move the judge; 1: the first always wins; 0: the second; never negative; NaN: ties only.
 */
export const firstShare: UnitMetric<JudgedExample> = {
  title: "share of the first place in verdicts that are no tie",
  higherIsBetter: null,
  range: [0, 1],
  of: ({ places }) => places.filter((place) => place === "first").length / places.length,
  without: "examples with two ties",
};
