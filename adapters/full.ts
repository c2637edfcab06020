/** Full fine-tuning: every tensor of the base is trained. Needs the plan "whole". */
import * as z from "zod";
import {
  adapterMethod,
  layerOf,
  type Adapter,
  type AdapterTarget,
  type ParameterSpec,
} from "../src/core/decoder/index.ts";
import { checkForeignKeys } from "../src/core/util/index.ts";
import { fullKeys } from "./folderKeys.ts";

const fullSchema = z.strictObject({ method: z.literal("full") });
type FullConfig = z.infer<typeof fullSchema>;

function fit(_config: FullConfig, target: AdapterTarget): Adapter {
  const parameters = [...target.baseShapes].map(([name, shape]): ParameterSpec => ({
    name,
    shape,
    part: "base",
    layer: layerOf(name),
    decay: shape.length > 1,
    init: (data, _rng, base) => {
      data.set(base(name).data);
    },
  }));
  return {
    method: "full",
    sites: [],
    parameters,
    profileWidth: 0,
    dropout: 0,
    folderConfig: { peft_type: "FULL" },
    layer: () => {
      throw new Error("full fine-tuning adds nothing to a layer");
    },
    toTensors: (values) => ({ ...values }),
    fromTensors: ({ read }) => Object.fromEntries(parameters.map(({ name, shape }) => [name, read(name, shape)])),
  };
}

function parseFolderConfig(json: unknown): FullConfig {
  checkForeignKeys(z.looseObject({}).parse(json), fullKeys);
  return { method: "full" };
}

export const full = adapterMethod({
  name: "full",
  configSchema: fullSchema,
  peftTypes: ["FULL"],
  parseFolderConfig,
  takesProfiles: () => false,
  fit,
});
