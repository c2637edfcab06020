import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import {
  CONFIG_FILE,
  loadAdapter,
  TENSORS_FILE,
  type LoadedAdapter,
  type PersonSettings,
} from "../../../adapters/index.ts";
import { hasRouters, observedGates } from "../../../router/index.ts";
import type { ExampleSource } from "../../../datasets/index.ts";
import type { Engine } from "../../core/engine/index.ts";
import { floats, type HostTensor } from "../../core/graph/index.ts";
import { sha256File } from "../../core/io/index.ts";
import { checkLength, Decoder, makeBatch } from "../../core/decoder/index.ts";
import { normaliseLogLikelihoods, scoreContinuations, type ScoringItem } from "../../core/inference/index.ts";
import { PROJECTION, profileWidth, type ProfileSpace } from "../../core/encoders/index.ts";
import { resolveTemplateSettings, type Choice, type Profile, type TemplateSettings } from "../../core/text/index.ts";
import { CumaError, excerpt, show } from "../../core/util/index.ts";
import {
  checkTrainedOn,
  hashBase,
  loadBase,
  makeEngine,
  type BaseModel,
  type EngineOptions,
  type LoadOptions,
} from "./base.ts";
import { openEncoder } from "./encoder.ts";
import { fitting } from "./fitting.ts";
import { Prompts, type PromptSettings } from "./prompts.ts";
import { ReaderVectors, selectAttributes } from "./profileVectors.ts";

export interface ModelOptions extends Partial<EngineOptions>, LoadOptions {
  /** Folder, hub id, or "demo". */
  readonly base: string;
  /** Folder of an adapter: this package's, the CuMA reference code's, or PEFT's LoRA. */
  readonly adapter?: string | undefined;
  /** Whether the prompt tells who reads; by default as the adapter was trained, otherwise true. */
  readonly persona?: boolean | undefined;
  /** What the chat template is given, such as `{ date: "2025-01-31" }`; other keys are as the adapter was trained, or the defaults. */
  readonly template?: Partial<TemplateSettings> | undefined;
  /** Attributes that the model is told of a reader; by default those of the adapter's training, otherwise all. */
  readonly attributes?: readonly string[] | undefined;
  /** Encoder of the profiles, where the adapter folder does not name it or it lies elsewhere now. */
  readonly encoder?: string | undefined;
  /** Whether an adapter may be run on another base than it was trained on; false by default. */
  readonly allowOtherBase?: boolean | undefined;
}

/** Questions for one reader. */
export interface ReaderQuestions {
  readonly profile: Profile;
  readonly choices: readonly Omit<Choice, "profile">[];
}

/** What a router did with a text. E experts. */
export interface Routing {
  readonly layer: number;
  /** "model.layers.0.self_attn.router" */
  readonly router: string;
  /** Gates [E], averaged over the tokens. */
  readonly gates: readonly number[];
}

/** Tokens of one batch of texts. */
const BATCH_TOKENS = 1024;

/** A base model, with an adapter or without, that answers questions for readers. */
export class ChoiceModel {
  readonly base: BaseModel;
  readonly loaded: LoadedAdapter | null;
  /** Null where neither the adapter nor the caller said what is known of readers: every attribute is allowed. */
  readonly attributes: readonly string[] | null;
  readonly persona: boolean;
  readonly template: TemplateSettings;
  private readonly options: ModelOptions;
  private readonly decoder: Decoder;
  private readonly prompts: Prompts;
  private readonly vectors: ReaderVectors | null;

  private constructor(
    options: ModelOptions,
    base: BaseModel,
    loaded: LoadedAdapter | null,
    reader: PromptSettings & { readonly attributes: readonly string[] | null },
    decoder: Decoder,
    vectors: ReaderVectors | null,
  ) {
    this.options = options;
    this.base = base;
    this.loaded = loaded;
    this.attributes = reader.attributes;
    this.persona = reader.persona;
    this.template = reader.template;
    this.decoder = decoder;
    this.vectors = vectors;
    this.prompts = new Prompts(base, reader);
  }

