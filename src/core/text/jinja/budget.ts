import { fail } from "./errors.ts";

/** Characters. Far beyond any chat template's need, and used up within seconds and some ten megabytes. */
const BUDGET = 5_000_000;
/** What a value or a node of the syntax tree costs, and a round of a loop. */
export const NODE = 10;
export const ROUND = 50;

/** What the rendering under way may still do. Rendering never waits, so that there is one at a time. */
let left = 0;

/** Runs a rendering. Templates come with models, from anybody: what they compute is bounded. */
export function withinBudget<T>(render: () => T): T {
  left = BUDGET;
  return render();
}

/** Counts work: characters or items that are read or made. @throws TemplateError where there has been too much. */
export function spend(amount: number): void {
  left -= amount;
  if (!(left >= 0)) fail("it computes too much: a loop, a list or a text without bound");
}
