import { excerpt, show } from "./show.ts";

/** An error caused by what the user gave: its message is the whole explanation, and the CLI prints no stack for it. */
export class CumaError extends Error {
  override readonly name: string = "CumaError";
}

/** The command line or the run file is wrong (exit code 2). */
export class UsageError extends CumaError {
  override readonly name = "UsageError";
}

/** A tensor has another shape or type than the graph declares. */
export class ShapeError extends CumaError {
  override readonly name = "ShapeError";
}

/** The run was interrupted and its state saved (exit code 130). */
export class Interrupted extends CumaError {
  override readonly name = "Interrupted";
}

/** Characters of a message that is not ours. */
const MAX_MESSAGE = 300;

/** Message of anything thrown; of errors that are not ours on one line, at most some hundred visible characters. */
export function messageOf(error: unknown): string {
  if (error instanceof CumaError) return error.message;
  return error instanceof Error
    ? excerpt(error.message.slice(0, 2 * MAX_MESSAGE).replace(/\s*\n\s*/g, " "), MAX_MESSAGE)
    : show(error);
}

/** True for a Node.js system error with this code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
