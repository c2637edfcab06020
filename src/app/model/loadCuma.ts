import type { Routing } from "../../../router/index.ts";
import { normaliseLogLikelihoods } from "../../core/inference/index.ts";
import { choicePrompt, type Choice, type Profile } from "../../core/text/index.ts";
import { checkArgument, CumaError, Serial } from "../../core/util/index.ts";
import { choiceSchema, logitsSchema, modelOptionsSchema, textSchema } from "../arguments.ts";
import { checkAttributes } from "./profileVectors.ts";
import { LanguageModel, type ModelOptions } from "./languageModel.ts";
import { ModelRespondent } from "./respondent.ts";

export interface Answer {
  /** Probabilities of the options, in their order; sum to 1. */
  readonly distribution: number[];
  /** By layer; empty where the adapter has no routers. */
  readonly routing: Routing[];
}

export interface LogitsRequest {
  /** Token ids by sequence; none is padded. */
  readonly inputIds: readonly (readonly number[])[];
  /** Whose profile, by sequence, for an adapter that takes profiles. */
  readonly profiles?: readonly Profile[] | undefined;
  /** Their vectors instead, exactly as the adapter takes them: after standardisation and projection. */
  readonly profileVectors?: readonly ArrayLike<number>[] | undefined;
  /** The last position of each sequence (default), or all. */
  readonly positions?: "last" | "all" | undefined;
}

/**
 * A base model with an adapter, loaded for inference. Calls may overlap: they are answered in the order in which they
 * are made, to the same bytes as one by one, and one that fails does not disturb the others.
 */
export interface Cuma {
  /** How a person answers a question with fixed options (2 to 26). */
  answer(choice: Choice): Promise<Answer>;
  /** Where a text is routed for a person. */
  route(request: { readonly profile: Profile; readonly text: string }): Promise<Routing[]>;
  /** Logits over the vocabulary [V], float32: one array by sequence for "last". */
  logits(request: LogitsRequest & { readonly positions?: "last" | undefined }): Promise<Float32Array[]>;
  /** For "all", one array by sequence and position. */
  logits(request: LogitsRequest & { readonly positions: "all" }): Promise<Float32Array[][]>;
  /** Attributes that a profile may have; null where the adapter does not say. */
  readonly attributes: readonly string[] | null;
  /** Frees the model once the calls made before are answered; later calls are refused. May be called again. */
  dispose(): Promise<void>;
}

/**
 * Loads a base and an adapter for inference.
 * @example
 * const model = await loadCuma({ base: "HuggingFaceTB/SmolLM2-135M-Instruct", adapter: "runs/wvb-cuma" });
 * const { distribution } = await model.answer({
 *   profile: { country: "Japan", age: "25-34" },
 *   question: "How important is family in your life?",
 *   options: ["Very important", "Rather important", "Not very important", "Not at all important"],
 * });
 * await model.dispose();
 * @throws CumaError naming what is missing, wrong, or does not fit.
 */
export async function loadCuma(options: ModelOptions): Promise<Cuma> {
  checkArgument("options", modelOptionsSchema, options);
  const model = await LanguageModel.open(options, options.adapter !== undefined);
  const respondent = new ModelRespondent<Choice>(model, { prompt: choicePrompt });
  // One at a time: calls that overlap would take no less time, as each uses every core, and more memory.
  const calls = new Serial("the model");
  const check = (profile: Profile): void => {
    if (model.attributes) checkAttributes("profile", Object.keys(profile), model.attributes);
  };
  function logits(request: LogitsRequest & { readonly positions?: "last" | undefined }): Promise<Float32Array[]>;
  function logits(request: LogitsRequest & { readonly positions: "all" }): Promise<Float32Array[][]>;
  async function logits(request: LogitsRequest) {
    const { inputIds, profiles, profileVectors, positions = "last" } = checkArgument("request", logitsSchema, request);
    checkInputIds(inputIds, model);
    for (const profile of profiles ?? []) check(profile);
    return calls.run(async () => {
      const vectors = await vectorsOf(model, inputIds.length, profiles, profileVectors);
      const results = await model.logits(inputIds, vectors, positions);
      return positions === "last" ? results.map(([last]) => last!) : results;
    });
  }
  return {
    attributes: model.attributes,
    async answer(question) {
      const choice = checkArgument("choice", choiceSchema, question);
      check(choice.profile);
      return calls.run(async () => {
        const { logLikelihoods, routing } = await respondent.routedLogLikelihoods(choice);
        return { distribution: normaliseLogLikelihoods(logLikelihoods), routing };
      });
    },
    async route(request) {
      const { profile, text } = checkArgument("request", textSchema, request);
      check(profile);
      return calls.run(() => model.routeText(profile, text));
    },
    logits,
    dispose: () => calls.close(() => model.dispose()),
  };
}

function checkInputIds(inputIds: LogitsRequest["inputIds"], { base }: LanguageModel): void {
  const { vocabSize, maxPositions } = base.config;
  for (const [i, ids] of inputIds.entries()) {
    if (ids.length === 0 || ids.length > maxPositions) {
      throw new CumaError(`inputIds[${i}]: expected 1 to ${maxPositions} token ids, found ${ids.length}`);
    }
    const bad = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
    if (bad >= 0) {
      throw new CumaError(
        `inputIds[${i}][${bad}]: expected a token id from 0 to ${vocabSize - 1}, found ${String(ids[bad])}`,
      );
    }
  }
}

async function vectorsOf(
  model: LanguageModel,
  sequences: number,
  profiles: readonly Profile[] | undefined,
  given: readonly Float32Array[] | undefined,
): Promise<readonly Float32Array[] | null> {
  const width = model.loaded?.adapter.profileWidth ?? 0;
  if (profiles && given) throw new CumaError("expected profiles or profileVectors, found both");
  const rows = profiles ?? given;
  if (rows && rows.length !== sequences) {
    throw new CumaError(`expected a profile for each of ${sequences} sequences, found ${rows.length}`);
  }
  if (width === 0) {
    if (given) throw new CumaError("the adapter takes no profile vectors; expected no profileVectors");
    return null;
  }
  if (given) {
    return given.map((vector, i) => {
      if (vector.length === width) return vector;
      throw new CumaError(`profileVectors[${i}]: expected ${width} values, found ${vector.length}`);
    });
  }
  if (!profiles) throw new CumaError("the adapter takes profiles; expected profiles or profileVectors");
  return model.profileVectors(profiles);
}
