import { inspect } from "node:util";
import { fileError } from "../core/io/files.ts";
import { hasCode, type CumaError } from "../core/util/errors.ts";
import { visibleJson, visibleLines } from "../core/util/show.ts";

// The only door to the terminal: whatever is printed passes here, so that nothing in it acts.

/** Characters of a message at most, the last resort against one that holds what it should not. */
const MAX_MESSAGE = 4000;
/** Goes to the beginning of the line and clears it, where progress may stand. */
const CLEAR_LINE = "\r\x1b[K";

/** A result, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${visibleLines(text)}\n`);
}

/** A result as JSON, on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(value)}\n`);
}

/** A message about what is going on, on standard error. */
export function say(message: string): void {
  const shown = visibleLines(message.slice(0, MAX_MESSAGE));
  const rest = message.length > MAX_MESSAGE ? `... (${message.length - MAX_MESSAGE} more characters)` : "";
  process.stderr.write(`${redraws() ? CLEAR_LINE : ""}${shown}${rest}\n`);
}

/** An error that is no message of ours, with its stack, on standard error. */
export function sayUnexpected(error: unknown): void {
  say(inspect(error, { maxStringLength: MAX_MESSAGE, maxArrayLength: 10 }));
}

/** Whether standard error is a terminal on which a line can be drawn again. */
export function redraws(): boolean {
  return process.stderr.isTTY && process.env["TERM"] !== "dumb";
}

/** A line of progress, in place of the one before where that can be. */
export function drawLine(text: string, last: boolean): void {
  if (!redraws()) process.stderr.write(`${text}\n`);
  else process.stderr.write(`${CLEAR_LINE}${text.slice(0, process.stderr.columns - 1)}${last ? "\n" : ""}`);
}

/**
 * Takes care of what can happen to the two streams. A reader that has seen enough, such as `head`, or that is gone, such
 * as a killed `tee`, is no reason to stop; results that cannot be written otherwise are an error.
 */
export function watchStreams(onError: (error: CumaError) => void): void {
  process.stdout.on("error", (error: Error) => {
    if (!hasCode(error, "EPIPE")) onError(fileError("standard output", "cannot be written", error));
  });
  // Nobody can be told that messages cannot be written.
  process.stderr.on("error", () => undefined);
}
