import { datasets, type ChoiceExample, type DatasetName, type Source } from "../../datasets/index.ts";
import { hasRouters, type Routing, type Topology } from "../../router/index.ts";
import { intoFile, sha256File } from "../core/io/index.ts";
import { checkLength } from "../core/decoder/index.ts";
import { profileText, type Profile } from "../core/text/index.ts";
import { checkArgument, count, CumaError, excerpt, Rng, show } from "../core/util/index.ts";
import { routeHooksSchema, routeSchema } from "./arguments.ts";
import { adapterFiles } from "./model/adapterFiles.ts";
import { LanguageModel, type ModelOptions } from "./model/languageModel.ts";
import { gitHash, versions } from "./package.ts";
import { checkAttributes } from "./model/profileVectors.ts";
import { ModelRespondent } from "./model/respondent.ts";
import {
  answerDistances,
  groupName,
  readProfiles,
  readReference,
  readTexts,
  type ProfileRows,
} from "./files/routeFiles.ts";

/** Texts that say nothing of the person, for where no others are given. */
export const NEUTRAL_TEXTS: readonly string[] = [
  "What matters most in life?",
  "How should people decide what is right?",
  "Whom can one trust?",
  "What do parents owe to their children?",
  "How should a country be governed?",
  "What makes work worth doing?",
  "When is it right to break a rule?",
  "What should be changed, and what should stay as it is?",
];

/** More than this many groups or distinct profiles are refused: clustering takes the cube of the groups in time. */
const MAX_GROUPS = 1000;
const MAX_PROFILES = 10_000;

/** What is routed, and what the routing is compared with. */
export interface RouteConfig {
  readonly model: ModelOptions & { readonly adapter: string };
  /** File of profiles, or a predictions table. */
  readonly profiles: string;
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
  /** Attributes whose combined values make the groups; null: the country, or the first attribute there is. */
  readonly by: readonly string[] | null;
  /** File of a label for each group. */
  readonly reference: string | null;
  /** Predictions table whose true answers the routing is compared with. */
  readonly answers: string | null;
  /** Relabellings behind each p-value. */
  readonly permutations: number;
  readonly seed: number;
  /** File to write; null: none. */
  readonly out: string | null;
  readonly overwrite: boolean;
}

/** The content of route.json. */
export interface RouteResults {
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly gitHash: string | null;
  /** What was routed: settings, SHA-256 of base, adapter, encoder and files. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly samples: {
    /** Of the file of profiles. */
    readonly rows: number;
    /** Distinct in the attributes that the model is told or that make the groups. */
    readonly profiles: number;
    readonly texts: number;
    readonly groups: number;
  };
  /** How much was left out, by reason. */
  readonly exclusions: Readonly<Record<string, number>>;
  /** Numbers that do not apply are null. */
  readonly topology: Topology;
}

export interface RouteHooks {
  readonly onProgress: (message: string) => void;
  /** Texts read, over all profiles. */
  readonly onRouted: (done: number, total: number) => void;
}

/**
 * Reads texts as each of many profiles and analyses where the adapter's routers send them: expert usage by group,
 * distances, clusters, and what these have to do with attributes, a reference grouping and answers.
 *
 * Every text counts the same for a profile, whatever its length. Rows of the file that are equal in what the model is
 * told and in what makes the groups are one profile of their summed weight, so that the tests over profiles do not count
 * copies; the distinct profiles of a predictions table weigh the same.
 * @throws CumaError naming what is missing, wrong, or does not fit.
 */
export async function runRoute(config: RouteConfig, hooks: RouteHooks): Promise<RouteResults> {
  checkArgument("config", routeSchema, config);
  checkArgument("hooks", routeHooksSchema, hooks);
  const { out, overwrite, profiles, texts, reference, answers, model } = config;
  const files = [profiles, texts, reference, answers].filter((path) => path !== null);
  const inputs = [...files, ...adapterFiles(model.adapter)];
  return intoFile(out, { overwrite, inputs }, () => route(config, hooks));
}

