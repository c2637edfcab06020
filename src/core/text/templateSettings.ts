import * as z from "zod";
import { CumaError, describeIssue } from "../util/index.ts";

/** What the reserved names of a template mean is not the reader's to say. */
const RESERVED = ["messages", "tools", "documents", "add_generation_prompt", "raise_exception", "strftime_now"];

const variable = z.union([z.string(), z.number(), z.boolean()], "expected a text, a number or a boolean");

/**
 * What a chat template is given besides the messages: `date` is the day that it takes for today, whatever the clock
 * says, every other key a variable of its own. Thinking is off where a template knows of it.
 */
export const templateSettingsSchema = z
  .object({
    date: z.iso.date("expected a date, such as 2024-07-26").default("2024-07-26"),
    enable_thinking: variable.default(false),
  })
  .catchall(variable)
  .superRefine((settings, context) => {
    for (const name of Object.keys(settings)) {
      if (/^[A-Za-z_]\w*$/.test(name) && !RESERVED.includes(name)) continue;
      const message = `expected the name of a variable, other than ${RESERVED.join(", ")}`;
      context.addIssue({ code: "custom", path: [name], message });
    }
  });

export type TemplateSettings = Readonly<z.infer<typeof templateSettingsSchema>>;

export const defaultTemplateSettings: TemplateSettings = templateSettingsSchema.parse({});

/**
 * The settings that apply: those given, and for other keys those of the adapter's training, or the defaults.
 * @throws CumaError naming the key that is wrong.
 */
export function resolveTemplateSettings(
  given: Readonly<Record<string, unknown>>,
  trained: TemplateSettings | undefined,
): TemplateSettings {
  const merged = { ...trained, ...given };
  const parsed = templateSettingsSchema.safeParse(merged);
  if (parsed.success) return parsed.data;
  throw new CumaError(`template: ${describeIssue(parsed.error.issues[0]!, merged)}`);
}
