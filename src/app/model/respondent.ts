import type { Dataset, Profiled, Source } from "../../../datasets/index.ts";
import type { Respondent } from "../../../eval/index.ts";
import type { Routing } from "../../../router/index.ts";
import type { Profile } from "../../core/text/index.ts";
import { fitting } from "./fitting.ts";
import type { LanguageModel } from "./languageModel.ts";
import { Prompts } from "./prompts.ts";

/** A language model that is asked examples as their data set puts them. */
export class ModelRespondent<E extends Profiled> implements Respondent<E> {
  private readonly model: LanguageModel;
  private readonly prompts: Prompts<E>;

  constructor(model: LanguageModel, { prompt }: Pick<Dataset<E>, "prompt">) {
    this.model = model;
    this.prompts = new Prompts(model.base, model, prompt);
  }

  told(profile: Profile): Profile {
    return this.model.told(profile);
  }

  /** @throws CumaError for a prompt that is too long. */
  logLikelihoods(people: readonly (readonly E[])[]): Promise<number[][][]> {
    return this.model.logLikelihoods(
      people.map((examples) => ({
        profile: examples[0]!.profile,
        items: examples.map((example) => this.prompts.item(this.toldOf(example))),
      })),
    );
  }

  /** The log-likelihoods of one example's answers, and the gates of every router while its prompt is read. */
  routedLogLikelihoods(example: E): ReturnType<LanguageModel["routedLogLikelihoods"]> {
    return this.model.routedLogLikelihoods(example.profile, this.prompts.item(this.toldOf(example)));
  }

  /** Gates of every router while the prompt of an example is read. */
  route(example: E): Promise<Routing[]> {
    return this.model.route(example.profile, this.prompts.item(this.toldOf(example)).prompt);
  }

  /** The examples that the base takes in full (see `fitting`). */
  fitting(source: Source<E>, onProgress: (message: string) => void): Source<E> {
    return fitting(source, this.prompts, this.model.base.config, (profile) => this.told(profile), onProgress);
  }

  private toldOf(example: E): E {
    return { ...example, profile: this.told(example.profile) };
  }
}
