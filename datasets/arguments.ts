/** What the public functions of data sets take, as schemas: checked at the door, before anything is read. */
import { z } from "zod";
import { callback, checkArgument, CumaError, someText, unknownName, type FieldsOf } from "../src/core/util/index.ts";
import type { WorldValuesBenchOptions } from "./worldValuesBench/loadWorldValuesBench.ts";
import type { WvsOptions } from "./worldValuesBench/convertWvs.ts";

const SPLITS = ["train", "valid", "test", "full"];

const loadSchema = z.strictObject({
  limit: z.int().positive("expected a positive whole number").optional(),
  seed: z.int().nonnegative().optional(),
  questions: z.array(someText).optional(),
} satisfies FieldsOf<WorldValuesBenchOptions>);

/** Checks what a loader is given. @throws CumaError naming the argument. */
export function checkLoading(dir: unknown, split: unknown, options: unknown): void {
  checkFolder(dir);
  const name = checkArgument("split", someText, split);
  if (!SPLITS.includes(name)) throw new CumaError(unknownName("split", name, SPLITS));
  checkArgument("options", loadSchema, options);
}

/** @throws CumaError where it is not the path of a folder. */
export function checkFolder(dir: unknown): void {
  checkArgument("dir", someText, dir);
}

export const wvsSchema = z.strictObject({
  wvs: someText,
  metadataDir: someText,
  out: someText,
  overwrite: z.boolean().optional(),
  onProgress: callback.optional(),
} satisfies FieldsOf<WvsOptions>);

/** Where planted data is written; what it is drawn from has a schema of its own. */
export const plantedOutSchema = z.looseObject({ out: someText, overwrite: z.boolean().optional() });
