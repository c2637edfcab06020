import type { JudgedExample } from "./judged.ts";
import type { UnitMetric } from "./unitMetric.ts";

/**
 * Share of examples on which both orders agree.
 *
 * 1: the order never matters; 0: it always does; never negative; NaN: no example.
 */
export const consistency: UnitMetric<JudgedExample> = {
  title: "examples with one verdict in both orders",
  higherIsBetter: true,
  range: [0, 1],
  of: ({ verdicts: [one, other] }) => Number(one === other),
};
