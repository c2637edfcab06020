import { datasets, type ChoiceExample, type DatasetName, type Source } from "../../datasets/index.ts";
import type { Routing } from "../../router/index.ts";
import { checkLength } from "../core/decoder/index.ts";
import { profileText, type Profile } from "../core/text/index.ts";
import { CumaError, Rng, show } from "../core/util/index.ts";
import { readTexts } from "./files/texts.ts";
import type { LanguageModel } from "./model/languageModel.ts";
import { ModelRespondent } from "./model/respondent.ts";
import type { GroupedProfiles } from "./routedProfiles.ts";

/** Texts that say nothing of the person, for where no others are given. */
const NEUTRAL_TEXTS: readonly string[] = [
  "What matters most in life?",
  "How should people decide what is right?",
  "Whom can one trust?",
  "What do parents owe to their children?",
  "How should a country be governed?",
  "What makes work worth doing?",
  "When is it right to break a rule?",
  "What should be changed, and what should stay as it is?",
];

/** What is read as each profile. */
export interface TextChoice {
  /** File of texts, one a line; null: `questions`, or the neutral texts where these are null too. */
  readonly texts: string | null;
  /** Questions of a data set, put to each profile as in an evaluation. */
  readonly questions: {
    readonly benchmark: DatasetName;
    readonly dir: string;
    readonly split: string;
    /** At most so many, drawn by the seed. */
    readonly limit: number;
  } | null;
  readonly seed: number;
}

/** Reads one text as a profile. */
type Read = (profile: Profile) => Promise<Routing[]>;

interface Texts {
  readonly read: readonly Read[];
  /** The texts themselves, or ids of questions. */
  readonly names: readonly string[];
  /** SHA-256 of the data set's files. */
  readonly files: Readonly<Record<string, string>>;
}

/** Opens the texts of a configuration: those of a file, the questions of a data set, or the neutral ones. */
export async function openTexts(
  { texts, questions, seed }: TextChoice,
  model: LanguageModel,
  onProgress: (message: string) => void,
): Promise<Texts> {
  if (questions) {
    const { benchmark, dir, split, limit } = questions;
    onProgress(`reading ${dir} (${split})`);
    const dataset = datasets[benchmark];
    const source = await dataset.load(dir, split, {});
    const respondent = new ModelRespondent<ChoiceExample>(model, dataset);
    const first = firstOfQuestions(source);
    if (first.length === 0) throw new CumaError(`${dir}: the split ${show(split)} has no examples`);
    const drawn = new Rng(seed, "route", "questions").shuffle(first.map((_, i) => i)).slice(0, limit);
    const asked = drawn.sort((a, b) => a - b).map((i) => source.at(first[i]!));
    return {
      read: asked.map((example) => (profile) => respondent.route({ ...example, profile })),
      names: asked.map(({ questionId }) => questionId),
      files: source.files,
    };
  }
  const given =
    texts === null
      ? NEUTRAL_TEXTS.map((text) => ({ where: `"${text}"`, text }))
      : readTexts(texts).map(({ line, text }) => ({ where: `${texts}: line ${line}: the text`, text }));
  for (const { where, text } of given) {
    checkLength(model.base.config, model.base.tokenizer.encode(text, { addSpecialTokens: true }).length, where);
  }
  return {
    read: given.map(
      ({ text }) =>
        (profile) =>
          model.routeText(profile, text),
    ),
    names: given.map(({ text }) => text),
    files: {},
  };
}

/** The first example of each question. */
function firstOfQuestions(source: Source<ChoiceExample>): number[] {
  const first = new Map<string, number>();
  for (let i = 0; i < source.length; i++) {
    const { questionId } = source.at(i);
    if (!first.has(questionId)) first.set(questionId, i);
  }
  return [...first.values()];
}

/** Mean gates over texts, by profile [R * E]; profiles that are the same to the model are routed once. */
export async function routeAll(
  profiles: GroupedProfiles["profiles"],
  texts: readonly Read[],
  model: LanguageModel,
  onRouted: (done: number, total: number) => void,
): Promise<{ names: { router: string; layer: number }[]; experts: number; gates: Float64Array[] }> {
  const told = new Map(profiles.map(({ profile }) => [profileText(model.told(profile)), profile]));
  const gates = new Map<string, Float64Array>();
  let names: { router: string; layer: number }[] = [];
  let experts = 0;
  const total = told.size * texts.length;
  let done = 0;
  for (const [text, profile] of told) {
    let sum: Float64Array | undefined;
    for (const read of texts) {
      const routing = await read(profile);
      names = routing.map(({ router, layer }) => ({ router, layer }));
      experts = routing[0]!.gates.length;
      sum ??= new Float64Array(routing.length * experts);
      for (const [r, { gates: mean }] of routing.entries()) {
        for (const [e, gate] of mean.entries()) sum[r * experts + e]! += gate / texts.length;
      }
      onRouted(++done, total);
    }
    gates.set(text, sum!);
  }
  return { names, experts, gates: profiles.map(({ profile }) => gates.get(profileText(model.told(profile)))!) };
}
