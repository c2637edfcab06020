import type { Prompt } from "../src/core/text/index.ts";
import type { ChoiceExample } from "./choiceExample.ts";
import type { LoadOptions, Profiled, Source } from "./source.ts";

/** What a data set can ask people, and the examples of each kind. `eval/tasks` has a task for each. */
export interface ExampleKinds {
  choices: ChoiceExample;
}

export type ExampleKind = keyof ExampleKinds;

/** A data set that can be trained and evaluated on. */
export interface Dataset<E extends Profiled> {
  /** As results and reports call it. */
  readonly name: string;
  /** @throws CumaError naming the file, line and field that is not as the data set describes it. */
  load(dir: string, split: string, options: LoadOptions): Promise<Source<E>>;
  /**
   * How an example is put to a language model.
   * @param example Its profile is what the model is told of the person.
   * @param persona Whether the prompt says who the person is.
   */
  prompt(example: E, persona: boolean): Prompt;
}

/** A row of the table: a data set, and which kind of examples it has. */
export type DatasetOf<K extends ExampleKind> = Dataset<ExampleKinds[K]> & { readonly kind: K };
