import type { z } from "zod";
import { adapterSchema } from "../../adapters/index.ts";
import { holdOutRuleSchema } from "../../datasets/index.ts";
import { runSchema } from "../core/config/index.ts";
import { templateSettingsSchema } from "../core/text/index.ts";
import { objectiveNames } from "../core/train/index.ts";
import { datasetNames } from "./tableNames.ts";

/** A run file with the adapters, data sets and objectives that there are. */
export const runConfigSchema = runSchema(
  adapterSchema,
  holdOutRuleSchema,
  datasetNames,
  templateSettingsSchema,
  objectiveNames,
);

export type RunConfig = z.infer<typeof runConfigSchema>;
