import * as z from "zod";
import { unknownName } from "../src/core/util/index.ts";
import { adapters, type AdapterName } from "./table.ts";

/** A method's configuration, with defaults filled in. */
export type AdapterConfig = { readonly method: AdapterName } & Readonly<Record<string, unknown>>;

/** The `adapter` part of a run file; the method is CuMA unless it says otherwise. */
export const adapterSchema = z
  .looseObject({ method: z.string().default("cuma") })
  .transform((value, context): AdapterConfig => {
    const { method } = value;
    if (!Object.hasOwn(adapters, method)) {
      context.issues.push({
        code: "custom",
        path: ["method"],
        message: unknownName("method", method, Object.keys(adapters)),
        input: method,
      });
      return z.NEVER;
    }
    const parsed = adapters[method as AdapterName].configSchema.safeParse(value);
    if (parsed.success) return parsed.data as AdapterConfig;
    for (const issue of parsed.error.issues) {
      if (issue.code !== "unrecognized_keys") context.issues.push({ ...issue, input: value } as never);
      else for (const key of issue.keys) context.issues.push(unknownKey(key, method as AdapterName));
    }
    return z.NEVER;
  });

function unknownKey(key: string, method: AdapterName) {
  const schema = adapters[method].configSchema;
  const keys = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return { code: "custom" as const, path: [key], message: unknownName(`key of "${method}"`, key, keys), input: key };
}

export * from "./format.ts";
export * from "./table.ts";
