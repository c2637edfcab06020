import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { writePlanted, type PlantedSpecInput } from "../../datasets/index.ts";
import { readTruth } from "../../datasets/planted/model.ts";
import type { MetricName } from "../../eval/index.ts";
import { DEMO_BASE } from "../../src/app/model/baseModel.ts";
import { packageRoot } from "../../src/app/package.ts";
import { bestRate, evaluateInto, trainAndEvaluate, trainInto, type Context, type Data, type Method } from "./runs.ts";

export const SEEDS = [0, 1, 2, 3, 4];
const RATES = [1e-3, 3e-3, 1e-2];
const ATTRIBUTES = ["country", "religion"];
export const SETTINGS = { batchSize: 16, epochs: 10, schedule: "cosine", warmup: 20 };

const CUMA = { method: "cuma", r: 4, loraAlpha: 8, routerHidden: 32, topK: 2 };
const SOFT: Method = { name: "cuma-soft", adapter: { ...CUMA, gating: "soft" } };

/** 90,112 to 91,392 trainable parameters. */
export const METHODS: readonly [Method, ...Method[]] = [
  { name: "cuma", adapter: CUMA },
  SOFT,
  { name: "cuma-blind", adapter: { ...CUMA, routerHidden: 62 }, encoder: { model: "none" } },
  { name: "lora", adapter: { method: "lora", r: 51, loraAlpha: 102 } },
  { name: "lora-profile", adapter: { method: "lora", r: 32, loraAlpha: 64, profileVector: true } },
];

export const PERSONAS = [true, false];

/** CuMA with one setting changed; of other sizes where the setting makes it so. */
export const VARIANTS: readonly Method[] = [
  SOFT,
  { name: "double-softmax", adapter: { ...CUMA, gating: "double-softmax" } },
  { name: "top-1", adapter: { ...CUMA, topK: 1 } },
  { name: "top-4", adapter: { ...CUMA, topK: 4 } },
  { name: "shared A", adapter: { ...CUMA, shareA: true } },
  { name: "router per site", adapter: { ...CUMA, shareRouter: "site" } },
  { name: "r 2", adapter: { ...CUMA, r: 2, loraAlpha: 4 } },
  { name: "r 8", adapter: { ...CUMA, r: 8, loraAlpha: 16 } },
];
const VARIANT_RATE = 3e-3;

/** The runs of `cuma` and of its variants, at one rate, persona in the prompt. */
export async function runSettings(context: Context): Promise<PlantedRun[]> {
  const runs: PlantedRun[] = [];
  for (const seed of SEEDS) {
    const data = plantedData(context, seed, true);
    for (const method of [METHODS[0], ...VARIANTS]) {
      const folder = join(context.out, "planted", "persona", method.name, `lr-${VARIANT_RATE}`, `seed-${seed}`);
      const training = { base: DEMO_BASE, data, method, seed, lr: VARIANT_RATE, settings: SETTINGS };
      await trainAndEvaluate(folder, "test", training, context);
      runs.push({ persona: true, seed, method: method.name, lr: VARIANT_RATE, data: data.dir, folder });
    }
  }
  return runs;
}

/** A seed's planted data, made where it is not there. */
export function plantedData(context: Context, seed: number, persona: boolean): Data {
  const dir = made(join(context.out, "planted", "data", `seed-${seed}`), { seed });
  return { benchmark: "planted", dir, attributes: ATTRIBUTES, persona, holdOut: [] };
}

function made(dir: string, spec: PlantedSpecInput): string {
  if (!existsSync(join(dir, "truth.json"))) writePlanted({ ...spec, out: dir });
  return dir;
}

/** What the planted comparison is repeated with, one thing changed at a time. */
interface Condition {
  readonly name: string;
  readonly spec?: PlantedSpecInput;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly base?: (context: Context, seed: number) => Promise<string>;
  /** Of the validation split; exact distributions have no answers there. */
  readonly criterion: "nll" | "kl";
}

export const AS_ABOVE = "as above";
export const LONGER = "four times as long";

export const CONDITIONS: readonly Condition[] = [
  { name: AS_ABOVE, criterion: "nll" },
  { name: LONGER, settings: { epochs: 4 * SETTINGS.epochs, maxSteps: null }, criterion: "nll" },
  { name: "hard labels", settings: { labels: "hard" }, criterion: "nll" },
  { name: "exact labels", spec: { answers: "distribution" }, criterion: "kl" },
  { name: "few people", spec: { participants: 120 }, criterion: "nll" },
  { name: "interacting", spec: { mixing: "interacting" }, criterion: "nll" },
  { name: "aware base", base: awareBase, criterion: "nll" },
];
const CONDITION_SEEDS = [0, 1, 2];
const CONDITION_RATES = [1e-3, 3e-3];
const STEPS = 420;
export const CONDITION_METHODS: readonly Method[] = METHODS.filter(({ name }) =>
  ["cuma", "lora", "lora-profile"].includes(name),
);

