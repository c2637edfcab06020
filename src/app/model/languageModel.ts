import { availableParallelism } from "node:os";
import { loadAdapter, type LoadedAdapter } from "../../../adapters/index.ts";
import { hasRouters, routingOf, type Routing } from "../../../router/index.ts";
import { checkLength, Decoder } from "../../core/decoder/index.ts";
import { devices, engineNames, engines, makeEngine, type EngineOptions } from "../../core/engine/index.ts";
import {
  logLikelihoods,
  observedLogLikelihoods,
  observeTokens,
  vocabularyLogits,
  type LikelihoodItem,
} from "../../core/inference/index.ts";
import { resolveTemplateSettings, type Profile, type TemplateSettings } from "../../core/text/index.ts";
import { CumaError } from "../../core/util/index.ts";
import { hashAdapter } from "./adapterFiles.ts";
import { checkTrainedOn, hashBase, loadBase, type BaseModel, type LoadOptions } from "./baseModel.ts";
import { ProfileVectors, selectAttributes } from "./profileVectors.ts";
import type { PromptSettings } from "./prompts.ts";

export interface ModelOptions extends Partial<EngineOptions>, LoadOptions {
  /** Folder, hub id, or "demo". */
  readonly base: string;
  /** Folder of an adapter: this package's, the CuMA reference code's, or PEFT's LoRA. */
  readonly adapter?: string | undefined;
  /** Whether the prompt says who the person is; by default as the adapter was trained, otherwise true. */
  readonly persona?: boolean | undefined;
  /** What the chat template is given, such as `{ date: "2025-01-31" }`; other keys are as the adapter was trained, or the defaults. */
  readonly template?: Partial<TemplateSettings> | undefined;
  /** Attributes that the model is told of a person; by default those of the adapter's training, otherwise all. */
  readonly attributes?: readonly string[] | undefined;
  /** Encoder of the profiles, where the adapter folder does not name it or it lies elsewhere now. */
  readonly encoder?: string | undefined;
  /** Whether an adapter may be run on another base than it was trained on; false by default. */
  readonly allowOtherBase?: boolean | undefined;
}

/** Prompts put to one person. */
export interface PersonItems {
  readonly profile: Profile;
  readonly items: readonly LikelihoodItem[];
}

/** What a model is told of a person, and how. */
interface Telling extends PromptSettings {
  readonly attributes: readonly string[] | null;
}

/** A base model, with an adapter or without, that reads token ids as a person with a profile. */
export class LanguageModel {
  readonly base: BaseModel;
  readonly loaded: LoadedAdapter | null;
  /** Null where neither the adapter nor the caller said what is known of people: every attribute is allowed. */
  readonly attributes: readonly string[] | null;
  readonly persona: boolean;
  readonly template: TemplateSettings;
  private readonly options: ModelOptions;
  private readonly decoder: Decoder;
  private readonly vectors: ProfileVectors | null;

  private constructor(
    options: ModelOptions,
    base: BaseModel,
    loaded: LoadedAdapter | null,
    { attributes, persona, template }: Telling,
    decoder: Decoder,
    vectors: ProfileVectors | null,
  ) {
    this.options = options;
    this.base = base;
    this.loaded = loaded;
    this.attributes = attributes;
    this.persona = persona;
    this.template = template;
    this.decoder = decoder;
    this.vectors = vectors;
  }

  /**
   * @param hashed Whether `identity` will be asked for (see `loadBase`).
   * @throws CumaError naming what is missing, wrong, or does not fit.
   */
  static async open(options: ModelOptions, hashed = true): Promise<LanguageModel> {
    const { engine: engineName = engineNames[0], device = devices[0], threads = null } = options;
    const engine = await makeEngine({ engine: engineName, device, threads });
    const base = await loadBase(options.base, options, hashed);
    const loaded = options.adapter === undefined ? null : loadAdapter(options.adapter, base.config);
    const trained = loaded?.settings;
    const telling = {
      attributes: options.attributes ?? trained?.attributes ?? null,
      persona: options.persona ?? trained?.persona ?? true,
      template: resolveTemplateSettings(options.template ?? {}, trained?.template),
    };
    const baseHash = checkTrainedOn(base, loaded?.trainedOn ?? null, options.allowOtherBase ?? false);
    const decoder = new Decoder(engine, {
      config: base.config,
      weights: base.weights,
      ...(loaded && { adapter: loaded.adapter, parameters: loaded.parameters }),
    });
    const vectors = loaded ? await ProfileVectors.open(loaded, base, engine, options, baseHash) : null;
    return new LanguageModel(options, base, loaded, telling, decoder, vectors);
  }

