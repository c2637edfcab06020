import { hasRouters } from "../../router/index.ts";
import { intoFile } from "../core/io/index.ts";
import { checkArgument, CumaError } from "../core/util/index.ts";
import { routeHooksSchema, routeSchema } from "./arguments.ts";
import { answerDistances } from "./files/answerDistances.ts";
import { readProfiles } from "./files/profiles.ts";
import { readReference } from "./files/referenceGroups.ts";
import { encodeRouteResults, type RouteResults } from "./files/routeResults.ts";
import { adapterFiles } from "./model/adapterFiles.ts";
import { LanguageModel, type ModelOptions } from "./model/languageModel.ts";
import { checkAttributes } from "./model/profileVectors.ts";
import { hashFiles, modelConfig, provenance } from "./provenance.ts";
import { groupProfiles } from "./routedProfiles.ts";
import { openTexts, routeAll, type TextChoice } from "./routedTexts.ts";

export type { RouteResults } from "./files/routeResults.ts";

/** What is routed, and what the routing is compared with. */
export interface RouteConfig extends TextChoice {
  readonly model: ModelOptions & { readonly adapter: string };
  /** File of profiles, or a predictions table. */
  readonly profiles: string;
  /** Attributes whose combined values make the groups; null: the country, or the first attribute there is. */
  readonly by: readonly string[] | null;
  /** File of a label for each group. */
  readonly reference: string | null;
  /** Predictions table whose true answers the routing is compared with. */
  readonly answers: string | null;
  /** Relabellings behind each p-value. */
  readonly permutations: number;
  /** File to write; null: none. */
  readonly out: string | null;
  readonly overwrite: boolean;
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
  return intoFile(out, { overwrite, inputs }, () => route(config, hooks), encodeRouteResults);
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
    const { names, experts, gates } = await routeAll(grouped.profiles, texts.read, model, hooks.onRouted);
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
    const read = [config.profiles, ...[config.texts, config.reference, config.answers].filter((path) => path !== null)];
    const attributes = model.attributes ?? table.attributes;
    return {
      ...provenance({ ...config, by, model: modelConfig(config.model, model, attributes) }, seed),
      identity: {
        ...(await model.identity()),
        files: await hashFiles(read),
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
