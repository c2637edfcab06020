import { z } from "zod";
import { unknownName } from "../src/util/index.ts";
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
    context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: value }) as never));
    return z.NEVER;
  });

export * from "./folder.ts";
export * from "./table.ts";
