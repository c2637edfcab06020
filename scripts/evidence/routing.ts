import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readTruth } from "../../datasets/planted/model.ts";
import { DEMO_BASE } from "../../src/app/model/baseModel.ts";
import { runRoute, type RouteResults } from "../../src/app/route.ts";
import { readJson, writeJson } from "../../src/core/io/index.ts";
import { AS_ABOVE, conditionFolder, LONGER, METHODS, plantedData, SEEDS, SETTINGS } from "./planted.ts";
import { ADAPTER, trainAndEvaluate, type Context } from "./runs.ts";
import { markdown, number } from "./tables.ts";

const RATE = 3e-3;
/** Of the test split, put to every profile. */
const QUESTIONS = 32;
const PERMUTATIONS = 1999;

/** Trainings, by name; the first is the one that is compared elsewhere. */
const TRAININGS = {
  trained: SETTINGS,
  [LONGER]: { ...SETTINGS, epochs: 4 * SETTINGS.epochs },
  untrained: { ...SETTINGS, maxSteps: 0 },
};
type Name = keyof typeof TRAININGS;
const FOLDERS: Readonly<Record<Name, (context: Context) => string>> = {
  trained: (context) => conditionFolder(context, AS_ABOVE),
  [LONGER]: (context) => conditionFolder(context, LONGER),
  untrained: ({ out }) => join(out, "routing", "untrained"),
};

export interface RoutingRun {
  readonly seed: number;
  readonly name: Name;
  readonly results: RouteResults;
}

/** How well the planted countries' modes are found in the routing of CuMA. */
export async function runRouting(context: Context): Promise<RoutingRun[]> {
  const runs: RoutingRun[] = [];
  for (const seed of SEEDS) {
    const data = plantedData(context, seed, true);
    const modes = join(context.out, "routing", "modes");
    const reference = join(modes, `seed-${seed}.json`);
    mkdirSync(modes, { recursive: true });
    writeJson(reference, modesOfCountries(join(data.dir, "truth.json")));
    for (const name of Object.keys(TRAININGS) as Name[]) {
      const folder = join(FOLDERS[name](context), METHODS[0].name, `lr-${RATE}`, `seed-${seed}`);
      const settings = TRAININGS[name];
      const training = { base: DEMO_BASE, data, method: METHODS[0], seed, lr: RATE, settings };
      await trainAndEvaluate(folder, "test", training, context);
      const adapter = join(folder, ADAPTER);
      const predictions = join(folder, "test", "predictions.parquet");
      const out = join(context.out, "routing", name, `seed-${seed}.json`);
      if (!existsSync(out)) {
        context.say(`routing ${adapter}`);
        await runRoute(
          {
            model: { base: DEMO_BASE, adapter, threads: context.threads },
            profiles: predictions,
            texts: null,
            questions: { benchmark: data.benchmark, dir: data.dir, split: "test", limit: QUESTIONS },
            by: ["country"],
            reference,
            answers: predictions,
            permutations: PERMUTATIONS,
            seed: 0,
            out,
            overwrite: false,
          },
          { onProgress: () => undefined, onRouted: () => undefined },
        );
      }
      runs.push({ seed, name, results: readJson(out) as RouteResults });
    }
  }
  return runs;
}

/** The mode that each country stands for. */
function modesOfCountries(path: string): Record<string, string> {
  const { countries } = readTruth(path);
  return Object.fromEntries(
    Object.entries(countries).map(([country, mixture]) => [
      country,
      `mode ${mixture.indexOf(Math.max(...mixture)) + 1}`,
    ]),
  );
}

export function routingTables(runs: readonly RoutingRun[]): string {
  const withP = ({ value, p }: { readonly value: number; readonly p: number }): string =>
    `${number(value, 2)}, p ${number(p)}`;
  const names = Object.keys(TRAININGS) as Name[];
  const cells = (seed: number, name: Name): string[] => {
    const { agreement, mantel } = runs.find((run) => run.seed === seed && run.name === name)!.results.topology;
    return [withP({ value: agreement!.adjustedRand, p: agreement!.p }), withP({ value: mantel!.r, p: mantel!.p })];
  };
  return markdown(
    ["seed", ...names.flatMap((name) => [`${name}: adjusted Rand`, "Mantel r"])],
    SEEDS.map((seed) => [String(seed), ...names.flatMap((name) => cells(seed, name))]),
  );
}
