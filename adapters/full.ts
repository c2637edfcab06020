/** Full fine-tuning: every tensor of the base is trained. Needs the plan "whole". */
import { z } from "zod";
import { adapterMethod, type Adapter, type AdapterTarget, type ParameterSpec } from "../src/core/decoder/index.ts";
import { checkForeignKeys } from "../src/core/util/index.ts";
import { fullKeys } from "./folderKeys.ts";

const fullSchema = z.strictObject({ method: z.literal("full") });
type FullConfig = z.infer<typeof fullSchema>;

/** Standard deviation of matrices where a base is trained from nothing. */
const INIT_STD = 0.02;

function fit(_config: FullConfig, target: AdapterTarget): Adapter {
  const parameters = [...target.baseShapes].map(([name, shape]): ParameterSpec => {
    const matrix = shape.length > 1;
    return {
      name,
      shape,
      part: "base",
      decay: matrix,
      init: (data, rng) => {
        for (let i = 0; i < data.length; i++)
          data[i] = matrix ? INIT_STD * rng.normal() : name.endsWith("bias") ? 0 : 1;
      },
    };
  });
  return {
    method: "full",
    sites: [],
    parameters,
    profileWidth: 0,
    dropout: 0,
    hasRouters: false,
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
  fit,
});
