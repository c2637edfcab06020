import type { Unit } from "./unitMetric.ts";

/** What a judge said of one example, for answer a. */
export type Verdict = "win" | "tie" | "loss";

/** An example that a judge has seen in both orders. */
export interface JudgedExample extends Unit {
  /** By order. */
  readonly verdicts: readonly [Verdict, Verdict];
  /** Which place won, of the orders that are no tie. */
  readonly places: readonly ("first" | "second")[];
}

/** A win or a loss where both orders say so, and else a tie. */
export function verdictOf({ verdicts: [one, other] }: Pick<JudgedExample, "verdicts">): Verdict {
  return one === other ? one : "tie";
}
