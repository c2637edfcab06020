import type { ExampleKind, ExampleKinds } from "../../datasets/index.ts";
import { choices } from "./choices.ts";
import type { EvalTask } from "./task.ts";

/** The task by which examples of each kind are evaluated. */
export const tasks = { choices } satisfies { readonly [K in ExampleKind]: EvalTask<ExampleKinds[K]> };

export { askAll, type AskHooks, type Kept } from "./askAll.ts";
export { PREDICTIONS_FILE } from "./choices.ts";
export type { Answered, Chunk, EvalTask, Measured, MeasureOptions, Respondent } from "./task.ts";
