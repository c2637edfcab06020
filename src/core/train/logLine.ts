/** log.jsonl, which a run writes into its folder: a step or a warning a line. */
import { z } from "zod";
import { checkJson, parseJson } from "../io/index.ts";

/** JSON has no NaN: numbers that do not apply are null in the file. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

const entrySchema = z.object({
  step: z.int(),
  /** Epochs done after this step. */
  epoch: z.number(),
  /** Mean over answer tokens, in nats. */
  loss: number,
  /** Sum over routers of the load-balancing loss, before its factor. */
  auxLoss: number,
  lr: z.number(),
  /** Before clipping. */
  gradNorm: number,
  /** Tokens without padding, forward and backward. */
  tokensPerSecond: number,
  expertLoad: z.array(z.number()).readonly().optional(),
  effectiveExperts: z.number().optional(),
  gateMax: z.number().optional(),
  /** null: of fewer than two profiles. */
  profileDistance: z.number().nullable().optional(),
});

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

/** @param where Names the line. @throws CumaError naming it and what is wrong with it. */
export function parseLogLine(where: string, text: string): LogLine {
  const json = parseJson(where, text);
  const isWarning = json instanceof Object && "message" in json;
  return isWarning ? checkJson(where, json, warningSchema) : checkJson(where, json, entrySchema);
}