async function route(config: RouteConfig, hooks: RouteHooks): Promise<RouteResults> {
  const { seed, permutations } = config;
  const table = await readProfiles(config.profiles);
  const by = config.by ?? (table.attributes.includes("country") ? ["country"] : table.attributes.slice(0, 1));
  checkAttributes(`${config.profiles}: by`, by, table.attributes);
  const model = await LanguageModel.open({ ...config.model, onProgress: hooks.onProgress });
  try {
    if (!model.loaded || !hasRouters(model.loaded.adapter)) {
      const method = model.loaded?.adapter.method ?? "none";
      throw new CumaError(
        `${config.model.adapter}: the adapter (${method}) has no routers; expected one that routes between experts, such as cuma`,
      );
    }
    const grouped = groupProfiles(config.profiles, table, model.attributes, by);
    const reference = config.reference === null ? null : await readReference(config.reference, by, grouped.groups);
    const answers = config.answers === null ? null : await answerDistances(config.answers, by, grouped.groups);
    const texts = await openTexts(config, model, hooks.onProgress);
    const { names, experts, gates } = await routeAll(grouped.profiles, texts.read, model, hooks);
    hooks.onProgress("analysing");
    const { routingTopology } = await import("../../router/topology/topology.ts");
    const topology = routingTopology({
      names,
      routers: names.length,
      experts,
      gates,
      weights: grouped.profiles.map(({ weight }) => weight),
      groups: grouped.groups,
      groupOf: grouped.profiles.map(({ group }) => group),
      attributes: grouped.attributes,
      reference: reference?.labels ?? null,
      answers,
      permutations,
      seed,
    });
    const { profiles, reference: referenceFile, answers: answersFile } = config;
    const read = [profiles, ...[config.texts, referenceFile, answersFile].filter((path) => path !== null)];
    return {
      config: {
        ...config,
        by,
        model: {
          ...config.model,
          onProgress: undefined,
          persona: model.persona,
          template: model.template,
          attributes: model.attributes ?? table.attributes,
        },
      },
      seed,
      versions: versions(),
      gitHash: gitHash(),
      identity: {
        ...(await model.identity()),
        files: Object.fromEntries(await Promise.all(read.map(async (path) => [path, await sha256File(path)] as const))),
        dataFiles: texts.files,
        texts: texts.names,
      },
      samples: {
        rows: table.rows.length,
        profiles: grouped.profiles.length,
        texts: texts.read.length,
        groups: grouped.groups.length,
      },
      exclusions: Object.fromEntries(
        Object.entries({
          ...grouped.excluded,
          ...(reference && { "labels of no group": reference.unused }),
          ...answers?.excluded,
        }).filter(([, n]) => n > 0),
      ),
      topology,
    };
  } finally {
    await model.dispose();
  }
}

interface GroupedProfiles {
  readonly groups: readonly string[];
  readonly profiles: readonly { readonly profile: Profile; readonly weight: number; readonly group: number }[];
  /** Codes by profile of each attribute that the model is told or that makes the groups; -1 where it is missing. */
  readonly attributes: ReadonlyMap<string, Int32Array>;
  readonly excluded: Readonly<Record<string, number>>;
}

/** Distinct profiles in the attributes that matter, and their groups. */
function groupProfiles(
  path: string,
  { attributes, rows, distinct }: ProfileRows,
  told: readonly string[] | null,
  by: readonly string[],
): GroupedProfiles {
  if (told && !attributes.some((name) => told.includes(name))) {
    throw new CumaError(
      `${path}: expected a column for an attribute that the model is told (${excerpt(told.join(", "))}); found ${excerpt(attributes.join(", "))}`,
    );
  }
  const used = attributes.filter((name) => by.includes(name) || !told || told.includes(name));
  const profiles = new Map<string, { profile: Profile; weight: number; group: number }>();
  const groups = new Map<string, { readonly key: string; readonly group: number }>();
  let noGroup = 0;
  for (const { profile, weight } of rows) {
    const values = by.flatMap((name) => (profile[name] === undefined ? [] : [profile[name]]));
    if (values.length < by.length) {
      noGroup++;
      continue;
    }
    const key = JSON.stringify(used.map((name) => profile[name] ?? null));
    const known = profiles.get(key);
    if (known) {
      if (!distinct) known.weight += weight;
      continue;
    }
    const name = groupName(values);
    const group = groups.get(name) ?? { key: JSON.stringify(values), group: groups.size };
    groups.set(name, group);
    if (group.key !== JSON.stringify(values)) {
      throw new CumaError(
        `${path}: two groups have the name ${show(name)}; expected values of ${excerpt(by.join(", "))} without " / "`,
      );
    }
    profiles.set(key, { profile, weight, group: group.group });
  }
  checkNumber(path, "group", groups.size, 2, MAX_GROUPS);
  checkNumber(path, "distinct profile", profiles.size, 2, MAX_PROFILES);
  const kept = [...profiles.values()];
  const excluded: Record<string, number> = { [`rows without ${by.join(" or ")}`]: noGroup };
  const codes = used.map((name) => {
    const codeOf = new Map<string, number>();
    const column = Int32Array.from(kept, ({ profile }) => {
      const value = profile[name];
      if (value === undefined) return -1;
      if (!codeOf.has(value)) codeOf.set(value, codeOf.size);
      return codeOf.get(value)!;
    });
    excluded[`profiles without ${name}, in its mutual information`] = column.filter((code) => code < 0).length;
    return [name, column] as const;
  });
  const present = codes.filter(([, column]) => column.some((code) => code >= 0));
  return { groups: [...groups.keys()], profiles: kept, attributes: new Map(present), excluded };
}

function checkNumber(path: string, noun: string, n: number, least: number, most: number): void {
  if (n >= least && n <= most) return;
  throw new CumaError(`${path}: expected ${least} to ${count(most, noun)}, found ${n.toLocaleString("en-US")}`);
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

async function openTexts(
  { texts, questions, seed }: RouteConfig,
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
async function routeAll(
  profiles: GroupedProfiles["profiles"],
  texts: readonly Read[],
  model: LanguageModel,
  { onRouted }: RouteHooks,
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