  /** @throws CumaError naming what is missing, wrong, or does not fit. */
  static async open(options: ModelOptions): Promise<ChoiceModel> {
    const { engine: engineName = "onnxruntime", device = "cpu", threads = null } = options;
    const engine = makeEngine({ engine: engineName, device, threads });
    const base = await loadBase(options.base, options);
    const loaded = options.adapter === undefined ? null : loadAdapter(options.adapter, base.config);
    const reader: PersonSettings | null = loaded?.settings ?? null;
    const settings = {
      attributes: options.attributes ?? reader?.attributes ?? null,
      persona: options.persona ?? reader?.persona ?? true,
      template: resolveTemplateSettings(options.template ?? {}, reader?.template),
    };
    const baseHash = await checkTrainedOn(base, loaded?.trainedOn ?? null, options.allowOtherBase ?? false);
    const decoder = new Decoder(engine, {
      config: base.config,
      weights: base.weights,
      ...(loaded && { adapter: loaded.adapter, parameters: loaded.parameters }),
    });
    const vectors = loaded ? await openReaders(loaded, base, engine, options, baseHash) : null;
    return new ChoiceModel(options, base, loaded, settings, decoder, vectors);
  }

  /** What answers depend on: settings, and SHA-256 of base, adapter and encoder. */
  async identity() {
    const { adapter, engine = "onnxruntime", device = "cpu", threads } = this.options;
    return {
      persona: this.persona,
      template: this.template,
      attributes: this.attributes,
      engine,
      device,
      threads: engine === "reference" ? null : (threads ?? availableParallelism()),
      base: await hashBase(this.base.folder),
      adapter: adapter === undefined ? null : await hashAdapter(adapter),
      encoder: this.vectors?.encoderHash ?? null,
    };
  }

  /** The examples that the base takes in full (see `fitting`). */
  fitting(source: ExampleSource, onProgress: (message: string) => void): ExampleSource {
    return fitting(source, this.prompts, this.base.config, (profile) => this.reader(profile), onProgress);
  }

  /** The part of a profile that the model is told. */
  reader(profile: Profile): Profile {
    return this.attributes ? selectAttributes(profile, this.attributes) : profile;
  }

  /**
   * Distributions over the options, for each reader and each choice: softmax of the log-likelihoods of the letters.
   * @throws CumaError for a prompt that is too long.
   */
  async distributions(readers: readonly ReaderQuestions[]): Promise<number[][][]> {
    const vectors = await this.profileVectors(readers.map(({ profile }) => profile));
    const groups = readers.map(({ profile, choices }, i) => ({
      profile: vectors?.[i],
      items: choices.map((choice) => this.item({ ...choice, profile: this.reader(profile) })),
    }));
    const scores = await scoreContinuations(this.decoder, groups);
    return scores.map((items) => items.map(normaliseLogLikelihoods));
  }

  /** Gates of every router while the prompt of a choice is read. */
  routeChoice(choice: Choice): Promise<Routing[]> {
    const profile = this.reader(choice.profile);
    return this.routeIds(profile, this.item({ ...choice, profile }).prompt);
  }

  /** Gates of every router while a text is read. */
  routeText(profile: Profile, text: string): Promise<Routing[]> {
    const ids = this.base.tokenizer.encode(text, { addSpecialTokens: true });
    if (ids.length === 0) throw new CumaError("expected a text with at least one token, found none");
    checkLength(this.base.config, ids.length, "the text");
    return this.routeIds(this.reader(profile), ids);
  }

  private item(choice: Choice): ScoringItem {
    return this.prompts.item(choice, `the question ${show(choice.question)}`);
  }

  private async routeIds(profile: Profile, ids: readonly number[]): Promise<Routing[]> {
    if (!this.loaded || !hasRouters(this.loaded.adapter)) return [];
    const vectors = await this.profileVectors([profile]);
    const { observed } = await this.decoder.forward(makeBatch([{ ids }], { precision: this.decoder.precision }), {
      profile: this.stack(vectors, [0]),
      observe: true,
    });
    return Object.entries(observedGates(observed)).map(([router, { shape, data }]) => {
      const [, T, E] = shape as [number, number, number];
      const mean = Array.from({ length: E }, (_, e) => {
        let sum = 0;
        for (let t = 0; t < T; t++) sum += data[t * E + e]!;
        return sum / T;
      });
      return { layer: Number(/layers\.(\d+)\./.exec(router)![1]), router, gates: mean };
    });
  }

