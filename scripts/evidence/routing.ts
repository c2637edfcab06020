import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readTruth } from "../../datasets/planted/model.ts";
import { DEMO_BASE, runRoute, type RouteResults } from "../../src/app/index.ts";
import { readJson, writeJson } from "../../src/io/index.ts";
import { METHODS, plantedData, SEEDS, SETTINGS } from "./planted.ts";
import { evaluateInto, trainInto, type Context } from "./runs.ts";
import { markdown, number } from "./tables.ts";

const RATE = 3e-3;
/** Of the test split, put to every profile. */
const QUESTIONS = 32;
const PERMUTATIONS = 1999;

export interface RoutingRun {
  readonly seed: number;
  readonly trained: boolean;
  readonly results: RouteResults;
}

/** How well the planted countries' modes are found in the routing of CuMA, trained and as it was drawn. */
export async function runRouting(context: Context): Promise<RoutingRun[]> {
  const runs: RoutingRun[] = [];
  for (const seed of SEEDS) {
    const data = plantedData(context, seed, true);
    const folders = {
      trained: join(context.out, "planted", "persona", METHODS[0].name, `lr-${RATE}`, `seed-${seed}`),
      untrained: join(context.out, "routing", "untrained", `seed-${seed}`),
    };
    const modes = join(context.out, "routing", "modes");
    const reference = join(modes, `seed-${seed}.json`);
    mkdirSync(modes, { recursive: true });
    writeJson(reference, modesOfCountries(join(data.dir, "truth.json")));
    for (const [name, folder] of Object.entries(folders)) {
      const trained = name === "trained";
      const settings = trained ? SETTINGS : { ...SETTINGS, maxSteps: 0 };
      const training = { base: DEMO_BASE, data, method: METHODS[0], seed, lr: RATE, settings };
      const adapter = await trainInto(folder, training, context);
      await evaluateInto(folder, "test", { base: DEMO_BASE, data, adapter }, context);
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
          { signal: context.signal, onProgress: () => undefined, onRouted: () => undefined },
        );
      }
      runs.push({ seed, trained, results: readJson(out) as RouteResults });
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
  const cells = (seed: number, trained: boolean): string[] => {
    const { agreement, mantel } = runs.find((run) => run.seed === seed && run.trained === trained)!.results.topology;
    return [withP({ value: agreement!.adjustedRand, p: agreement!.p }), withP({ value: mantel!.r, p: mantel!.p })];
  };
  return markdown(
    ["seed", "adjusted Rand", "Mantel r", "untrained: adjusted Rand", "untrained: Mantel r"],
    SEEDS.map((seed) => [String(seed), ...cells(seed, true), ...cells(seed, false)]),
  );
}