  /** What answers depend on: settings, and SHA-256 of base, adapter and encoder. */
  async identity() {
    const { adapter, engine = engineNames[0], device = devices[0], threads } = this.options;
    return {
      persona: this.persona,
      template: this.template,
      attributes: this.attributes,
      engine,
      device,
      threads: engines[engine].threaded ? (threads ?? availableParallelism()) : null,
      base: hashBase(this.base),
      adapter: adapter === undefined ? null : await hashAdapter(adapter),
      encoder: this.vectors?.encoderHash ?? null,
    };
  }

  /** The part of a profile that the model is told. */
  told(profile: Profile): Profile {
    return this.attributes ? selectAttributes(profile, this.attributes) : profile;
  }

  /** Log-likelihoods in nats of the continuations of each person's prompts. */
  async logLikelihoods(people: readonly PersonItems[]): Promise<number[][][]> {
    const vectors = await this.profileVectors(people.map(({ profile }) => profile));
    const groups = people.map(({ items }, i) => ({ profile: vectors?.[i], items }));
    return logLikelihoods(this.decoder, groups);
  }

  /** The same for one prompt, and the gates of every router while the prompt is read. */
  async routedLogLikelihoods(
    profile: Profile,
    item: LikelihoodItem,
  ): Promise<{ readonly logLikelihoods: number[]; readonly routing: Routing[] }> {
    const vectors = await this.profileVectors([profile]);
    const { logLikelihoods, observed } = await observedLogLikelihoods(this.decoder, item, vectors?.[0]);
    return { logLikelihoods, routing: routingOf(observed, item.prompt.length) };
  }

  /** Gates of every router while a text is read; none where the adapter has no routers. */
  async route(profile: Profile, ids: readonly number[]): Promise<Routing[]> {
    if (!this.loaded || !hasRouters(this.loaded.adapter)) return [];
    const vectors = await this.profileVectors([profile]);
    return routingOf(await observeTokens(this.decoder, ids, vectors?.[0]), ids.length);
  }

  /** As `route`. @throws CumaError for a text without tokens, or with more than the base takes. */
  routeText(profile: Profile, text: string): Promise<Routing[]> {
    const ids = this.base.tokenizer.encode(text, { addSpecialTokens: true });
    if (ids.length === 0) throw new CumaError("expected a text with at least one token, found none");
    checkLength(this.base.config, ids.length, "the text");
    return this.route(profile, ids);
  }

  /** Vocabulary logits: see `vocabularyLogits`. */
  logits(
    inputIds: readonly (readonly number[])[],
    vectors: readonly Float32Array[] | null,
    positions: "last" | "all",
  ): Promise<Float32Array[][]> {
    return vocabularyLogits(this.decoder, inputIds, vectors, positions);
  }

  /** The vectors that the adapter takes, by profile; null where it takes none. */
  async profileVectors(profiles: readonly Profile[]): Promise<Float32Array[] | null> {
    if (!this.loaded || this.loaded.adapter.profileWidth === 0) return null;
    if (!this.vectors) {
      throw new CumaError(
        `the adapter takes profile vectors of width ${this.loaded.adapter.profileWidth}, and its folder does not say which encoder makes them; name the encoder (--encoder), or give vectors`,
      );
    }
    return this.vectors.of(profiles.map((profile) => this.told(profile)));
  }

  async dispose(): Promise<void> {
    await this.decoder.dispose();
    await this.vectors?.dispose();
  }
}
