/** log.jsonl, which a run writes into its folder: a step or a warning a line. */
import { z } from "zod";
import { checkJson, parseJson } from "../util/index.ts";

/** JSON has no NaN: numbers that do not apply are null in the file. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

/** What the objective and the adapter let be seen; null where it does not apply. */
const logged = z.union([z.number(), z.null(), z.array(z.number()).readonly()]);

const entrySchema = z
  .object({
    step: z.int(),
    /** Epochs done after this step. */
    epoch: z.number(),
    /** The objective's. */
    loss: number,
    /** Sum of the adapter's losses, before their factors. */
    auxLoss: number,
    lr: z.number(),
    /** Before clipping. */
    gradNorm: number,
    /** Tokens without padding, forward and backward. */
    tokensPerSecond: number,
  })
  .catchall(logged);

const warningSchema = z.object({ step: z.int(), message: z.string() });

/** What a step has given. */
export type LogEntry = z.output<typeof entrySchema>;
/** Something in a run that may be amiss. */
export type TrainingWarning = z.output<typeof warningSchema>;
export type LogLine = LogEntry | TrainingWarning;

export function formatLogLine(line: LogLine): string {
  const text = JSON.stringify(line);
  parseLogLine("log.jsonl", text);
  return text;
}

export function isWarning(line: LogLine): line is TrainingWarning {
  return typeof line["message"] === "string";
}

/** @param where Names the line. @throws CumaError naming it and what is wrong with it. */
export function parseLogLine(where: string, text: string): LogLine {
  const json = parseJson(where, text);
  return json instanceof Object && "message" in json
    ? checkJson(where, json, warningSchema)
    : checkJson(where, json, entrySchema);
}
