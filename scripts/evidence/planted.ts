import { existsSync } from "node:fs";
import { join } from "node:path";
import { writePlanted } from "../../datasets/index.ts";
import { DEMO_BASE } from "../../src/app/index.ts";
import { bestRate, evaluateInto, trainInto, type Context, type Data, type Method } from "./runs.ts";

export const SEEDS = [0, 1, 2, 3, 4];
const RATES = [1e-3, 3e-3, 1e-2];
const ATTRIBUTES = ["country", "religion"];
const SETTINGS = { batchSize: 16, epochs: 10, schedule: "cosine", warmup: 20 };

/** 90,112 to 91,392 trainable parameters. */
export const METHODS: readonly Method[] = [
  { name: "cuma", adapter: { method: "cuma", r: 4, loraAlpha: 8, routerHidden: 32 } },
  { name: "cuma-soft", adapter: { method: "cuma", r: 4, loraAlpha: 8, routerHidden: 32, gating: "soft" } },
  {
    name: "cuma-blind",
    adapter: { method: "cuma", r: 4, loraAlpha: 8, routerHidden: 62 },
    encoder: { model: "none" },
  },
  { name: "lora", adapter: { method: "lora", r: 51, loraAlpha: 102 } },
  { name: "lora-profile", adapter: { method: "lora", r: 32, loraAlpha: 64, profileVector: true } },
];

export const PERSONAS = [true, false];

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
    const dir = join(root, "data", `seed-${seed}`);
    if (!existsSync(join(dir, "truth.json"))) writePlanted({ out: dir, seed });
    for (const persona of PERSONAS) {
      const data: Data = { benchmark: "wvb", dir, attributes: ATTRIBUTES, persona, holdOut: [] };
      const place = (method: string) => join(root, persona ? "persona" : "no-persona", method);
      const at = (method: Method, lr: number) => join(place(method.name), `lr-${lr}`, `seed-${seed}`);
      const trained = async (method: Method, lr: number): Promise<string> => {
        const folder = at(method, lr);
        return trainInto(folder, { base: DEMO_BASE, data, method, seed, lr, settings: SETTINGS }, context);
      };
      const baseFolder = join(place("base"), `seed-${seed}`);
      await evaluateInto(baseFolder, "test", { base: DEMO_BASE, data, adapter: undefined }, context);
      runs.push({ persona, seed, method: "base", lr: null, data: dir, folder: baseFolder });
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
        runs.push({ persona, seed, method: method.name, lr, data: dir, folder: at(method, lr) });
      }
    }
  }
  return runs;
}
