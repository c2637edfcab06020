import { join } from "node:path";
import type { DatasetName } from "../../datasets/index.ts";
import type { MetricName } from "../../eval/index.ts";
import { bestRate, evaluateInto, trainAndEvaluate, type Context, type Data, type Method } from "./runs.ts";

/** 5.88 to 5.93 million trainable parameters on SmolLM2-135M. */
export const METHODS: readonly Method[] = [
  { name: "cuma", adapter: { method: "cuma", r: 8, loraAlpha: 16, routerHidden: 64, topK: 2 } },
  { name: "lora", adapter: { method: "lora", r: 103, loraAlpha: 206 } },
  { name: "lora-profile", adapter: { method: "lora", r: 64, loraAlpha: 128, profileVector: true } },
];

interface Survey {
  readonly folder: string;
  readonly benchmark: DatasetName;
  readonly attributes: readonly string[];
  readonly holdOut: Data["holdOut"];
  readonly settings: Readonly<Record<string, unknown>>;
  /** Learning rates that are tried, and what chooses between them on the validation split: less is better. */
  readonly rates: readonly number[];
  readonly criterion: MetricName;
  /** Of training; the first chooses the rate. */
  readonly seeds: readonly number[];
}

const COMMON = { batchSize: 16, schedule: "cosine", warmup: 5 };

export const surveys = {
  globalopinionqa: {
    folder: "globalopinionqa",
    benchmark: "globalopinionqa",
    attributes: ["country"],
    holdOut: [{ by: ["country"], share: 0.2, seed: 0 }],
    settings: { ...COMMON, epochs: 1, maxSteps: 48 },
    rates: [3e-4, 1e-3],
    criterion: "kl",
    seeds: [0],
  },
  "wvs-cardata": {
    folder: "wvs-cardata",
    benchmark: "wvs-cardata",
    attributes: ["country", "age", "gender", "education", "religion"],
    holdOut: [{ by: ["country", "religion", "education"], share: 0.2, seed: 0 }],
    settings: { ...COMMON, epochs: 2 },
    rates: [3e-4],
    criterion: "nll",
    seeds: [0, 1, 2],
  },
} satisfies Record<string, Survey>;

export type SurveyName = keyof typeof surveys;

export interface SurveyRun {
  readonly method: string;
  readonly seed: number;
  readonly lr: number | null;
  readonly folder: string;
}

/** Trains and evaluates the methods on a real survey with a real base. */
export async function runSurvey(
  name: SurveyName,
  base: string,
  dataRoot: string,
  context: Context,
): Promise<SurveyRun[]> {
  const { folder, benchmark, attributes, holdOut, settings, rates, criterion, seeds }: Survey = surveys[name];
  const root = join(context.out, folder);
  const data: Data = { benchmark, dir: join(dataRoot, folder), attributes, persona: true, holdOut };
  const runs: SurveyRun[] = [{ method: "base", seed: seeds[0]!, lr: null, folder: join(root, "base") }];
  await evaluateInto(join(root, "base"), "test", { base, data, adapter: undefined }, context);
  for (const method of METHODS) {
    let lr: number | undefined;
    for (const seed of seeds) {
      const at = (rate: number): string => join(root, method.name, `lr-${rate}`, `seed-${seed}`);
      const training = { base, data, method, seed, settings };
      lr ??= await bestRate(rates, at, training, criterion, context);
      await trainAndEvaluate(at(lr), "test", { ...training, lr }, context);
      runs.push({ method: method.name, seed, lr, folder: at(lr) });
    }
  }
  return runs;
}