export interface ConditionRun extends PlantedRun {
  readonly condition: string;
}

/** Trains the methods under every condition, persona in the prompt. */
export async function runConditions(context: Context): Promise<ConditionRun[]> {
  const runs: ConditionRun[] = [];
  for (const { name: condition, spec, settings, base: baseOf, criterion } of CONDITIONS) {
    const root = conditionFolder(context, condition);
    const rates = new Map<string, number>();
    for (const seed of CONDITION_SEEDS) {
      const plain = plantedData(context, seed, true);
      const dir = spec ? made(join(root, "data", `seed-${seed}`), { seed, ...spec }) : plain.dir;
      const comparison = {
        root,
        base: baseOf ? await baseOf(context, seed) : DEMO_BASE,
        data: { ...plain, dir },
        seed,
        methods: CONDITION_METHODS,
        settings: { ...SETTINGS, maxSteps: STEPS, ...settings },
        rates: CONDITION_RATES,
        criterion,
      };
      runs.push(...(await compare(comparison, rates, context)).map((run) => ({ ...run, condition })));
    }
  }
  return runs;
}

export function conditionFolder(context: Context, condition: string): string {
  return join(context.out, ...(condition === AS_ABOVE ? ["planted", "persona"] : ["conditions", condition]));
}

/**
 * A base that has learned from 8 other questions of a seed's truth that the persona matters: the demo's base, trained in
 * full on the groups that training sees. See examples/planted/aware.yaml.
 */
async function awareBase(context: Context, seed: number): Promise<string> {
  const root = join(context.out, "conditions", "aware base");
  const folder = join(root, "bases", `seed-${seed}`);
  if (existsSync(join(folder, "model.safetensors"))) return folder;
  const plain = plantedData(context, seed, true);
  const { groups } = readTruth(join(plain.dir, "truth.json"));
  const heldOut = groups.filter((group) => group.heldOut).map(({ country, religion }) => ({ country, religion }));
  const dir = made(join(root, "other-questions", `seed-${seed}`), { seed, questions: 8, skip: 24, heldOut });
  const method: Method = { name: "full", adapter: { method: "full" } };
  const settings = { ...SETTINGS, epochs: 30 };
  const training = { base: DEMO_BASE, data: { ...plain, dir }, method, seed, lr: 1e-3, settings };
  const trained = await trainInto(join(root, "full", `seed-${seed}`), training, context);
  mkdirSync(folder, { recursive: true });
  for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"]) {
    copyFileSync(join(packageRoot, "assets", "demo-base", name), join(folder, name));
  }
  copyFileSync(join(trained, "adapter_model.safetensors"), join(folder, "model.safetensors"));
  return folder;
}

export interface PlantedRun {
  readonly persona: boolean;
  readonly seed: number;
  readonly method: string;
  readonly lr: number | null;
  readonly data: string;
  readonly folder: string;
}

/** Trains every method on every seed, persona in the prompt and not. */
export async function runPlanted(context: Context): Promise<PlantedRun[]> {
  const runs: PlantedRun[] = [];
  for (const persona of PERSONAS) {
    const root = join(context.out, "planted", persona ? "persona" : "no-persona");
    const rates = new Map<string, number>();
    for (const seed of SEEDS) {
      const data = plantedData(context, seed, persona);
      const about = { root, base: DEMO_BASE, data, seed, methods: METHODS, settings: SETTINGS };
      runs.push(...(await compare({ ...about, rates: RATES, criterion: "nll" }, rates, context)));
    }
  }
  return runs;
}

interface Comparison {
  readonly root: string;
  readonly base: string;
  readonly data: Data;
  readonly seed: number;
  readonly methods: readonly Method[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rates: readonly number[];
  /** Of the validation split; less is better. */
  readonly criterion: MetricName;
}

/**
 * Evaluates a base, and trains and evaluates methods on it, each at its best rate by the validation split.
 * @param chosen Rates found with an earlier seed, by method; those that are missing are looked for and added.
 */
async function compare(comparison: Comparison, chosen: Map<string, number>, context: Context): Promise<PlantedRun[]> {
  const { root, base, data, seed, methods, settings, rates, criterion } = comparison;
  const about = { persona: data.persona, seed, data: data.dir };
  const baseFolder = join(root, "base", `seed-${seed}`);
  await evaluateInto(baseFolder, "test", { base, data, adapter: undefined }, context);
  const runs: PlantedRun[] = [{ ...about, method: "base", lr: null, folder: baseFolder }];
  for (const method of methods) {
    const at = (lr: number) => join(root, method.name, `lr-${lr}`, `seed-${seed}`);
    const training = { base, data, method, seed, settings };
    const lr = chosen.get(method.name) ?? (await bestRate(rates, at, training, criterion, context));
    chosen.set(method.name, lr);
    await trainAndEvaluate(at(lr), "test", { ...training, lr }, context);
    runs.push({ ...about, method: method.name, lr, folder: at(lr) });
  }
  return runs;
}