  /**
   * Vocabulary logits.
   * @param vectors Profile vectors [D] by sequence, as the adapter takes them; null where it takes none.
   * @param positions The last token of each sequence, or every token.
   * @returns By sequence, one array [V] for each position.
   */
  async logits(
    inputIds: readonly (readonly number[])[],
    vectors: readonly Float32Array[] | null,
    positions: "last" | "all",
  ): Promise<Float32Array[][]> {
    const results: Float32Array[][] = inputIds.map(() => []);
    const order = inputIds.map((_, i) => i).sort((a, b) => inputIds[b]!.length - inputIds[a]!.length || a - b);
    for (let at = 0; at < order.length;) {
      const size = Math.max(1, Math.floor(BATCH_TOKENS / inputIds[order[at]!]!.length));
      const members = order.slice(at, at + size);
      at += size;
      const batch = makeBatch(
        members.map((i) => ({ ids: inputIds[i]! })),
        { precision: this.decoder.precision },
      );
      const rows = members.flatMap((i, b) => {
        const n = inputIds[i]!.length;
        return positions === "last" ? [b * batch.tokens + n - 1] : inputIds[i]!.map((_, t) => b * batch.tokens + t);
      });
      const { hidden } = await this.decoder.forward(batch, {
        profile: this.stack(vectors, members),
        rows: Int32Array.from(rows),
      });
      const { data } = await this.decoder.logits(hidden);
      const V = this.base.config.vocabSize;
      let row = 0;
      for (const i of members) {
        const n = positions === "last" ? 1 : inputIds[i]!.length;
        for (let k = 0; k < n; k++, row++) results[i]!.push(Float32Array.from(data.subarray(row * V, (row + 1) * V)));
      }
    }
    return results;
  }

  /** The vectors that the adapter takes, by profile; null where it takes none. */
  async profileVectors(profiles: readonly Profile[]): Promise<Float32Array[] | null> {
    if (!this.loaded || this.loaded.adapter.profileWidth === 0) return null;
    if (!this.vectors) {
      throw new CumaError(
        `the adapter takes profile vectors of width ${this.loaded.adapter.profileWidth}, and its folder does not say which encoder makes them; name the encoder (--encoder), or give vectors`,
      );
    }
    return this.vectors.of(profiles.map((profile) => this.reader(profile)));
  }

  async dispose(): Promise<void> {
    await this.decoder.dispose();
    await this.vectors?.dispose();
  }

  private stack(vectors: readonly Float32Array[] | null, members: readonly number[]): HostTensor | undefined {
    if (!vectors) return undefined;
    const width = vectors[0]!.length;
    const data = floats(this.decoder.precision, members.length * width);
    for (const [b, i] of members.entries()) data.set(vectors[i]!, b * width);
    return { shape: [members.length, width], data };
  }
}

/** The encoder of an adapter's profiles; null where it takes none, or nobody has said which it is. */
async function openReaders(
  { adapter, profileSpace, parameters }: LoadedAdapter,
  base: BaseModel,
  engine: Engine,
  options: ModelOptions,
  baseHash: string | undefined,
): Promise<ReaderVectors | null> {
  if (adapter.profileWidth === 0) return null;
  const name = options.encoder ?? profileSpace?.encoder;
  if (name === undefined) return null;
  const { adapter: folder, onProgress } = options;
  // A folder that somebody gave must not make us download what it names.
  const namedBy = options.encoder === undefined ? `the adapter ${folder!}` : undefined;
  const encoder = await openEncoder(name, base, engine, { onProgress, namedBy }, baseHash);
  const otherBase = name === "base" && options.allowOtherBase === true;
  if (profileSpace && !otherBase && profileSpace.encoderHash !== encoder.hash) {
    throw new CumaError(
      `encoder ${show(name)}: its files are not those the adapter was trained with (SHA-256 ${excerpt(encoder.hash, 12)}, expected ${excerpt(profileSpace.encoderHash, 12)})`,
    );
  }
  const space: ProfileSpace = profileSpace ?? {
    encoder: name,
    encoderHash: encoder.hash,
    width: encoder.width,
    standard: null,
    projection: undefined,
  };
  if (profileWidth(space) !== adapter.profileWidth) {
    throw new CumaError(
      `encoder ${show(name)}: gives vectors of width ${encoder.width}; the adapter takes ${adapter.profileWidth}`,
    );
  }
  return new ReaderVectors(encoder, space, parameters[PROJECTION]);
}

/** SHA-256 over the two files of an adapter folder. */
export async function hashAdapter(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of adapterFiles(folder)) hash.update(`${basename(path)}\0${await sha256File(path)}\0`);
  return hash.digest("hex");
}

/** The files that an adapter folder is read from. */
export function adapterFiles(folder: string): string[] {
  return [CONFIG_FILE, TENSORS_FILE].map((name) => join(folder, name));
}
