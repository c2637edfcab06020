import { existsSync } from "node:fs";
import { join } from "node:path";
import { writePlanted } from "../../datasets/index.ts";
import { DEMO_BASE } from "../../src/app/index.ts";
import { bestRate, evaluateInto, trainInto, type Context, type Data, type Method } from "./runs.ts";

export const SEEDS = [0, 1, 2, 3, 4];
const RATES = [1e-3, 3e-3, 1e-2];
const ATTRIBUTES = ["country", "religion"];
const SETTINGS = { batchSize: 16, epochs: 10, schedule: "cosine", warmup: 20 };

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
      const adapter = await trainInto(folder, training, context);
      await evaluateInto(folder, "test", { base: DEMO_BASE, data, adapter }, context);
      runs.push({ persona: true, seed, method: method.name, lr: VARIANT_RATE, data: data.dir, folder });
    }
  }
  return runs;
}

/** A seed's planted data, made where it is not there. */
function plantedData({ out }: Context, seed: number, persona: boolean): Data {
  const dir = join(out, "planted", "data", `seed-${seed}`);
  if (!existsSync(join(dir, "truth.json"))) writePlanted({ out: dir, seed });
  return { benchmark: "planted", dir, attributes: ATTRIBUTES, persona, holdOut: [] };
}

export interface PlantedRun {
  readonly persona: boolean;
  readonly seed: number;
  readonly method: string;
  readonly lr: number | null;
  readonly data: string;
  readonly folder: string;
}

/** Trains every method on every seed, each at its best rate by the likelihood of the validation split of seed 0. */
export async function runPlanted(context: Context): Promise<PlantedRun[]> {
  const root = join(context.out, "planted");
  const runs: PlantedRun[] = [];
  const rates = new Map<string, number>();
  for (const seed of SEEDS) {
    for (const persona of PERSONAS) {
      const data = plantedData(context, seed, persona);
      const place = (method: string) => join(root, persona ? "persona" : "no-persona", method);
      const at = (method: Method, lr: number) => join(place(method.name), `lr-${lr}`, `seed-${seed}`);
      const trained = async (method: Method, lr: number): Promise<string> => {
        const folder = at(method, lr);
        return trainInto(folder, { base: DEMO_BASE, data, method, seed, lr, settings: SETTINGS }, context);
      };
      const baseFolder = join(place("base"), `seed-${seed}`);
      await evaluateInto(baseFolder, "test", { base: DEMO_BASE, data, adapter: undefined }, context);
      runs.push({ persona, seed, method: "base", lr: null, data: data.dir, folder: baseFolder });
      for (const method of METHODS) {
        const key = `${method.name} ${persona}`;
        if (!rates.has(key)) {
          const best = await bestRate(RATES, async (lr) => {
            const adapter = await trained(method, lr);
            const valid = await evaluateInto(at(method, lr), "valid", { base: DEMO_BASE, data, adapter }, context);
            return valid.metrics["nll"]!.value;
          });
          rates.set(key, best);
        }
        const lr = rates.get(key)!;
        const adapter = await trained(method, lr);
        await evaluateInto(at(method, lr), "test", { base: DEMO_BASE, data, adapter }, context);
        runs.push({ persona, seed, method: method.name, lr, data: data.dir, folder: at(method, lr) });
      }
    }
  }
  return runs;
}
